// The bytes of a feed -> its classes and prefixes. Pure. Bytes that are not of the format are an
// Error that names the place; single rows that break a rule are refused and counted (draft.h).
//
//   format         what is read                                                    service / region
//   aws            ip-ranges.json: prefixes, ipv6_prefixes                         service / region
//   google         goog.json, cloud.json: prefixes                                 service / scope
//   azure          Service Tags: values[].properties.addressPrefixes               tag / its region
//   oracle         public_ip_ranges.json: regions[].cidrs[], once for each tag     tag / region
//   github         the API's meta: every list of prefixes                          its key / -
//   cloudflare     ips-v4 and ips-v6 (text), or the API's answer (JSON)            - / -
//   fastly         public-ip-list: addresses, ipv6_addresses                       - / -
//   microsoft-365  endpoints.office.com: [].ips                                    serviceArea / -
//   known-server   Kubescape's KnownServer as JSON, one or a list: spec[].ipBlock  name / -
//   geofeed        RFC 8805 (digitalocean and linode publish it)                   - / region or
//   country cidr-list      a prefix a line; '#' and ';' begin a comment                    - / -
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "aggregator/feeds/draft.h"
#include "common/result.h"

namespace outflow::feeds {

enum class Format : std::uint8_t {
  Aws,
  Google,
  Azure,
  Oracle,
  Github,
  Cloudflare,
  Fastly,
  Microsoft365,
  KnownServer,
  Geofeed,
  CidrList,
};
inline constexpr std::size_t kFormats = 11;
[[nodiscard]] std::string_view to_text(Format format);
// The words of the table; "digitalocean" and "linode" are geofeeds. nullopt for any other.
[[nodiscard]] std::optional<Format> format_of(std::string_view word);
// All words, for messages: "aws, google, ...".
[[nodiscard]] std::string format_words();

struct SourceText {
  std::string source;  // file or URL
  std::string text;
};

// Several texts (IPv4 and IPv6 apart) are one version. Errors begin with the source.
[[nodiscard]] Result<Loaded> load(Format format, std::span<const SourceText> texts,
                                  const Draft::Told& told);

}  // namespace outflow::feeds
