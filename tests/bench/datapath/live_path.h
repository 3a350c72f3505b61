// A real way for packets: pod - veth - node - veth - pod, in network namespaces of its own, with a
// sender on one processor and a receiver on the other.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <thread>

#include "tests/support/netns.h"

namespace outflow::bench {

struct Traffic {
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
  double wall_ns = 0;
  // What the sending processor spent on it: all of the way up to the receiver's socket. Time in
  // which the processor did something else is not in it.
  double busy_ns = 0;
};

class LivePath {
 public:
  static constexpr std::uint32_t kFlowsMax = 4'096;

  LivePath();
  LivePath(const LivePath&) = delete;
  LivePath& operator=(const LivePath&) = delete;

  // Small datagrams to the first `flows` of the receiver's addresses in turn, as fast as it goes.
  [[nodiscard]] Traffic send(std::uint32_t flows, std::chrono::milliseconds time);

  [[nodiscard]] const test::Namespace& node() const { return node_.space; }
  [[nodiscard]] std::uint32_t sender_ifindex() const { return sender_ifindex_; }
  [[nodiscard]] std::uint32_t receiver_ifindex() const { return receiver_ifindex_; }

 private:
  void receive(const std::stop_token& stop);

  test::Node node_;
  std::unique_ptr<test::Pod> sender_;
  std::unique_ptr<test::Pod> receiver_;
  std::uint32_t sender_ifindex_ = 0;
  std::uint32_t receiver_ifindex_ = 0;
  std::atomic<std::uint64_t> received_ = 0;
  std::atomic<bool> listening_ = false;
  std::jthread receiving_;  // last: stops first
};

}  // namespace outflow::bench
