#include "aggregator/store/record.h"

#include <fmt/format.h>

#include "aggregator/store/bytes.h"
#include "aggregator/store/name_record.h"
#include "common/text.h"

namespace outflow::store {
namespace {

using attribution::PeerKind;

constexpr std::uint8_t kValueVersion = 1;
constexpr std::uint8_t kNamelessFlowValueVersion = 2;  // who the peer is went to the key
constexpr std::uint8_t kFlowValueVersion = 3;          // and what is known of its name came

std::string start(Table table) {
  return std::string(1, static_cast<char>(table));
}

std::string start_value(std::uint8_t version = kValueVersion) {
  return std::string(1, static_cast<char>(version));
}

// Takes the byte of the table, or of the version of a value.
void expect(Reader& in, std::uint8_t wanted) {
  if (in.byte() != wanted) in.spoil();
}

void expect(Reader& in, Table table) {
  expect(in, static_cast<std::uint8_t>(table));
}

void write_boot(Writer& out, const BootId& boot) {
  for (const std::uint8_t part : boot) out.byte(part);
}

void read_boot_id(Reader& in, BootId& boot) {
  for (std::uint8_t& part : boot) part = in.byte();
}

void write_counters(Writer& out, const std::map<std::string, std::uint64_t>& counters) {
  out.varint(counters.size());
  for (const auto& [reason, count] : counters) {
    out.text(reason);
    out.varint(count);
  }
}

void read_counters(Reader& in, std::map<std::string, std::uint64_t>& counters) {
  counters.clear();
  for (std::uint64_t left = in.varint(); left > 0 && in.ok(); --left) {
    std::string reason = in.text();
    counters[std::move(reason)] = in.varint();
  }
}

// An address has one peer after another, and the evidence of each is its own. What may change about
// a peer that stays the same (its labels, the service before it) is no part of the key.
void write_key_peer(Writer& out, const attribution::Peer& peer) {
  out.byte(static_cast<std::uint8_t>(peer.kind));
  out.key_text(peer.namespace_name);
  out.key_text(peer.name);
  out.key_text(peer.workload_kind);
}

void read_key_peer(Reader& in, attribution::Peer& peer) {
  const std::uint8_t kind = in.byte();
  if (kind > static_cast<std::uint8_t>(PeerKind::Multicast)) in.spoil();
  peer.kind = static_cast<PeerKind>(kind);
  peer.namespace_name = in.key_text();
  peer.name = in.key_text();
  peer.workload_kind = in.key_text();
}

}  // namespace

void write_stats(Writer& out, const FlowStats& stats) {
  out.varint(stats.packets);
  out.varint(stats.bytes);
  out.varint(stats.attempts);
  out.varint(stats.established);
  out.varint(stats.refused);
  out.varint(stats.flags);
  out.signed_varint(unix_ns(stats.first_seen));
  out.signed_varint(unix_ns(stats.last_seen));
}

void read_stats(Reader& in, FlowStats& stats) {
  stats.packets = in.varint();
  stats.bytes = in.varint();
  stats.attempts = in.varint();
  stats.established = in.varint();
  stats.refused = in.varint();
  stats.flags = static_cast<std::uint32_t>(in.varint());
  stats.first_seen = from_unix_ns(in.signed_varint());
  stats.last_seen = from_unix_ns(in.signed_varint());
}

std::string format_key() {
  return start(Table::Format);
}

std::string table_key(Table table) {
  return start(table);
}

std::string table_end(Table table) {
  return std::string(1, static_cast<char>(static_cast<char>(table) + 1));
}

std::string day_key(Table table, Day day) {
  std::string key = start(table);
  Writer(key).key_day(day);
  return key;
}

std::string namespace_key(std::string_view namespace_name, Table table) {
  std::string key = start(table);
  Writer(key).key_text(namespace_name);
  return key;
}

std::string namespace_end(std::string_view namespace_name, Table table) {
  std::string key = namespace_key(namespace_name, table);
  ++key.back();  // the end mark of a text is no 0xff
  return key;
}

std::string namespace_day_key(std::string_view namespace_name, Day day, Table table) {
  std::string key = namespace_key(namespace_name, table);
  Writer(key).key_day(day);
  return key;
}

std::string flow_key(const History& history) {
  std::string key = namespace_day_key(history.source.namespace_name, history.day);
  Writer out(key);
  out.key_text(history.raw.node);
  out.key_text(history.raw.interface_name);
  out.key_address(history.raw.source);
  out.key_address(history.raw.destination);
  out.big_endian(history.raw.port, 2);
  out.byte(static_cast<std::uint8_t>(history.raw.protocol));
  out.byte(static_cast<std::uint8_t>(history.raw.evidence));
  out.big_endian(history.raw.apart, 4);
  write_key_peer(out, history.peer);
  return key;
}

std::string flow_key_peer(const attribution::Peer& peer) {
  std::string part;
  Writer out(part);
  write_key_peer(out, peer);
  return part;
}

bool read_flow_key(std::string_view key, History& history) {
  Reader in(key);
  expect(in, Table::Flows);
  history.source.namespace_name = in.key_text();
  history.day = in.key_day();
  RawTuple& raw = history.raw;
  raw.node = in.key_text();
  raw.interface_name = in.key_text();
  raw.source = in.key_address();
  raw.destination = in.key_address();
  raw.port = static_cast<std::uint16_t>(in.big_endian(2));
  raw.protocol = static_cast<Protocol>(in.byte());
  const std::uint8_t evidence = in.byte();
  if (evidence > static_cast<std::uint8_t>(Evidence::Log)) in.spoil();
  raw.evidence = static_cast<Evidence>(evidence);
  raw.apart = static_cast<std::uint32_t>(in.big_endian(4));
  read_key_peer(in, history.peer);
  return in.done();
}

std::string flow_value(const History& history) {
  std::string value = start_value(kFlowValueVersion);
  Writer out(value);
  write_stats(out, history.stats);
  const attribution::Source& source = history.source;
  out.text(source.workload.kind);
  out.text(source.workload.name);
  out.text(source.pod);
  out.text(source.reason);
  out.byte(source.own_address ? 1 : 0);
  const attribution::Peer& peer = history.peer;
  out.text(peer.selector);
  out.text(peer.service);
  out.address(peer.address);
  out.text(peer.reason);
  write_naming(out, history.naming);
  return value;
}

bool read_flow_value(std::string_view value, History& history) {
  Reader in(value);
  const std::uint8_t version = in.byte();
  if (version != kFlowValueVersion && version != kNamelessFlowValueVersion) in.spoil();
  read_stats(in, history.stats);
  attribution::Source& source = history.source;
  source.workload.kind = in.text();
  source.workload.name = in.text();
  source.pod = in.text();
  source.reason = in.text();
  source.own_address = in.byte() != 0;
  attribution::Peer& peer = history.peer;
  peer.selector = in.text();
  peer.service = in.text();
  peer.address = in.address();
  peer.reason = in.text();
  history.naming = {};
  if (version == kFlowValueVersion) read_naming(in, history.naming);
  return in.done();
}

void merge_into(History& history, const History& newer) {
  history.stats.merge(newer.stats);
  history.source = newer.source;
  history.peer = newer.peer;
  // Who did not look for a name does not contradict who did.
  if (newer.naming.naming != attribution::Naming::None) history.naming.merge(newer.naming);
}

std::string node_day_key(Day day, std::string_view node) {
  std::string key = day_key(Table::NodeDays, day);
  Writer(key).key_text(node);
  return key;
}

std::string node_day_value(const NodeDay& node_day) {
  std::string value = start_value();
  Writer out(value);
  out.signed_varint(node_day.covered.count());
  write_counters(out, node_day.losses);
  write_counters(out, node_day.skipped);
  return value;
}

bool read_node_day(std::string_view key, std::string_view value, NodeDay& node_day) {
  Reader name(key);
  expect(name, Table::NodeDays);
  node_day.day = name.key_day();
  node_day.node = name.key_text();
  Reader in(value);
  expect(in, kValueVersion);
  node_day.covered = nanoseconds(in.signed_varint());
  read_counters(in, node_day.losses);
  read_counters(in, node_day.skipped);
  return name.done() && in.done();
}

std::string presence_key(const Presence& presence) {
  std::string key = day_key(Table::Presences, presence.day);
  Writer out(key);
  out.key_text(presence.namespace_name);
  out.key_text(presence.node);
  return key;
}

std::string presence_value() {
  return start_value();
}

bool read_presence(std::string_view key, Presence& presence) {
  Reader in(key);
  expect(in, Table::Presences);
  presence.day = in.key_day();
  presence.namespace_name = in.key_text();
  presence.node = in.key_text();
  return in.done();
}

std::string boot_key(std::string_view node, const BootId& boot) {
  std::string key = start(Table::Marks);
  Writer out(key);
  out.key_text(node);
  write_boot(out, boot);
  return key;
}

std::string boot_value(const BootMark& mark) {
  std::string value = start_value();
  Writer out(value);
  out.varint(mark.sequence);
  out.signed_varint(unix_ns(mark.last_end));
  return value;
}

bool read_boot(std::string_view key, std::string_view value, BootMark& mark) {
  Reader name(key);
  expect(name, Table::Marks);
  mark.node = name.key_text();
  read_boot_id(name, mark.boot);
  Reader in(value);
  expect(in, kValueVersion);
  mark.sequence = in.varint();
  mark.last_end = from_unix_ns(in.signed_varint());
  return name.done() && in.done();
}

std::string agent_key(std::string_view node) {
  std::string key = start(Table::Agents);
  Writer(key).key_text(node);
  return key;
}

std::string agent_value(const NodeMark& mark) {
  std::string value = start_value();
  Writer out(value);
  write_boot(out, mark.boot);
  out.varint(mark.sequence);
  out.signed_varint(unix_ns(mark.last_end));
  out.varint(mark.interfaces);
  out.text(mark.agent_version);
  return value;
}

bool read_agent(std::string_view key, std::string_view value, NodeMark& mark) {
  Reader name(key);
  expect(name, Table::Agents);
  mark.node = name.key_text();
  Reader in(value);
  expect(in, kValueVersion);
  read_boot_id(in, mark.boot);
  mark.sequence = in.varint();
  mark.last_end = from_unix_ns(in.signed_varint());
  mark.interfaces = in.varint();
  mark.agent_version = in.text();
  return name.done() && in.done();
}

std::string log_line_key(Day day, const std::array<std::uint8_t, 16>& digest) {
  std::string key = day_key(Table::LogLines, day);
  Writer out(key);
  for (const std::uint8_t part : digest) out.byte(part);
  return key;
}

std::string describe_key(std::string_view key) {
  History flow;
  if (read_flow_key(key, flow)) {
    return fmt::format("flow of '{}' on {}: {} {} to {}:{}/{}", flow.source.namespace_name,
                       to_text(flow.day), flow.raw.node, flow.raw.interface_name,
                       flow.raw.destination.to_string(), flow.raw.port, to_text(flow.raw.protocol));
  }
  NameRecord name;
  if (read_name_key(key, name)) {
    return fmt::format("name of '{}' on {}: {} {} was told {} for {}", name.namespace_name,
                       to_text(name.day), name.node, name.interface_name, name.address.to_string(),
                       name.name);
  }
  std::string hex;
  for (const char c : key) hex += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return "key " + hex;
}

}  // namespace outflow::store
