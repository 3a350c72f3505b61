#include "aggregator/feeds/manifest.h"

#include <algorithm>
#include <filesystem>
#include <initializer_list>
#include <set>
#include <utility>

#include <yaml-cpp/yaml.h>

#include "aggregator/feeds/fetch.h"
#include "aggregator/inventory/json_value.h"
#include "common/text.h"

namespace outflow::feeds {
namespace {

constexpr std::size_t kDigestChars = 64;
constexpr const char* kPlainName =
    "is no name: it begins with a letter or digit, has those and '._-', and at most 64 of them";

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// A name is part of a class's text and the name of a folder.
bool is_plain_name(const std::string& name) {
  return !name.empty() && is_alphanumeric(name.front()) && class_part(name) == name;
}

class Reader {
 public:
  explicit Reader(const std::string& path)
      : path_(path), folder_(std::filesystem::path(path).parent_path()) {}

  Result<Manifest> read(const YAML::Node& root) {
    Manifest manifest;
    check_keys(root, "", {"feeds", "classes"});
    for (const YAML::Node& item : items(root, "feeds", "")) {
      const std::string place = "feeds[" + std::to_string(manifest.feeds.size()) + "]";
      manifest.feeds.push_back(feed(item, place));
    }
    for (const YAML::Node& item : items(root, "classes", "")) {
      const std::string place = "classes[" + std::to_string(manifest.classes.size()) + "]";
      manifest.classes.push_back(own_class(item, place));
    }
    if (manifest.feeds.size() > kFeedsMax) {
      complain(root, "feeds", "are more than " + std::to_string(kFeedsMax));
    }
    if (!complaint_.empty()) return fail(complaint_);
    return manifest;
  }

 private:
  // The first complaint counts: later ones are often echoes of it.
  void complain(const YAML::Node& node, const std::string& place, const std::string& what) {
    if (!complaint_.empty()) return;
    const int line = node.IsDefined() ? node.Mark().line : -1;
    complaint_ = path_ + (line >= 0 ? ":" + std::to_string(line + 1) : "") + ": " +
                 (place.empty() ? "" : place + ": ") + inventory::printable(what);
  }

  bool check_keys(const YAML::Node& map, const std::string& place,
                  std::initializer_list<std::string_view> known) {
    if (!map.IsMap()) {
      if (!map.IsNull() || !place.empty()) complain(map, place, "is no map");
      return false;
    }
    std::set<std::string> met;
    for (const auto& pair : map) {
      const std::string key = pair.first.IsScalar() ? pair.first.Scalar() : "";
      if (std::find(known.begin(), known.end(), key) == known.end()) {
        complain(pair.first, place, "nobody knows the key '" + key + "'");
      }
      if (!met.insert(key).second) complain(pair.first, place, "has '" + key + "' twice");
    }
    return true;
  }

  static YAML::Node member(const YAML::Node& map, const std::string& key) {
    if (!map.IsMap()) return YAML::Node(YAML::NodeType::Null);
    const YAML::Node& constant = map;  // looking does not add
    const YAML::Node found = constant[key];
    return found.IsDefined() ? found : YAML::Node(YAML::NodeType::Null);
  }

  std::vector<YAML::Node> items(const YAML::Node& map, const std::string& key,
                                const std::string& place) {
    const YAML::Node list = member(map, key);
    if (list.IsNull()) return {};
    if (!list.IsSequence()) {
      complain(list, place.empty() ? key : place + "." + key, "is no list");
      return {};
    }
    return {list.begin(), list.end()};
  }

  std::string text(const YAML::Node& map, const std::string& key, const std::string& place) {
    const YAML::Node value = member(map, key);
    if (value.IsNull()) return "";
    if (value.IsScalar() && !value.Scalar().empty()) return value.Scalar();
    complain(value, place + "." + key, "is no text");
    return "";
  }

  std::string name(const YAML::Node& map, const std::string& place) {
    std::string name = text(map, "name", place);
    if (!is_plain_name(name)) complain(map, place + ".name", "'" + name + "' " + kPlainName);
    if (!names_.insert(name).second) {
      complain(map, place + ".name", "'" + name + "' is there already");
    }
    return name;
  }

  std::string digest(const YAML::Node& map, const std::string& key, const std::string& place) {
    std::string digest = text(map, key, place);
    for (char& c : digest) c = (c >= 'A' && c <= 'F') ? static_cast<char>(c - 'A' + 'a') : c;
    const bool is_hex = digest.find_first_not_of("0123456789abcdef") == std::string::npos;
    if (!digest.empty() && (!is_hex || digest.size() != kDigestChars)) {
      complain(member(map, key), place + "." + key, "is no SHA-256: 64 hex digits are one");
    }
    return digest;
  }

  bool flag(const YAML::Node& map, const std::string& key, const std::string& place) {
    const std::string value = text(map, key, place);
    if (!value.empty() && value != "true" && value != "false") {
      complain(member(map, key), place + "." + key, "is neither true nor false");
    }
    return value == "true";
  }

  // One of file, files, url, urls.
  void read_sources(const YAML::Node& map, const std::string& place, FeedSpec& spec) {
    int kinds = 0;
    for (const std::string key : {"file", "files", "url", "urls"}) {
      if (member(map, key).IsNull()) continue;
      ++kinds;
      spec.is_url = key.starts_with("url");
      if (!key.ends_with("s")) {
        spec.sources.push_back(text(map, key, place));
        continue;
      }
      const std::string there = std::string(place).append(".").append(key);
      for (const YAML::Node& item : items(map, key, place)) {
        if (!item.IsScalar()) complain(item, there, "has what is no text");
        if (item.IsScalar()) spec.sources.push_back(item.Scalar());
      }
    }
    if (kinds != 1) complain(map, place, "needs one of file, files, url, urls");
    if (spec.sources.empty() || spec.sources.size() > kSourcesMax) {
      complain(map, place, "has no source, or more than " + std::to_string(kSourcesMax));
    }
    for (std::string& source : spec.sources) check_source(map, place, spec.is_url, source);
  }

  void check_source(const YAML::Node& map, const std::string& place, bool is_url,
                    std::string& source) {
    const bool printable = std::none_of(source.begin(), source.end(), [](char c) {
      return static_cast<unsigned char>(c) < ' ' || c == '\x7f';
    });
    if (source.empty() || !printable) return complain(map, place, "has a source that is no text");
    if (!is_url) {
      if (source.front() != '/') source = (folder_ / source).string();
      return;
    }
    if (auto checked = check_url(source); !checked) complain(map, place, checked.error().what);
  }

  FeedSpec feed(const YAML::Node& map, const std::string& place) {
    FeedSpec spec;
    if (!check_keys(map, place,
                    {"name", "format", "file", "files", "url", "urls", "sha256", "accept", "every",
                     "direction", "shared"})) {
      return spec;
    }
    spec.name = name(map, place);
    const std::string word = text(map, "format", place);
    const auto format = format_of(word);
    if (!format) {
      complain(map, place + ".format", "'" + word + "' is not one of " + format_words());
    }
    spec.format = format.value_or(Format::CidrList);
    read_sources(map, place, spec);
    spec.sha256 = digest(map, "sha256", place);
    spec.accept = digest(map, "accept", place);
    spec.told.shared = flag(map, "shared", place);
    read_direction(map, place, spec);
    read_every(map, place, spec);
    return spec;
  }

  void read_direction(const YAML::Node& map, const std::string& place, FeedSpec& spec) {
    const std::string direction = text(map, "direction", place);
    if (direction.empty()) return;
    spec.told.direction =
        direction == to_text(Direction::FromVendor) ? Direction::FromVendor : Direction::ToVendor;
    if (direction != to_text(*spec.told.direction)) {
      complain(member(map, "direction"), place + ".direction",
               "'" + direction + "' is neither to-vendor nor from-vendor");
    }
  }

  void read_every(const YAML::Node& map, const std::string& place, FeedSpec& spec) {
    const std::string every = text(map, "every", place);
    if (every.empty()) return;
    const auto duration = parse_duration(every);
    if (!duration) {
      return complain(member(map, "every"), place + ".every", duration.error().what);
    }
    if (!spec.is_url) complain(member(map, "every"), place + ".every", "is for URLs alone");
    if (*duration < kEveryMin || *duration > kEveryMax) {
      complain(member(map, "every"), place + ".every", "'" + every + "' is not between 1m and 30d");
    }
    spec.every = *duration;
  }

  OwnClass own_class(const YAML::Node& map, const std::string& place) {
    OwnClass own;
    if (!check_keys(map, place, {"name", "nets"})) return own;
    own.name = name(map, place);
    for (const YAML::Node& item : items(map, "nets", place)) {
      const std::string net = item.IsScalar() ? item.Scalar() : "";
      if (const auto refusal = refusal_of(net, true)) {
        complain(item, place + ".nets",
                 "'" + net + "' is refused: " + std::string(to_text(*refusal)));
        continue;
      }
      own.nets.push_back(*net::Prefix::parse(net));
    }
    if (own.nets.empty()) complain(map, place + ".nets", "has no prefix");
    return own;
  }

  const std::string path_;
  const std::filesystem::path folder_;
  std::set<std::string> names_;
  std::string complaint_;
};

}  // namespace

std::string FeedSpec::sources_text() const {
  std::string all;
  for (const std::string& source : sources) all.append(all.empty() ? "" : " ").append(source);
  return all;
}

Result<Manifest> read_manifest(const std::string& text, const std::string& path) {
  if (text.size() > kManifestBytesMax) {
    return fail(path + ": is more than " + std::to_string(kManifestBytesMax) + " bytes");
  }
  try {
    return Reader(path).read(YAML::Load(text));
  } catch (const YAML::Exception& error) {
    return fail(path + ":" + std::to_string(error.mark.line + 1) + ": " +
                inventory::printable(error.msg));
  }
}

}  // namespace outflow::feeds
