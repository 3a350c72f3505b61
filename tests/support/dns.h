// DNS messages as resolvers write them (RFC 1035 4), octet by octet.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/net/address.h"

namespace outflow::test {

using Octets = std::vector<std::uint8_t>;

enum DnsType : std::uint16_t {
  kDnsA = 1,
  kDnsNs = 2,
  kDnsCname = 5,
  kDnsTxt = 16,
  kDnsAaaa = 28,
  kDnsOpt = 41,
  kDnsRrsig = 46,
  kDnsSvcb = 64,
  kDnsHttps = 65
};

inline void put16(Octets& octets, std::size_t value) {
  octets.push_back(static_cast<std::uint8_t>(value >> 8));
  octets.push_back(static_cast<std::uint8_t>(value));
}

// "" is the root. Labels as they stand, without escapes.
inline Octets name_octets(std::string_view name) {
  Octets octets;
  while (!name.empty()) {
    const std::string_view label = name.substr(0, name.find('.'));
    octets.push_back(static_cast<std::uint8_t>(label.size()));
    octets.insert(octets.end(), label.begin(), label.end());
    name.remove_prefix(std::min(label.size() + 1, name.size()));
  }
  octets.push_back(0);
  return octets;
}

inline Octets pointer_to(std::size_t offset) {
  return {static_cast<std::uint8_t>(0xc0 | offset >> 8), static_cast<std::uint8_t>(offset)};
}

class DnsAnswer {
 public:
  static constexpr std::size_t kQuestion = 12;  // where the name asked for stands

  DnsAnswer(const std::string& name, std::uint16_t type) : name_(name), octets_(kQuestion) {
    octets_[2] = 0x81;  // an answer; recursion desired
    octets_[3] = 0x80;  // and available
    octets_[5] = 1;
    const Octets asked = name_octets(name);
    octets_.insert(octets_.end(), asked.begin(), asked.end());
    put16(octets_, type);
    put16(octets_, 1);
  }

  DnsAnswer& rcode(std::uint8_t code) {
    octets_[3] = static_cast<std::uint8_t>((octets_[3] & 0xf0) | code);
    return *this;
  }
  DnsAnswer& truncated() {
    octets_[2] |= 0x02;
    return *this;
  }
  // The name asked for is written as a pointer to the question, as every server does.
  DnsAnswer& record(const std::string& owner, std::uint16_t type, std::uint32_t ttl,
                    const Octets& data) {
    return raw_record(owner == name_ ? pointer_to(kQuestion) : name_octets(owner), type, ttl, data);
  }
  DnsAnswer& raw_record(const Octets& owner, std::uint16_t type, std::uint32_t ttl,
                        const Octets& data) {
    add(owner, type, ttl, data);
    count(7);
    return *this;
  }
  DnsAnswer& address(const std::string& owner, std::uint32_t ttl, const std::string& text) {
    const auto address = net::Address::parse(text);
    const auto packed = address->packed();
    return record(owner, packed.size() == 4 ? kDnsA : kDnsAaaa, ttl,
                  {packed.begin(), packed.end()});
  }
  DnsAnswer& alias(const std::string& owner, std::uint32_t ttl, const std::string& target) {
    return record(owner, kDnsCname, ttl, name_octets(target));
  }
  // Name servers and EDNS (RFC 6891), of which we use nothing.
  DnsAnswer& authority(const std::string& server) {
    add(name_octets("example"), kDnsNs, 3600, name_octets(server));
    count(9);
    return *this;
  }
  DnsAnswer& edns() {
    add(name_octets(""), kDnsOpt, 0, {});
    count(11);
    return *this;
  }

  [[nodiscard]] const Octets& octets() const { return octets_; }
  // As in a stream: behind its length.
  [[nodiscard]] Octets framed() const {
    Octets all;
    put16(all, octets_.size());
    all.insert(all.end(), octets_.begin(), octets_.end());
    return all;
  }

 private:
  void add(const Octets& owner, std::uint16_t type, std::uint32_t ttl, const Octets& data) {
    octets_.insert(octets_.end(), owner.begin(), owner.end());
    put16(octets_, type);
    put16(octets_, 1);
    put16(octets_, ttl >> 16);
    put16(octets_, ttl & 0xffffU);
    put16(octets_, data.size());
    octets_.insert(octets_.end(), data.begin(), data.end());
  }
  void count(std::size_t low_octet) {
    if (++octets_[low_octet] == 0) ++octets_[low_octet - 1];
  }

  const std::string name_;
  Octets octets_;
};

}  // namespace outflow::test
