// What a world's collector was told and its kernel counted.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <stdexcept>

#include <fmt/format.h>

#include "tests/netns/world.h"

namespace outflow::test {

std::vector<std::uint64_t> World::counts() const {
  const Fd map(bpf_obj_get((bpffs() + "/maps/counts").c_str()));
  std::vector<packet_counts> cpus(static_cast<std::size_t>(libbpf_num_possible_cpus()));
  const std::uint32_t zero = 0;
  if (bpf_map_lookup_elem(map.get(), &zero, cpus.data()) != 0) {
    throw std::runtime_error("the packet counters are not readable");
  }
  std::vector<std::uint64_t> sums(COUNT_MAX);
  for (const packet_counts& row : cpus) {
    for (std::size_t i = 0; i < COUNT_MAX; ++i) sums[i] += row.of[i];
  }
  return sums;
}

bool World::accounted() const {
  return eventually([this] {
    const std::vector<std::uint64_t> all = counts();
    std::uint64_t ends = 0;
    for (std::size_t i = COUNT_RECORDED; i < COUNT_MAX; ++i) ends += all[i];
    std::uint64_t reported = 0;
    for (const outflow::Report& report : collector->reports()) {
      for (const Flow& flow : report.flows) reported += flow.stats.packets;
    }
    return all[COUNT_SEEN] == ends && all[COUNT_RECORDED] + all[COUNT_OVERFLOWED] ==
                                          reported + loss("overflow_unread") + loss("window_full");
  });
}

FlowStats World::to_port(std::uint16_t port, const std::string& interface) const {
  FlowStats sum;
  for (const outflow::Report& report : collector->reports()) {
    std::map<std::uint64_t, std::string> names;
    for (const Interface& known : report.interfaces) names[known.id] = known.name;
    for (const Flow& flow : report.flows) {
      if (flow.key.destination_port != port) continue;
      if (interface.empty() || names[flow.key.interface_id] == interface) sum.merge(flow.stats);
    }
  }
  return sum;
}

std::uint64_t World::loss(const std::string& reason) const {
  std::uint64_t sum = 0;
  for (const outflow::Report& report : collector->reports()) {
    for (const Counter& counter : report.losses)
      sum += counter.reason == reason ? counter.count : 0;
  }
  return sum;
}

std::uint64_t World::skipped(const std::string& reason) const {
  std::uint64_t sum = 0;
  for (const outflow::Report& report : collector->reports()) {
    for (const Counter& counter : report.skipped)
      sum += counter.reason == reason ? counter.count : 0;
  }
  return sum;
}

std::map<std::string, FlowStats> World::tuples_of(const std::string& interface) const {
  std::map<std::string, FlowStats> found;
  const std::set<std::uint64_t> numbers = ids(interface);
  for (const outflow::Report& report : collector->reports()) {
    for (const Flow& flow : report.flows) {
      if (!numbers.contains(flow.key.interface_id)) continue;
      found[fmt::format("{} {} {}", flow.key.destination.to_string(), flow.key.destination_port,
                        to_text(flow.key.protocol))]
          .merge(flow.stats);
    }
  }
  return found;
}

std::set<std::uint64_t> World::ids(const std::string& interface) const {
  std::set<std::uint64_t> found;
  for (const outflow::Report& report : collector->reports()) {
    for (const Interface& known : report.interfaces) {
      if (known.name == interface) found.insert(known.id);
    }
  }
  return found;
}

std::set<std::string> World::addresses(const std::string& interface) const {
  std::set<std::string> found;
  for (const outflow::Report& report : collector->reports()) {
    for (const Interface& known : report.interfaces) {
      if (known.name != interface) continue;
      for (const net::Address& address : known.addresses) found.insert(address.to_string());
    }
  }
  return found;
}

}  // namespace outflow::test
