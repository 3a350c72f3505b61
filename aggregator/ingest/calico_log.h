// Calico `action: Log` evidence, read from a file: bytes in any pieces -> LogFlow, one per line
// that opens an egress flow. Pure: no clock, no disk; a line without full time is refused, never
// "now".
//
// Text, one form per line and any mixture of them:
//   message        calico-packet: IN=cali... OUT=...             needs `at`
//   kernel         [183210.118234] calico-packet: IN=...         needs `boot_time`
//   syslog         May 18 18:42:44 HOST kernel: ... IN=...       needs `year`; read as UTC
//   ISO syslog     2026-05-18T18:42:44.019231+00:00 HOST kernel: ... IN=...
//   eBPF trace     ... 5210.002311: bpf_trace_printk: cali...-E: policy ALLOWED proto 6 src A:P
//                  dest B:P                                      needs `boot_time`
// or JSON when the first byte is '{': answers of Loki's query_range, one or several after another.
//
// What a line means: Calico logs the first packet of a connection, with no answer and, outside the
// trace pipe, no verdict. So it is one attempt, never an established connection. The packet is a
// pod's egress when it came in from a pod's interface, or from none (IPVS: the policy runs in
// OUTPUT); a packet that came in from a node's own interface was logged by an ingress or host
// policy and is skipped. A UDP server whose first packet in a while is a reply looks like a client
// of an ephemeral port: no line can tell, so such flows stay in.
//
// The same line gives the same digest in every import. Equal lines of one file at one time are told
// apart by their count: the n-th of them in one file is the n-th of them in any other. Each JSON
// answer is a file of its own in this sense, so overlapping pages add nothing twice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/ingest/line_digest.h"
#include "common/clock.h"
#include "common/flow.h"
#include "common/net/address.h"
#include "common/result.h"

namespace outflow::ingest {

struct LogFlow {
  TimePoint time{};
  std::string node;
  std::string interface_name;  // the pod's host-side veth; "" when the line does not say (IPVS)
  net::Address source;
  net::Address
      destination;         // after DNAT, except where nothing translates (eBPF UDP, NodeLocal DNS)
  std::uint16_t port = 0;  // 0 where the protocol has none or the line does not say (SCTP)
  Protocol protocol{};
  std::uint64_t bytes = 0;  // of this one packet, IP header and up; 0 when the line does not say
  bool denied = false;
  Digest digest{};
};

// What a line says about its flow. A denied packet went nowhere: an attempt, no packet and no byte.
[[nodiscard]] FlowStats stats_of(const LogFlow& flow);

struct LogOptions {
  std::optional<TimePoint> at;         // --at: when lines that carry no time were written
  std::optional<TimePoint> boot_time;  // --boot-time: of the node, for seconds since boot
  std::optional<int> year;             // --year: of the first line whose date has none
  std::string node = "log";            // for lines without a host name
};

// Every line ends in exactly one of these.
struct LogCounts {
  std::uint64_t lines = 0;  // text lines, or entries of JSON streams
  std::uint64_t flows = 0;
  std::map<std::string, std::uint64_t> skipped;     // readable, opens no egress flow: by reason
  std::map<std::string, std::uint64_t> unreadable;  // by reason
  std::vector<std::string>
      examples;  // "line 12: bad-address: IN=cali...", the first unreadable ones
};

inline constexpr std::size_t kLogLineBytesMax = 16U << 10U;   // the kernel's own limit is 1 KiB
inline constexpr std::size_t kLogJsonBytesMax = 256U << 20U;  // of one JSON answer, held in memory
inline constexpr std::size_t kLogExamplesMax = 20;
inline constexpr std::size_t kLogExampleBytesMax = 200;

class LogParser {
 public:
  using Sink = std::function<Result<void>(LogFlow)>;

  LogParser(LogOptions options, Sink sink);
  ~LogParser();
  LogParser(const LogParser&) = delete;
  LogParser& operator=(const LogParser&) = delete;

  // The next bytes of the file. An Error ends the import: a form that needs an option not given, a
  // broken JSON answer, or the sink's own.
  [[nodiscard]] Result<void> feed(std::string_view bytes);
  // The end of the file. An Error when none of its lines was of a known form.
  [[nodiscard]] Result<void> finish();
  [[nodiscard]] const LogCounts& counts() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace outflow::ingest
