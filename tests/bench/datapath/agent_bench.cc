#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <thread>

#include <fmt/format.h>

#include "common/fd.h"
#include "common/result.h"
#include "tests/bench/datapath/agent_process.h"
#include "tests/bench/datapath/bench.h"
#include "tests/bench/datapath/links.h"
#include "tests/bench/datapath/measure.h"
#include "tests/netns/world.h"

namespace outflow::bench {
namespace {

// From the arrival of the kernel's message to both hooks attached, 99 of 100. By tcx of veths that
// come as pods do on a busy node, 500 in 30 s: each link waits for the kernel's synchronize_rcu
// under the lock of all network changes, some 13 ms, so that a node hooks 40 a second and no agent
// more. By clsact, which does not wait, as many in 5 s. What comes faster is hooked in turn.
constexpr double kHookedMs = 50;
struct Mode {
  const char* attach;
  std::chrono::milliseconds apart;
};
constexpr Mode kTcx{"tcx", std::chrono::milliseconds(60)};
constexpr Mode kClsact{"clsact", std::chrono::milliseconds(10)};
constexpr double kHookedShare = 0.99;
constexpr const char* kHookSeconds = "outflow_hook_seconds";
// Resident memory of the agent, steady: some reports after the last interface or tuple came.
constexpr double kResidentMib = 40;
constexpr const char* kReportInterval = "200ms";
constexpr double kPatienceNs = 60e9;

// Pods' veths, with all other ends in one namespace, `apart` from each other.
void make_peers(const test::Node& node, const test::Namespace& peers, std::uint32_t count,
                std::chrono::milliseconds apart) {
  FILE* ip = nullptr;
  node.space.run([&] { ip = popen("ip -batch -", "w"); });
  require(ip != nullptr, "cannot run ip");
  for (std::uint32_t i = 0; i < count; ++i) {
    fmt::print(ip, "link add cali{0} up type veth peer name peer{0} netns {1}\n", i, peers.path());
    std::fflush(ip);
    std::this_thread::sleep_for(apart);
  }
  require(pclose(ip) == 0, "ip -batch failed");
}

void wait_for(const AgentProcess& agent, const std::string& name, const std::string& label,
              double wanted) {
  double value = 0;
  for (const double end = wall_ns() + kPatienceNs; wall_ns() < end;) {
    value = value_of(agent.metrics(), name, label).value_or(0);
    if (value >= wanted) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  throw std::runtime_error(fmt::format("{} is {} instead of {}", name, value, wanted));
}

void wait_until_steady(const test::Collector& collector, const Options& options) {
  const std::size_t wanted = collector.reports().size() + (options.smoke ? 1 : 5);
  const bool reported = test::eventually([&] { return collector.reports().size() >= wanted; });
  require(reported, "the agent does not report");
}

// One datagram to each of so many addresses.
void open_tuples(const test::Pod& pod, std::uint32_t count) {
  pod.space.run([&] {
    const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    for (std::uint32_t i = 0; i < count; ++i) {
      sockaddr_in target{};
      target.sin_family = AF_INET;
      target.sin_port = htons(9);
      target.sin_addr.s_addr = htonl(0xc612'0000 + i);  // 198.18.0.0/15, for benchmarks (RFC 2544)
      const auto* generic = reinterpret_cast<const sockaddr*>(&target);
      require(sendto(socket.get(), "tuple", 5, 0, generic, sizeof target) == 5,
              "sendto: " + errno_text(errno));
    }
  });
}

void measure_hooks(const test::Node& node, const AgentProcess& agent, const test::Namespace& peers,
                   const Mode& mode, const Options& options, Table& table) {
  const double start = wall_ns();
  make_peers(node, peers, options.peers, mode.apart);
  const double made = wall_ns();
  wait_for(agent, "outflow_hooked_interfaces", "", options.peers);
  const std::string name =
      fmt::format("{} veths hooked by {}, 99 of 100 within", options.peers, mode.attach);
  if (const auto bound = quantile_bound(agent.metrics(), kHookSeconds, kHookedShare)) {
    table.row(name, {*bound * 1e3, "ms", kHookedMs});
  } else {
    table.skip(name, fmt::format("no {} in this agent", kHookSeconds));
  }
  table.note(fmt::format("made in {:.0f} ms, the agent counted all as hooked {:.0f} ms later",
                         (made - start) / 1e6, (wall_ns() - made) / 1e6));
}

void measure_agent(const test::Node& node, const Options& options, Table& table) {
  const test::TempDir dir;
  const test::Namespace peers;
  const test::Collector collector(dir / "aggregator");
  const AgentProcess agent(dir.path(), kReportInterval, kTcx.attach);
  measure_hooks(node, agent, peers, kTcx, options, table);
  wait_until_steady(collector, options);
  table.row(fmt::format("agent's memory, {} interfaces", options.peers),
            {agent.resident_mib(), "MiB", kResidentMib});

  const auto pod = node.add_pod("calibusy", "10.244.0.2");
  wait_for(agent, "outflow_hooked_interfaces", "", options.peers + 1);
  open_tuples(*pod, options.agent_tuples);
  wait_for(agent, "outflow_tuples", "\"flows\"", options.agent_tuples);
  wait_until_steady(collector, options);
  table.row(fmt::format("agent's memory, {} tuples", options.agent_tuples),
            {agent.resident_mib(), "MiB", kResidentMib});
}

void measure_clsact(const test::Node& node, const Options& options, Table& table) {
  const test::TempDir dir;
  const test::Namespace peers;
  const test::Collector collector(dir / "aggregator");
  const AgentProcess agent(dir.path(), kReportInterval, kClsact.attach);
  measure_hooks(node, agent, peers, kClsact, options, table);
}

}  // namespace

void bench_agent(const Options& options, Table& table) {
  table.begin("Agent, as a process");
  if (!has_tcx()) return table.skip("agent", "this kernel has no tcx");
  for (const auto measure : {measure_agent, measure_clsact}) {
    const test::Node node;
    node.space.run([&] { measure(node, options, table); });
  }
}

}  // namespace outflow::bench
