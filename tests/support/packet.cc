#include "tests/support/packet.h"

#include <algorithm>
#include <cassert>

#include "common/net/address.h"

namespace outflow::test {
namespace {

std::uint16_t ipv4_checksum(std::span<const std::uint8_t> header) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i + 1 < header.size(); i += 2) sum += header[i] * 256U + header[i + 1];
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

}  // namespace

void overwrite16(Bytes* bytes, std::size_t at, std::uint16_t value) {
  bytes->at(at) = static_cast<std::uint8_t>(value >> 8);
  bytes->at(at + 1) = static_cast<std::uint8_t>(value);
}

void Packet::put16(std::uint16_t value) {
  bytes_.resize(bytes_.size() + 2);
  overwrite16(&bytes_, bytes_.size() - 2, value);
}

void Packet::put_address(std::string_view text, bool v4) {
  const auto address = net::Address::parse(text);
  assert(address && (v4 ? address->is_v4() : true));
  const auto& all = address->bytes();
  bytes_.insert(bytes_.end(), all.begin() + (v4 ? 12 : 0), all.end());
}

void Packet::link_ether(std::uint16_t type) {
  if (next_type_ != kNone) overwrite16(&bytes_, next_type_, type);
  next_type_ = kNone;
}

void Packet::link_protocol(std::uint8_t number) {
  if (next_header_ != kNone) bytes_.at(next_header_) = number;
  next_header_ = kNone;
}

Packet& Packet::ethernet() {
  bytes_ = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
  next_type_ = bytes_.size();
  put16(0);
  return *this;
}

Packet& Packet::vlan(std::uint16_t id, std::uint16_t tag_type) {
  link_ether(tag_type);
  put16(id);
  next_type_ = bytes_.size();
  put16(0);
  return *this;
}

Packet& Packet::ipv4(std::string_view source, std::string_view destination, const Bytes& options) {
  link_ether(0x0800);
  network_ = bytes_.size();
  v4_ = true;
  const std::size_t size = 20 + (options.size() + 3) / 4 * 4;
  const Bytes start = {
      static_cast<std::uint8_t>(0x40 + size / 4), 0, 0, 0, 0, 1, 0, 0, 64, 0, 0, 0};
  bytes_.insert(bytes_.end(), start.begin(), start.end());
  next_header_ = network_ + 9;
  put_address(source, true);
  put_address(destination, true);
  bytes_.insert(bytes_.end(), options.begin(), options.end());
  bytes_.resize(network_ + size);
  return *this;
}

Packet& Packet::fragment_v4(std::uint16_t offset, bool more) {
  overwrite16(&bytes_, network_ + 6, static_cast<std::uint16_t>(offset | (more ? 0x2000 : 0)));
  return *this;
}

Packet& Packet::ipv6(std::string_view source, std::string_view destination) {
  link_ether(0x86dd);
  network_ = bytes_.size();
  v4_ = false;
  const Bytes start = {0x60, 0, 0, 0, 0, 0, 59, 64};
  bytes_.insert(bytes_.end(), start.begin(), start.end());
  next_header_ = network_ + 6;
  put_address(source, false);
  put_address(destination, false);
  return *this;
}

Packet& Packet::extension(std::uint8_t kind, std::size_t size) {
  assert(size >= 8 && size % 8 == 0);
  link_protocol(kind);
  next_header_ = bytes_.size();
  bytes_.push_back(59);
  bytes_.push_back(static_cast<std::uint8_t>(size / 8 - 1));
  return payload(size - 2);
}

Packet& Packet::authentication(std::size_t size) {
  assert(size >= 8 && size % 4 == 0);
  link_protocol(51);
  next_header_ = bytes_.size();
  bytes_.push_back(59);
  bytes_.push_back(static_cast<std::uint8_t>(size / 4 - 2));
  return payload(size - 2);
}

Packet& Packet::fragment_v6(std::uint16_t offset, bool more) {
  link_protocol(44);
  next_header_ = bytes_.size();
  bytes_.push_back(59);
  bytes_.push_back(0);
  put16(static_cast<std::uint16_t>(offset * 8 + (more ? 1 : 0)));
  put16(0);
  put16(77);
  return *this;
}

Packet& Packet::tcp(std::uint16_t source_port, std::uint16_t destination_port, std::uint8_t flags,
                    std::uint32_t sequence) {
  link_protocol(6);
  put16(source_port);
  put16(destination_port);
  put16(static_cast<std::uint16_t>(sequence >> 16));
  put16(static_cast<std::uint16_t>(sequence));
  put16(0);
  put16((flags & kAck) != 0 ? 5000 : 0);
  bytes_.push_back(0x50);
  bytes_.push_back(flags);
  put16(0xffff);
  put16(0);
  put16(0);
  return *this;
}

Packet& Packet::udp(std::uint16_t source_port, std::uint16_t destination_port) {
  link_protocol(17);
  udp_ = bytes_.size();
  put16(source_port);
  put16(destination_port);
  put16(0);
  put16(0);
  return *this;
}

Packet& Packet::sctp(std::uint16_t source_port, std::uint16_t destination_port,
                     std::uint8_t chunk) {
  link_protocol(132);
  put16(source_port);
  put16(destination_port);
  payload(8);
  bytes_.push_back(chunk);
  bytes_.push_back(0);
  put16(20);
  return payload(16);
}

Packet& Packet::icmp(std::uint8_t type, std::uint8_t code) {
  link_protocol(1);
  bytes_.push_back(type);
  bytes_.push_back(code);
  return payload(6);
}

Packet& Packet::icmp6(std::uint8_t type, std::uint8_t code) {
  link_protocol(58);
  bytes_.push_back(type);
  bytes_.push_back(code);
  return payload(6);
}

Packet& Packet::protocol(std::uint8_t number) {
  link_protocol(number);
  return *this;
}

Packet& Packet::payload(std::size_t size) {
  bytes_.resize(bytes_.size() + size, 0);
  return *this;
}

Packet& Packet::payload(std::span<const std::uint8_t> bytes) {
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  return *this;
}

Bytes Packet::build() const {
  Bytes built = bytes_;
  if (network_ == kNone) return built;
  const std::size_t ip_bytes = built.size() - network_;
  if (udp_ != kNone) {
    overwrite16(&built, udp_ + 4, static_cast<std::uint16_t>(built.size() - udp_));
  }
  if (!v4_) {
    overwrite16(&built, network_ + 4, static_cast<std::uint16_t>(ip_bytes - 40));
    return built;
  }
  overwrite16(&built, network_ + 2, static_cast<std::uint16_t>(ip_bytes));
  const std::size_t header = (built[network_] & 0xfU) * 4U;
  overwrite16(&built, network_ + 10, ipv4_checksum(std::span(built).subspan(network_, header)));
  return built;
}

}  // namespace outflow::test
