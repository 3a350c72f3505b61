// Any bytes as a feed, a manifest or a version kept on disk; the first byte chooses which. An
// answer that keeps the rules, or an error of one line.
#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <string>

#include "aggregator/feeds/load.h"
#include "aggregator/feeds/manifest.h"
#include "aggregator/feeds/table.h"
#include "aggregator/feeds/versions.h"

using namespace outflow;
using namespace outflow::feeds;

namespace {

void check(const Error& error) {
  assert(!error.what.empty());
  assert(error.what.find('\n') == std::string::npos);
}

bool same(const RangeSet& a, const RangeSet& b) {
  return a.classes() == b.classes() && a.ranges() == b.ranges();
}

void check_loaded(Loaded loaded) {
  for (const Range& range : loaded.ranges) {
    assert(!refusal_of(range.prefix.to_string(), false));
    assert(range.range_class < loaded.classes.size());
  }
  for (const RangeClass& one : loaded.classes) {
    assert(class_part(one.service) == one.service && class_part(one.region) == one.region);
  }
  const auto set = std::make_shared<const RangeSet>("F", loaded.classes, loaded.ranges);
  assert(set->ranges().size() == loaded.ranges.size());
  const FeedVersion version{set, from_unix_ns(1), "source", "digest"};
  const auto again = decode_version(encode_version(version), "F");
  assert(again && same(*again->ranges, *set) && again->accepted == version.accepted);
  const RangeTable table({{{version}, false}});
  for (const Range& range : loaded.ranges) {
    const bool dialled = loaded.classes[range.range_class].direction == Direction::ToVendor;
    const auto match = table.find(range.prefix.address(), version.accepted);
    assert(match || !dialled);
    assert(!match || table.class_of(range.prefix.address(), version.accepted) == match->text);
  }
}

void read_manifest_of(const std::string& text) {
  const auto manifest = read_manifest(text, "m");
  if (!manifest) return check(manifest.error());
  for (const FeedSpec& spec : manifest->feeds) {
    assert(!spec.name.empty() && !spec.sources.empty() && spec.every >= kEveryMin);
  }
  for (const OwnClass& own : manifest->classes) assert(!own.nets.empty());
}

void read_version_of(const std::string& text) {
  const auto version = decode_version(text, "F");
  if (!version) return check(version.error());
  const auto again = decode_version(encode_version(*version), "F");
  assert(again && same(*again->ranges, *version->ranges));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the fuzzer's bytes as text
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  // A letter, so that the corpus can be read: 'a' is the first format.
  const std::size_t chosen = static_cast<std::size_t>(data[0] - 'a') % (kFormats + 2);
  if (chosen == kFormats) {
    read_manifest_of(text);
    return 0;
  }
  if (chosen == kFormats + 1) {
    read_version_of(text);
    // With the digest it would have to have: behind it stands the reader of lines.
    read_version_of(text + "\nend " + sha256_of(text + "\n") + "\n");
    return 0;
  }
  const std::array texts{SourceText{"fuzz", text}};
  auto loaded = load(static_cast<Format>(chosen), texts, {});
  if (!loaded) {
    check(loaded.error());
    return 0;
  }
  check_loaded(*std::move(loaded));
  return 0;
}
