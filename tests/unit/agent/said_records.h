// Records of the `said` ring, as the kernel writes them.
#pragma once

#include <arpa/inet.h>

#include <cstring>
#include <span>
#include <vector>

#include "bpf/flow.h"

namespace outflow::test {

struct SaidPart {
  std::uint16_t offset = 0;
  std::uint16_t size = 0;
  std::uint16_t source_port = 40'000;
  std::uint16_t destination_port = 443;
  std::uint32_t jiffies = 1'000;
};

// The part of what a connection said to 192.0.2.1 on interface 7, from sequence 1000 on.
inline std::vector<std::uint8_t> said_part(std::span<const std::uint8_t> all,
                                           const SaidPart& part) {
  said_record head{};
  head.destination[10] = head.destination[11] = 0xff;
  head.destination[12] = 192;
  head.destination[14] = 2;
  head.destination[15] = 1;
  head.interface_id = 7;
  head.begin = 1'000;
  head.jiffies = part.jiffies;
  head.offset = part.offset;
  head.copied = part.size;
  head.wanted = static_cast<std::uint16_t>(all.size());
  head.source_port = htons(part.source_port);
  head.destination_port = htons(part.destination_port);
  std::vector<std::uint8_t> record(sizeof head);
  std::memcpy(record.data(), &head, sizeof head);
  const auto bytes = all.subspan(part.offset, part.size);
  record.insert(record.end(), bytes.begin(), bytes.end());
  return record;
}

inline std::vector<std::uint8_t> said_whole(std::span<const std::uint8_t> all, SaidPart part = {}) {
  part.size = static_cast<std::uint16_t>(all.size());
  return said_part(all, part);
}

}  // namespace outflow::test
