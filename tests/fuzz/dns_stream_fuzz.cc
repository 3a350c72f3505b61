// Any run of records of the `dns` ring: what is kept stays within its bounds, every message is
// whole or said to be cut, and when all has aged nothing is left.
//
// A record of the input: one byte of bits (0: TCP, 1: cut, 2: 4,096 bytes of room, 3: the next 64
// bytes are the head as it stands, 4 and 5: the client's port), two bytes that move the sequence,
// one the offset, two the size of what follows.
#include <netinet/in.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "agent/dns_message.h"
#include "agent/dns_stream.h"

namespace {

using outflow::agent::DnsStreams;

constexpr DnsStreams::Bounds kBounds{
    .streams = 3, .bytes = 9'000, .silence_jiffies = 100, .patience_jiffies = 10};
constexpr std::size_t kHead = 6;

// Takes one record off the input and gives it as the ring would.
std::vector<std::uint8_t> next_record(std::span<const std::uint8_t>& in, dns_record& last) {
  const std::uint8_t bits = in[0];
  last.sequence += static_cast<std::uint32_t>(static_cast<std::int8_t>(in[1]) * 256 + in[2]);
  last.offset = in[3];
  const std::size_t size = std::min(std::size_t{in[4]} << 8 | in[5], in.size() - kHead);
  in = in.subspan(kHead);
  last.protocol = (bits & 1) != 0 ? IPPROTO_TCP : IPPROTO_UDP;
  last.cut = (bits & 2) != 0;
  last.client_port = bits >> 4 & 3;
  last.jiffies += bits >> 6;
  last.copied = static_cast<std::uint16_t>(std::min<std::size_t>(size, DNS_PART_MAX));
  last.length = last.offset + last.copied + ((bits & 4) != 0 ? DNS_PART_MAX : 0);
  dns_record head = last;
  if ((bits & 8) != 0 && in.size() >= sizeof head) std::memcpy(&head, in.data(), sizeof head);
  std::vector<std::uint8_t> record(sizeof head + last.copied);
  std::memcpy(record.data(), &head, sizeof head);
  std::copy_n(in.begin(), last.copied, record.begin() + sizeof head);
  in = in.subspan(size);
  return record;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::size_t told = 0;
  DnsStreams streams(kBounds, [&told](const DnsStreams::Message& message) {
    if (message.bytes.size() < DNS_HEADER_BYTES && message.record.protocol == IPPROTO_TCP) {
      __builtin_trap();
    }
    told += message.bytes.size();
    static_cast<void>(outflow::agent::read_dns_message(message.bytes, message.cut));
  });
  std::span<const std::uint8_t> in(data, size);
  dns_record last{};
  while (in.size() >= kHead) {
    const auto record = next_record(in, last);
    streams.take(record.data(), record.size());
    streams.age(last.jiffies);
    if (streams.streams() > kBounds.streams) __builtin_trap();
    if (streams.streams() > 1 && streams.bytes() > kBounds.bytes) __builtin_trap();
  }
  streams.age(last.jiffies + 0x40000000U);
  // A head taken as it stands may have any time.
  if (told > size) __builtin_trap();
  return 0;
}
