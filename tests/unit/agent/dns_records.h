// Records of the `dns` ring as the kernel writes them: parts of at most DNS_PART_MAX bytes.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "bpf/flow.h"
#include "tests/support/dns.h"

namespace outflow::test {

inline dns_record dns_head(std::uint8_t protocol, std::uint32_t interface = 7,
                           std::uint16_t client_port = 40'000) {
  dns_record head{};
  const net::Address resolver = *net::Address::parse("10.96.0.10");
  const net::Address client = *net::Address::parse("10.244.0.2");
  std::copy(resolver.bytes().begin(), resolver.bytes().end(), head.resolver);
  std::copy(client.bytes().begin(), client.bytes().end(), head.client);
  head.interface_id = interface;
  head.jiffies = 1000;
  head.client_port = htons(client_port);
  head.protocol = protocol;
  return head;
}

inline Octets dns_part(dns_record head, const Octets& payload, std::size_t offset,
                       std::size_t size) {
  head.length = static_cast<std::uint32_t>(payload.size());
  head.offset = static_cast<std::uint32_t>(offset);
  head.copied = static_cast<std::uint16_t>(size);
  Octets record(sizeof head + (size <= DNS_PART_SMALL ? DNS_PART_SMALL : DNS_PART_MAX));
  std::memcpy(record.data(), &head, sizeof head);
  std::copy_n(payload.begin() + static_cast<std::ptrdiff_t>(offset), size,
              record.begin() + sizeof head);
  return record;
}

inline std::vector<Octets> dns_parts(const dns_record& head, const Octets& payload) {
  std::vector<Octets> parts;
  for (std::size_t at = 0; at < payload.size(); at += DNS_PART_MAX) {
    parts.push_back(
        dns_part(head, payload, at, std::min<std::size_t>(DNS_PART_MAX, payload.size() - at)));
  }
  return parts;
}

}  // namespace outflow::test
