// The manifest of --feeds: which lists are read from where, and the operator's own classes.
//
//   feeds:
//     - name: AWS                     # letters, digits, "._-"; the first part of a class's name
//       format: aws                   # load.h has the table
//       url: https://ip-ranges.amazonaws.com/ip-ranges.json
//       every: 24h                    # of a URL; 1m to 30d
//     - name: Cloudflare
//       format: cloudflare
//       files: [ips-v4, ips-v6]       # beside the manifest, or absolute; `file: x` for one
//       sha256: 0a1b...               # only these bytes are taken (of several: one after another)
//       accept: 2c3d...               # these bytes are taken although they shrank or grew much
//       direction: to-vendor          # or from-vendor; else what is known of each service
//       shared: true                  # one address serves many tenants
//   classes:
//     - name: home-lan
//       nets: [192.168.178.0/24]      # private ranges are welcome here
//
// Keys nobody knows, names that stand twice and values that cannot be are Errors with file and
// line.
#pragma once

#include <string>
#include <vector>

#include "aggregator/feeds/draft.h"
#include "aggregator/feeds/load.h"
#include "common/clock.h"
#include "common/net/prefix.h"
#include "common/result.h"

namespace outflow::feeds {

inline constexpr std::size_t kManifestBytesMax = std::size_t{1} << 20U;
inline constexpr nanoseconds kEveryMin = std::chrono::minutes(1);
inline constexpr nanoseconds kEveryMax = std::chrono::days(30);
inline constexpr std::size_t kFeedsMax = 200;
inline constexpr std::size_t kSourcesMax = 16;  // files or URLs of one feed

struct FeedSpec {
  std::string name;
  Format format{};
  std::vector<std::string> sources;  // absolute paths, or URLs
  bool is_url = false;
  std::string sha256;  // 64 hex digits in lower case, "" when nothing is pinned
  std::string accept;  // the same of what may leave quarantine
  nanoseconds every = std::chrono::hours(24);
  Draft::Told told;

  // With a space between them.
  [[nodiscard]] std::string sources_text() const;
  friend bool operator==(const FeedSpec&, const FeedSpec&) = default;
};

struct OwnClass {
  std::string name;
  std::vector<net::Prefix> nets;
};

struct Manifest {
  std::vector<FeedSpec> feeds;
  std::vector<OwnClass> classes;
};

// `path` is the manifest's: files are relative to its folder, and errors begin with it.
[[nodiscard]] Result<Manifest> read_manifest(const std::string& text, const std::string& path);

}  // namespace outflow::feeds
