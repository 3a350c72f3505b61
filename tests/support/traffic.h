// Traffic of both families between namespaces, and what its two ends themselves know of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "common/fd.h"
#include "tests/support/netns.h"

namespace outflow::test {

// How a TCP connect ended for who tried.
enum class Outcome { Answered, Refused, Unreachable, Silence };
Outcome try_tcp(const Pod& pod, const std::string& to, std::uint16_t port,
                std::chrono::milliseconds patience = std::chrono::seconds(5));

// One datagram of `size` bytes from each of `count` calls of sendto, as fast as they go. `source`
// "": the kernel's choice. Each goes to the next port when `ports_up`.
struct Datagrams {
  std::string to = {};
  std::uint16_t port = 0;
  int count = 1;
  std::size_t size = 4;
  std::string source = {};
  bool ports_up = false;
};
void send_datagrams(const Pod& pod, const Datagrams& datagrams);
// Sends these bytes and waits for an answer of the same size; true when it came.
bool echo_udp(const Pod& pod, const std::string& to, std::uint16_t port,
              const std::vector<std::uint8_t>& bytes);
// Sends one and waits for the answer; true when it came.
bool ask_udp(const Pod& pod, const std::string& to, std::uint16_t port);

// Sends every datagram back to its sender until it is destroyed.
class UdpEcho {
 public:
  UdpEcho(const Pod& pod, std::uint16_t port);

 private:
  Fd socket_;
  std::jthread thread_;
};

// Sends `bytes` over one TCP connection to a port that somebody listens on in `to`, who reads them
// all; returns when both have closed.
void transfer(const Pod& from, const Pod& to, std::uint16_t port, std::size_t bytes);

// Opens a TCP connection to a port that somebody listens on in `server`, who sends these bytes and
// closes; true when they all came.
bool fetch_tcp(const Pod& client, const Pod& server, std::uint16_t port,
               const std::vector<std::uint8_t>& bytes);

// Packets the interface received, as its own namespace counts them: a super-packet is one.
std::uint64_t received_packets(const Namespace& space, const std::string& interface);
// An offload of linux/ethtool.h (ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_SGRO) on or off.
void set_offload(const Namespace& space, const std::string& interface, std::uint32_t what, bool on);

}  // namespace outflow::test
