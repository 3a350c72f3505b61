// The real programs in the real kernel, fed by BPF_PROG_TEST_RUN, one packet at a time: no
// interface, no traffic. Every run checks that the program passes the packet on (-1); the end of
// every test checks the sum rule: seen = recorded + overflowed + skips + losses, and recorded =
// what the tables hold.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "bpf/flow.h"
#include "common/net/address.h"
#include "tests/support/packet.h"

struct bpf_map;
struct egress_bpf;

namespace outflow::test {

using Counts = std::array<std::uint64_t, COUNT_MAX>;

struct FlowEntry {
  flow_key key{};
  flow_stats stats{};
};

struct DnsRecord {
  dns_record head{};
  Bytes payload;
};

struct SaidRecord {
  said_record head{};
  Bytes payload;
};

class Harness {
 public:
  static constexpr std::uint32_t kIfindex = 1;    // test_run's device is lo
  static constexpr std::uint32_t kInterface = 7;  // what we call it

  // `adjust` may change map sizes and knobs before the load.
  explicit Harness(const std::function<void(egress_bpf&)>& adjust = nullptr);
  ~Harness();
  Harness(const Harness&) = delete;
  Harness& operator=(const Harness&) = delete;

  // Both return nothing and check the verdict. `gso_segs` 0: an ordinary packet.
  void from_pod(const Bytes& frame, std::uint32_t gso_segs = 0);
  void to_pod(const Bytes& frame);
  // The counter, other than `seen`, that one packet from the pod ends in.
  packet_count outcome(const Bytes& frame);

  [[nodiscard]] Counts counts() const;
  [[nodiscard]] std::uint64_t count(packet_count reason) const { return counts().at(reason); }
  [[nodiscard]] std::vector<FlowEntry> flows() const;
  [[nodiscard]] std::vector<std::pair<other_source_key, flow_stats>> other_sources() const;
  [[nodiscard]] std::optional<flow_stats> flow(std::string_view destination, std::uint16_t port,
                                               std::uint8_t protocol) const;
  [[nodiscard]] std::size_t remembered() const;  // peers that spoke first
  [[nodiscard]] std::vector<overflow_event> overflowed();
  [[nodiscard]] std::vector<DnsRecord> dns_records();
  [[nodiscard]] std::uint64_t dns_count(enum dns_count reason) const;
  [[nodiscard]] std::vector<SaidRecord> said_records();
  [[nodiscard]] std::uint64_t said_count(enum said_count reason) const;
  // Also takes them from the sum rule's account.
  void forget_flows();
  void forget_peers();

  // As the agent does before the hook goes on; id 0 takes it away.
  void name_interface(std::uint32_t id, bool in_slot = true, bool in_map = false);
  [[nodiscard]] clock_reading read_clock() const;
  [[nodiscard]] int program(std::string_view name) const;
  [[nodiscard]] egress_bpf& object() { return *object_; }

 private:
  void run(int program, const Bytes& frame, std::uint32_t gso_segs);
  void check_sum_rule() const;

  egress_bpf* object_;
  int from_pod_;
  int to_pod_;
  std::uint64_t forgotten_ = 0;
};

// A tuple's key on our interface.
flow_key key_of(std::string_view destination, std::uint16_t port, std::uint8_t protocol);
// The least of a frame that test_run takes: it refuses frames that end in an untagged IP header
// (those are in live_test.cc).
std::size_t shortest_run(const Bytes& frame);
inline std::uint32_t refused_in(const flow_stats& stats) {
  return refused_of(&stats);
}
inline std::uint32_t flags_in(const flow_stats& stats) {
  return flags_of(&stats);
}
// Whether the tuple's source has that address's tag.
bool is_source(const flow_stats& stats, const net::Address& address);
bool is_source(const flow_stats& stats, std::string_view text);
// Whether these 16 bytes are that address.
bool is_address(const std::uint8_t (&bytes)[16], std::string_view text);

}  // namespace outflow::test
