#include "proto/wire.h"

#include <algorithm>
#include <cassert>
#include <unordered_map>

#include <fmt/format.h>

#include "proto/wire_names.h"
#include "proto/wire_parts.h"

namespace outflow::wire {
namespace {

using std::chrono::microseconds;

void add_flow(const Flow& flow, std::uint32_t interface, TimePoint start, Addresses& dictionary,
              v1::Flows& rows) {
  rows.add_interface(interface);
  rows.add_destination(dictionary.index_of(flow.key.destination));
  rows.add_destination_port(flow.key.destination_port);
  rows.add_protocol(static_cast<std::uint32_t>(flow.key.protocol));
  rows.add_source(dictionary.index_of(flow.source));
  rows.add_packets(flow.stats.packets);
  rows.add_bytes(flow.stats.bytes);
  rows.add_attempts(flow.stats.attempts);
  rows.add_established(flow.stats.established);
  rows.add_refused(flow.stats.refused);
  rows.add_flags(flow.stats.flags);
  rows.add_first_seen_us(since_us(flow.stats.first_seen, start));
  rows.add_last_seen_us(since_us(flow.stats.last_seen, start));
}

Result<std::vector<Counter>> read_counters(
    const google::protobuf::RepeatedPtrField<v1::Counter>& messages, const char* field) {
  if (static_cast<std::size_t>(messages.size()) > kCountersMax) {
    return fail(
        fmt::format("{}: {} entries, at most {} allowed", field, messages.size(), kCountersMax));
  }
  std::vector<Counter> counters;
  for (const v1::Counter& message : messages) {
    const std::string& reason = message.reason();
    const bool named = !reason.empty() && reason.size() <= 32 &&
                       std::all_of(reason.begin(), reason.end(),
                                   [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
    if (!named)
      return fail(fmt::format("{}[{}].reason: not [a-z_]{{1,32}}", field, counters.size()));
    counters.push_back({reason, message.count()});
  }
  return counters;
}

Result<std::vector<Interface>> read_interfaces(const v1::Batch& batch) {
  if (static_cast<std::size_t>(batch.interfaces_size()) > kInterfacesMax) {
    return fail(fmt::format("interfaces: {} entries, at most {} allowed", batch.interfaces_size(),
                            kInterfacesMax));
  }
  std::vector<Interface> interfaces;
  for (const v1::Interface& message : batch.interfaces()) {
    const auto where = [&] { return fmt::format("interfaces[{}]", interfaces.size()); };
    const std::string& name = message.name();
    const bool printable =
        std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < 0x7f; });
    if (name.empty() || name.size() > kInterfaceNameMax || !printable) {
      return fail(where() + ".name: not 1 to 15 printable bytes");
    }
    Interface interface {
      .id = message.id(), .name = name, .addresses = {}
    };
    for (const std::string& bytes : message.addresses()) {
      auto address = read_address(bytes);
      if (!address) return fail(std::move(address).error().within(where() + ".addresses"));
      interface.addresses.push_back(*address);
    }
    interfaces.push_back(std::move(interface));
  }
  return interfaces;
}

Result<std::vector<net::Address>> read_dictionary(const v1::Batch& batch) {
  if (static_cast<std::size_t>(batch.addresses_size()) > kAddressesMax) {
    return fail(fmt::format("addresses: {} entries, at most {} allowed", batch.addresses_size(),
                            kAddressesMax));
  }
  std::vector<net::Address> addresses;
  for (const std::string& bytes : batch.addresses()) {
    auto address = read_address(bytes);
    if (!address) {
      return fail(
          std::move(address).error().within(fmt::format("addresses[{}]", addresses.size())));
    }
    addresses.push_back(*address);
  }
  return addresses;
}

// Every column is as long as the first; checked once, so that rows can be read without thinking.
Result<int> rows_of(const v1::Flows& flows) {
  const int rows = flows.interface_size();
  if (static_cast<std::size_t>(rows) > kFlowsMax) {
    return fail(fmt::format("flows: {} rows, at most {} allowed", rows, kFlowsMax));
  }
  const std::pair<const char*, int> columns[] = {
      {"destination", flows.destination_size()},
      {"destination_port", flows.destination_port_size()},
      {"protocol", flows.protocol_size()},
      {"source", flows.source_size()},
      {"packets", flows.packets_size()},
      {"bytes", flows.bytes_size()},
      {"attempts", flows.attempts_size()},
      {"established", flows.established_size()},
      {"refused", flows.refused_size()},
      {"flags", flows.flags_size()},
      {"first_seen_us", flows.first_seen_us_size()},
      {"last_seen_us", flows.last_seen_us_size()}};
  for (const auto& [name, size] : columns) {
    if (size != rows) {
      return fail(fmt::format("flows.{}: {} rows where flows.interface has {}", name, size, rows));
    }
  }
  return rows;
}

Result<Flow> read_flow(const v1::Flows& rows, int row, const Report& report,
                       const std::vector<net::Address>& addresses) {
  const auto bad = [row](const char* column) {
    return fail(fmt::format("flows.{}[{}]: out of range", column, row));
  };
  if (rows.interface(row) >= report.interfaces.size()) return bad("interface");
  if (rows.destination(row) >= addresses.size()) return bad("destination");
  if (rows.source(row) >= addresses.size()) return bad("source");
  if (rows.destination_port(row) > 65535) return bad("destination_port");
  if (rows.protocol(row) < 1 || rows.protocol(row) > 255) return bad("protocol");
  if (!in_range(rows.first_seen_us(row))) return bad("first_seen_us");
  if (!in_range(rows.last_seen_us(row)) || rows.last_seen_us(row) < rows.first_seen_us(row)) {
    return bad("last_seen_us");
  }
  Flow flow;
  flow.key.interface_id = report.interfaces[rows.interface(row)].id;
  flow.key.destination = addresses[rows.destination(row)];
  flow.key.destination_port = static_cast<std::uint16_t>(rows.destination_port(row));
  flow.key.protocol = static_cast<Protocol>(rows.protocol(row));
  flow.source = addresses[rows.source(row)];
  flow.stats.packets = rows.packets(row);
  flow.stats.bytes = rows.bytes(row);
  flow.stats.attempts = rows.attempts(row);
  flow.stats.established = rows.established(row);
  flow.stats.refused = rows.refused(row);
  flow.stats.flags = rows.flags(row);
  flow.stats.first_seen = report.interval.start + microseconds(rows.first_seen_us(row));
  flow.stats.last_seen = report.interval.start + microseconds(rows.last_seen_us(row));
  return flow;
}

bool printable(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

Result<Report> read_head(const v1::Batch& batch) {
  Report report;
  report.node = batch.node();
  if (report.node.empty() || report.node.size() > kNodeNameMax || !printable(report.node)) {
    return fail("node: not 1 to 253 printable bytes");
  }
  report.agent_version = batch.agent_version();
  if (report.agent_version.size() > kVersionMax || !printable(report.agent_version)) {
    return fail("agent_version: not at most 64 printable bytes");
  }
  if (batch.boot().size() != report.boot.size()) return fail("boot: not 16 bytes");
  std::copy(batch.boot().begin(), batch.boot().end(), report.boot.begin());
  if (batch.sequence() == 0) return fail("sequence: starts at 1");
  report.sequence = batch.sequence();
  // 1970 to 2262, with room for the offsets of the flows on both sides.
  constexpr std::int64_t kTimeMax = 9'000'000'000'000'000'000;
  if (batch.interval_start_ns() <= 0 || batch.interval_start_ns() > kTimeMax) {
    return fail("interval_start_ns: out of range");
  }
  if (batch.interval_end_ns() < batch.interval_start_ns() || batch.interval_end_ns() > kTimeMax) {
    return fail("interval_end_ns: before the start, or out of range");
  }
  report.interval = {from_unix_ns(batch.interval_start_ns()),
                     from_unix_ns(batch.interval_end_ns())};
  return report;
}

}  // namespace

v1::Batch to_batch(const Report& report) {
  assert(report.flows.size() <= kFlowsMax && report.interfaces.size() <= kInterfacesMax);
  v1::Batch batch;
  batch.set_node(report.node);
  batch.set_boot(report.boot.data(), report.boot.size());
  batch.set_sequence(report.sequence);
  batch.set_interval_start_ns(unix_ns(report.interval.start));
  batch.set_interval_end_ns(unix_ns(report.interval.end));
  batch.set_agent_version(report.agent_version);
  if (report.facts) *batch.mutable_facts() = to_message(*report.facts);
  const auto add_counters = [](const std::vector<Counter>& counters, auto* messages) {
    for (const Counter& counter : counters) {
      v1::Counter& message = *messages->Add();
      message.set_reason(counter.reason);
      message.set_count(counter.count);
    }
  };
  add_counters(report.losses, batch.mutable_losses());
  add_counters(report.skipped, batch.mutable_skipped());
  std::unordered_map<std::uint64_t, std::uint32_t> interface_index;
  for (const Interface& interface : report.interfaces) {
    interface_index.emplace(interface.id, static_cast<std::uint32_t>(interface_index.size()));
    v1::Interface& message = *batch.add_interfaces();
    message.set_id(interface.id);
    message.set_name(interface.name);
    for (const net::Address& address : interface.addresses) {
      message.add_addresses(address.packed().data(), address.packed().size());
    }
  }
  Addresses dictionary(batch);
  for (const Flow& flow : report.flows) {
    const auto interface = interface_index.find(flow.key.interface_id);
    assert(interface != interface_index.end());
    add_flow(flow, interface->second, report.interval.start, dictionary, *batch.mutable_flows());
  }
  batch.set_reads_names(report.reads_names);
  add_names(report, interface_index, dictionary, batch);
  return batch;
}

Result<Report> to_report(const v1::Batch& batch) {
  auto report = read_head(batch);
  if (!report) return report;
  auto losses = read_counters(batch.losses(), "losses");
  if (!losses) return fail(std::move(losses).error());
  auto skipped = read_counters(batch.skipped(), "skipped");
  if (!skipped) return fail(std::move(skipped).error());
  auto interfaces = read_interfaces(batch);
  if (!interfaces) return fail(std::move(interfaces).error());
  if (batch.has_facts()) {
    auto facts = to_facts(batch.facts());
    if (!facts) return fail(std::move(facts).error().within("facts"));
    report->facts = std::move(*facts);
  }
  report->losses = std::move(*losses);
  report->skipped = std::move(*skipped);
  report->interfaces = std::move(*interfaces);
  const auto addresses = read_dictionary(batch);
  if (!addresses) return fail(Error(addresses.error()));
  const auto rows = rows_of(batch.flows());
  if (!rows) return fail(Error(rows.error()));
  report->flows.reserve(static_cast<std::size_t>(*rows));
  for (int row = 0; row < *rows; ++row) {
    auto flow = read_flow(batch.flows(), row, *report, *addresses);
    if (!flow) return fail(std::move(flow).error());
    report->flows.push_back(*flow);
  }
  report->reads_names = batch.reads_names();
  if (auto named = read_names(batch, *addresses, *report); !named) {
    return fail(std::move(named).error());
  }
  return report;
}

}  // namespace outflow::wire
