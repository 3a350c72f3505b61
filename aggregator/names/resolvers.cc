#include "aggregator/names/resolvers.h"

#include <algorithm>
#include <array>
#include <unordered_set>

namespace outflow::names {
namespace {

// Names of DNS over HTTPS endpoints, each from its operator's own setup page.
constexpr std::array<std::string_view, 27> kNames{
    // developers.cloudflare.com/1.1.1.1/encryption/dns-over-https, and one.one.one.one/family
    "cloudflare-dns.com",
    "one.one.one.one",
    "1dot1dot1dot1.cloudflare-dns.com",
    "security.cloudflare-dns.com",
    "family.cloudflare-dns.com",
    // support.mozilla.org/kb/firefox-dns-over-https, wiki.mozilla.org/Trusted_Recursive_Resolver
    "mozilla.cloudflare-dns.com",
    "firefox.dns.nextdns.io",
    // developers.cloudflare.com/1.1.1.1, of the Chromium project
    "chrome.cloudflare-dns.com",
    // developers.google.com/speed/public-dns/docs/doh, .../dns64
    "dns.google",
    "dns.google.com",
    "dns64.dns.google",
    // quad9.net/service/service-addresses-and-features
    "dns.quad9.net",
    "dns9.quad9.net",
    "dns10.quad9.net",
    "dns11.quad9.net",
    "dns12.quad9.net",
    // support.opendns.com, "Using DNS over HTTPS (DoH) with OpenDNS"
    "doh.opendns.com",
    "dns.opendns.com",
    "doh.familyshield.opendns.com",
    "dns.umbrella.com",
    // adguard-dns.io/kb/general/dns-providers
    "dns.adguard-dns.com",
    "family.adguard-dns.com",
    "unfiltered.adguard-dns.com",
    // my.nextdns.io, the setup page
    "dns.nextdns.io",
    // mullvad.net/help/dns-over-https-and-dns-over-tls
    "dns.mullvad.net",
    // cleanbrowsing.org/guides/dnsoverhttps
    "doh.cleanbrowsing.org",
    // alidns.com/knowledge, "DNS over HTTPS"
    "dns.alidns.com",
};

// Addresses the same pages give for them.
constexpr std::array<std::string_view, 41> kAddresses{
    // Cloudflare
    "1.1.1.1", "1.0.0.1", "2606:4700:4700::1111", "2606:4700:4700::1001", "1.1.1.2", "1.0.0.2",
    "2606:4700:4700::1112", "2606:4700:4700::1002", "1.1.1.3", "1.0.0.3", "2606:4700:4700::1113",
    "2606:4700:4700::1003",
    // Google
    "8.8.8.8", "8.8.4.4", "2001:4860:4860::8888", "2001:4860:4860::8844", "2001:4860:4860::6464",
    "2001:4860:4860::64",
    // Quad9
    "9.9.9.9", "149.112.112.112", "2620:fe::fe", "2620:fe::9", "9.9.9.10", "149.112.112.10",
    "2620:fe::10", "9.9.9.11", "149.112.112.11", "2620:fe::11",
    // OpenDNS
    "208.67.222.222", "208.67.220.220", "2620:119:35::35", "2620:119:53::53", "146.112.41.2",
    // AdGuard
    "94.140.14.14", "94.140.15.15", "2a10:50c0::ad1:ff", "2a10:50c0::ad2:ff",
    // Mullvad, CleanBrowsing, Alibaba
    "194.242.2.2", "185.228.168.9", "223.5.5.5", "223.6.6.6"};

}  // namespace

bool is_resolver_name(std::string_view name) {
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

bool is_resolver_address(const net::Address& address) {
  static const auto kSet = [] {
    std::unordered_set<net::Address> set;
    for (const std::string_view text : kAddresses) set.insert(*net::Address::parse(text));
    return set;
  }();
  return kSet.contains(address);
}

bool is_opaque_resolver(const FlowKey& key) {
  if (key.protocol != Protocol::Tcp && key.protocol != Protocol::Udp) return false;
  if (key.destination_port == kDnsOverTlsPort) return true;
  return key.destination_port == kHttpsPort && is_resolver_address(key.destination);
}

}  // namespace outflow::names
