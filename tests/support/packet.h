// Packets written down layer by layer; build() fills in what a sender's stack would: types,
// next-header fields and lengths. Everything may be overwritten afterwards, so that it lies.
//
//   Packet().ethernet().vlan(7).ipv4("10.0.0.1", "192.0.2.1").tcp(40000, 443, kSyn).build()
//
// Without ethernet() it is a bare IP packet, as ICMP errors quote it and raw sockets send it.
// Checksums are left 0 except IPv4's header.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace outflow::test {

using Bytes = std::vector<std::uint8_t>;

inline constexpr std::uint8_t kFin = 0x01;
inline constexpr std::uint8_t kSyn = 0x02;
inline constexpr std::uint8_t kRst = 0x04;
inline constexpr std::uint8_t kPsh = 0x08;
inline constexpr std::uint8_t kAck = 0x10;

inline constexpr std::uint8_t kHopByHop = 0;
inline constexpr std::uint8_t kRouting = 43;
inline constexpr std::uint8_t kDestinationOptions = 60;

inline constexpr std::uint8_t kInit = 1;  // chunks of SCTP
inline constexpr std::uint8_t kInitAck = 2;
inline constexpr std::uint8_t kAbort = 6;

class Packet {
 public:
  Packet& ethernet();
  Packet& vlan(std::uint16_t id, std::uint16_t tag_type = 0x8100);
  // Options are padded to 4 bytes; the fragment offset is in units of 8 bytes.
  Packet& ipv4(std::string_view source, std::string_view destination, const Bytes& options = {});
  Packet& fragment_v4(std::uint16_t offset, bool more);
  Packet& ipv6(std::string_view source, std::string_view destination);
  // Hop-by-hop, routing or destination options, `size` bytes long: a multiple of 8.
  Packet& extension(std::uint8_t kind, std::size_t size = 8);
  Packet& authentication(std::size_t size = 24);
  Packet& fragment_v6(std::uint16_t offset, bool more);
  Packet& tcp(std::uint16_t source_port, std::uint16_t destination_port, std::uint8_t flags,
              std::uint32_t sequence = 1000);
  Packet& udp(std::uint16_t source_port, std::uint16_t destination_port);
  Packet& sctp(std::uint16_t source_port, std::uint16_t destination_port, std::uint8_t chunk);
  Packet& icmp(std::uint8_t type, std::uint8_t code = 0);
  Packet& icmp6(std::uint8_t type, std::uint8_t code = 0);
  Packet& protocol(std::uint8_t number);  // one that has no builder; give it a payload()
  Packet& payload(std::size_t size);
  Packet& payload(std::span<const std::uint8_t> bytes);

  [[nodiscard]] Bytes build() const;
  [[nodiscard]] std::size_t network() const { return network_; }  // where the IP header begins

 private:
  void link_ether(std::uint16_t type);
  void link_protocol(std::uint8_t number);
  void put16(std::uint16_t value);
  void put_address(std::string_view text, bool v4);

  static constexpr std::size_t kNone = ~std::size_t{0};
  Bytes bytes_;
  std::size_t next_type_ = kNone;    // the two bytes that name the network layer
  std::size_t next_header_ = kNone;  // the byte that names the transport
  std::size_t network_ = kNone;
  std::size_t udp_ = kNone;
  bool v4_ = false;
};

// Writes a big-endian number where the packet shall lie.
void overwrite16(Bytes* bytes, std::size_t at, std::uint16_t value);

}  // namespace outflow::test
