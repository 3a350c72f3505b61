#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "tests/bench/datapath/bench.h"
#include "tests/bench/datapath/links.h"
#include "tests/bench/datapath/live_path.h"
#include "tests/bench/datapath/measure.h"
#include "tests/bench/datapath/programs.h"

namespace outflow::bench {
namespace {

// CPU time a packet above null on the same hooks (being called at all costs every observer the
// same), against an exporter on every hook of both veths.
constexpr double kAddedToExporters = 0.5;
// Packets for each second of the sending processor, lost against nothing attached.
constexpr double kPercentLostOneFlow = 5;
constexpr double kPercentLostManyFlows = 8;
// Of all packets: fewer that arrive are another path than the one to be measured.
constexpr double kArrivesAtLeast = 0.95;

struct Deployment {
  const char* name = nullptr;
  std::vector<Hook> hooks;
};
enum Place : std::size_t { Nothing, Null, Floor, Exporter, Own, Places };

// As each would be deployed: an exporter and we on both hooks of every pod's veth, a floor where a
// packet is seen first.
std::array<Deployment, Places> deployments(const LivePath& path, const Ours& ours,
                                           const Shapes& shapes) {
  const auto everywhere = [&](int ingress, int egress) {
    std::vector<Hook> hooks;
    for (const std::uint32_t ifindex : {path.sender_ifindex(), path.receiver_ifindex()}) {
      hooks.push_back({ifindex, false, ingress});
      hooks.push_back({ifindex, true, egress});
    }
    return hooks;
  };
  return {{{"nothing", {}},
           {"null", everywhere(shapes.null(), shapes.null())},
           {"floor", {{path.sender_ifindex(), false, shapes.floor()}}},
           {"exporter", everywhere(shapes.exporter(), shapes.exporter())},
           {"ours", everywhere(ours.from_pod(), ours.to_pod())}}};
}

struct Cell {
  double busy_ns = 0;  // a packet
  double per_second = 0;
  double arrived = 0;
};

Cell measure_cell(LivePath& path, const Deployment& deployment, std::uint32_t flows,
                  std::chrono::milliseconds time) {
  const std::vector<Link> links = attach(path.node(), deployment.hooks);
  const Traffic traffic = path.send(flows, time);
  require(traffic.received > 0, std::string("nothing arrives with ") + deployment.name);
  const auto sent = static_cast<double>(traffic.sent);
  return {traffic.busy_ns / sent, sent / traffic.wall_ns * 1e9,
          static_cast<double>(traffic.received) / sent};
}

// Of the same round, so that what the machine does meanwhile is in both.
double percent_lost(const std::vector<std::vector<double>>& rounds, std::size_t place) {
  std::vector<double> lost;
  for (const auto& round : rounds) lost.push_back(100 - 100 * round.at(Nothing) / round.at(place));
  return median(std::move(lost));
}

void print_rows(const std::vector<std::vector<double>>& rounds, std::uint32_t flows, Table& table) {
  const std::string name = flows == 1 ? "1 flow" : fmt::format("{} flows", flows);
  const auto above = [&](std::size_t place) { return median_above(rounds, place, Nothing); };
  table.row("CPU ns a packet added, " + name,
            {(above(Own) - above(Null)) / (above(Exporter) - above(Null)), "x exporter",
             kAddedToExporters},
            {above(Null), above(Floor), above(Exporter), above(Own)});
  const auto lost = [&](std::size_t place) { return percent_lost(rounds, place); };
  table.row("% of throughput lost, " + name,
            {lost(Own), "%", flows == 1 ? kPercentLostOneFlow : kPercentLostManyFlows},
            {lost(Null), lost(Floor), lost(Exporter), lost(Own)});
}

void measure_flows(LivePath& path, const Ours& ours, const Shapes& shapes, std::uint32_t flows,
                   const Options& options, Table& table) {
  const auto places = deployments(path, ours, shapes);
  std::vector<Target> targets;
  std::vector<double> per_second;
  double arrived = 1;
  for (std::size_t place = 0; place < Places; ++place) {
    targets.push_back([&, place] {
      const Cell cell = measure_cell(path, places.at(place), flows, options.live_cell);
      if (place == Nothing) per_second.push_back(cell.per_second);
      arrived = std::min(arrived, cell.arrived);
      return cell.busy_ns;
    });
  }
  const std::uint64_t before = ours.counts()[COUNT_RECORDED];
  const auto rounds = interleave(targets, options.rounds);
  require(ours.counts()[COUNT_RECORDED] > before, "our hook saw nothing of the traffic");
  print_rows(rounds, flows, table);
  table.note(
      fmt::format("nothing attached: {:.0f} ns a packet, {:.0f} packets/s of wall time; at "
                  "least {:.1f} % arrived{}",
                  median_of(rounds, Nothing), median(per_second), 100 * arrived,
                  arrived < kArrivesAtLeast ? " (TOO FEW: the receiver was held up)" : ""));
}

}  // namespace

void bench_live(const Options& options, Table& table) {
  table.begin(fmt::format(
      "Live, pod - node - pod: medians of {} rounds of {} ms; CPU time above nothing attached, "
      "null, exporter and ours on all four hooks, floor on one",
      options.rounds, options.live_cell.count()));
  if (!has_tcx()) return table.skip("live path", "this kernel has no tcx");
  LivePath path;
  const Ours ours;
  const Shapes shapes(ours.flows());
  ours.name_interface(path.sender_ifindex(), 1);
  ours.name_interface(path.receiver_ifindex(), 2);
  for (const std::uint32_t flows : {1U, LivePath::kFlowsMax}) {
    measure_flows(path, ours, shapes, flows, options, table);
  }
}

}  // namespace outflow::bench
