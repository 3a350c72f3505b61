#include "aggregator/feeds/versions.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>

#include <fmt/format.h>
#include <openssl/evp.h>

#include "aggregator/feeds/draft.h"
#include "aggregator/feeds/fetch.h"
#include "common/file.h"

namespace outflow::feeds {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kHead = "outflow-feed 1";
constexpr std::string_view kSuffix = ".ranges";

std::string_view take_until(std::string_view& text, char end) {
  const std::size_t at = text.find(end);
  const std::string_view taken = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return taken;
}

template <class Number>
bool read_number(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

class Decoder {
 public:
  Decoder(std::string_view text, std::string feed) : rest_(text), feed_(std::move(feed)) {}

  Result<FeedVersion> decode() {
    if (take_until(rest_, '\n') != kHead) return fail("is no feed version of this format");
    for (std::size_t line = 2; !rest_.empty(); ++line) {
      std::string_view content = take_until(rest_, '\n');
      const std::string_view word = take_until(content, ' ');
      if (!take(word, content)) return fail(fmt::format("line {} is wrong", line));
    }
    if (ranges_.empty()) return fail("has no range");
    version_.ranges =
        std::make_shared<const RangeSet>(std::move(feed_), std::move(classes_), std::move(ranges_));
    return std::move(version_);
  }

 private:
  bool take(std::string_view word, std::string_view content) {
    if (word == "range") return take_range(content);
    if (word == "class") return take_class(content);
    if (word == "source") version_.source = content;
    if (word == "digest") version_.digest = content;
    if (word != "accepted") return word == "source" || word == "digest";
    std::int64_t ns = 0;
    if (!read_number(content, ns)) return false;
    version_.accepted = from_unix_ns(ns);
    return true;
  }

  bool take_class(std::string_view content) {
    const std::string_view direction = take_until(content, '\t');
    const std::string_view shared = take_until(content, '\t');
    const std::string_view catch_all = take_until(content, '\t');
    const std::string_view service = take_until(content, '\t');
    const auto is_flag = [](std::string_view text) { return text == "0" || text == "1"; };
    if ((direction != "to" && direction != "from") || !is_flag(shared) || !is_flag(catch_all) ||
        class_part(service) != service || class_part(content) != content) {
      return false;
    }
    classes_.push_back({std::string(service), std::string(content),
                        direction == "from" ? Direction::FromVendor : Direction::ToVendor,
                        shared == "1", catch_all == "1"});
    return classes_.size() <= kRangesMax;
  }

  bool take_range(std::string_view content) {
    const auto prefix = net::Prefix::parse(take_until(content, ' '));
    std::uint32_t range_class = 0;
    if (!prefix || !read_number(content, range_class) || range_class >= classes_.size()) {
      return false;
    }
    ranges_.push_back({*prefix, range_class});
    return ranges_.size() <= kRangesMax;
  }

  std::string_view rest_;
  std::string feed_;
  FeedVersion version_;
  std::vector<RangeClass> classes_;
  std::vector<Range> ranges_;
};

}  // namespace

std::string sha256_of(std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  const int done = EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(),
                              /*impl=*/nullptr);
  if (done != 1) return "";
  std::string text;
  for (unsigned i = 0; i < size; ++i) text += fmt::format("{:02x}", digest[i]);
  return text;
}

std::string encode_version(const FeedVersion& version) {
  fmt::memory_buffer out;
  auto to = std::back_inserter(out);
  fmt::format_to(to, "{}\naccepted {}\ndigest {}\nsource {}\n", kHead, unix_ns(version.accepted),
                 version.digest, version.source);
  for (const RangeClass& one : version.ranges->classes()) {
    fmt::format_to(to, "class {}\t{:d}\t{:d}\t{}\t{}\n",
                   one.direction == Direction::FromVendor ? "from" : "to", one.shared,
                   one.catch_all, one.service, one.region);
  }
  for (const Range& range : version.ranges->ranges()) {
    fmt::format_to(to, "range {} {}\n", range.prefix.to_string(), range.range_class);
  }
  std::string text = fmt::to_string(out);
  text += "end " + sha256_of(text) + "\n";
  return text;
}

Result<FeedVersion> decode_version(std::string_view text, const std::string& feed) {
  constexpr std::string_view kEnd = "end ";
  const std::size_t end = text.rfind("\nend ");
  if (end == std::string_view::npos) return fail("is cut short");
  const std::string_view body = text.substr(0, end + 1);
  std::string_view last = text.substr(end + 1 + kEnd.size());
  if (take_until(last, '\n') != sha256_of(body) || !last.empty()) {
    return fail("is damaged: its SHA-256 is not the one it names");
  }
  return Decoder(body, feed).decode();
}

std::size_t version_to_forget(const std::vector<TimePoint>& accepted, TimePoint oldest,
                              TimePoint now) {
  if (accepted.size() > 1 && accepted[1] <= oldest) return 0;
  if (accepted.size() <= kVersionsMax) return accepted.size();
  std::size_t least = 1;
  double least_share = 0;
  for (std::size_t i = 1; i + 1 < accepted.size(); ++i) {
    const std::chrono::duration<double> gap = accepted[i + 1] - accepted[i - 1];
    const std::chrono::duration<double> age = now - accepted[i];
    const double share = gap.count() / std::max(age.count(), 1.0);
    if (i > 1 && share >= least_share) continue;
    least = i;
    least_share = share;
  }
  return least;
}

std::string VersionFolder::file_of(TimePoint accepted) const {
  return fmt::format("{}/{:020}{}", folder_, unix_ns(accepted), kSuffix);
}

VersionFolder::Read VersionFolder::read() const {
  Read read;
  std::error_code error;
  for (fs::directory_iterator entry(folder_, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string path = entry->path().string();
    std::error_code ignored;
    if (!path.ends_with(kSuffix) || !entry->is_regular_file(ignored)) continue;
    const auto text = read_file(path, kFeedBytesMax);
    auto version = text ? decode_version(*text, feed_) : fail(path);
    if (version) {
      read.versions.push_back(*std::move(version));
    } else {
      read.damaged.push_back(text ? path + ": " + version.error().what : text.error().what);
    }
  }
  std::sort(read.versions.begin(), read.versions.end(),
            [](const FeedVersion& a, const FeedVersion& b) { return a.accepted < b.accepted; });
  return read;
}

Result<void> VersionFolder::write(const FeedVersion& version) const {
  std::error_code error;
  fs::create_directories(folder_, error);
  if (error) return fail(folder_ + ": " + error.message());
  return write_file(file_of(version.accepted), encode_version(version), true);
}

Result<void> VersionFolder::remove(TimePoint accepted) const {
  std::error_code error;
  fs::remove(file_of(accepted), error);
  if (error) return fail(file_of(accepted) + ": " + error.message());
  return {};
}

}  // namespace outflow::feeds
