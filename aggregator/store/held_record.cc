#include "aggregator/store/held_record.h"

#include <cstdint>

#include "aggregator/store/bytes.h"
#include "aggregator/store/record.h"

namespace outflow::store {
namespace {

using inventory::Held;
using inventory::Node;
using inventory::Pod;
using inventory::Service;
using inventory::Told;

constexpr std::uint8_t kVersion = 1;
// The order of Held's alternatives; stored, so append only.
enum class HeldKind : std::uint8_t { Pod = 0, Service = 1, Node = 2 };
static_assert(std::variant_size_v<Held> == 3);

// So many at most of anything within one record: a damaged count must not ask for all memory.
constexpr std::uint64_t kPartsMax = 4096;

std::uint64_t count(Reader& in) {
  const std::uint64_t parts = in.varint();
  if (parts <= kPartsMax) return parts;
  in.spoil();
  return 0;
}

void write_time(Writer& out, TimePoint time) {
  out.signed_varint(unix_ns(time));
}
TimePoint read_time(Reader& in) {
  return from_unix_ns(in.signed_varint());
}

void write_told(Writer& out, const Told& told) {
  for (const TimePoint time : {told.not_before, told.leaving, told.last, told.gone}) {
    write_time(out, time);
  }
}
void read_told(Reader& in, Told& told) {
  for (TimePoint* time : {&told.not_before, &told.leaving, &told.last, &told.gone}) {
    *time = read_time(in);
  }
}

void write_addresses(Writer& out, const std::vector<net::Address>& addresses) {
  out.varint(addresses.size());
  for (const net::Address& address : addresses) out.address(address);
}
void read_addresses(Reader& in, std::vector<net::Address>& addresses) {
  addresses.clear();
  for (std::uint64_t left = count(in); left > 0 && in.ok(); --left) {
    addresses.push_back(in.address());
  }
}

void write_pod(Writer& out, const Pod& pod) {
  out.text(pod.node);
  out.text(pod.phase);
  out.byte(pod.host_network ? 1 : 0);
  out.byte(pod.deleting ? 1 : 0);
  out.text(pod.workload.kind);
  out.text(pod.workload.name);
  write_time(out, pod.started);
  write_time(out, pod.ended);
  out.varint(pod.labels.size());
  for (const auto& [name, value] : pod.labels) {
    out.text(name);
    out.text(value);
  }
  out.varint(pod.ports.size());
  for (const inventory::NamedPort& port : pod.ports) {
    out.text(port.name);
    out.varint(port.number);
    out.byte(static_cast<std::uint8_t>(port.protocol));
  }
}

void read_pod(Reader& in, Pod& pod) {
  pod.node = in.text();
  pod.phase = in.text();
  pod.host_network = in.byte() != 0;
  pod.deleting = in.byte() != 0;
  pod.workload.kind = in.text();
  pod.workload.name = in.text();
  pod.started = read_time(in);
  pod.ended = read_time(in);
  for (std::uint64_t left = count(in); left > 0 && in.ok(); --left) {
    std::string name = in.text();
    pod.labels[std::move(name)] = in.text();
  }
  for (std::uint64_t left = count(in); left > 0 && in.ok(); --left) {
    inventory::NamedPort& port = pod.ports.emplace_back();
    port.name = in.text();
    port.number = static_cast<std::uint16_t>(in.varint());
    port.protocol = static_cast<Protocol>(in.byte());
  }
}

struct Names {
  std::string_view namespace_name;
  std::string_view name;
  std::string_view uid;
};

std::string key_of(HeldKind kind, const Names& names, TimePoint first) {
  std::string key = table_key(Table::Owners);
  Writer out(key);
  out.byte(static_cast<std::uint8_t>(kind));
  out.key_text(names.namespace_name);
  out.key_text(names.name);
  out.key_text(names.uid);
  out.big_endian(static_cast<std::uint64_t>(unix_ns(first)), 8);
  return key;
}

struct KeyOf {
  std::string operator()(const Pod& pod) const {
    return key_of(HeldKind::Pod, {pod.namespace_name, pod.name, pod.uid}, pod.told.first);
  }
  std::string operator()(const Service& service) const {
    return key_of(HeldKind::Service, {service.namespace_name, service.name, ""},
                  service.told.first);
  }
  std::string operator()(const Node& node) const {
    return key_of(HeldKind::Node, {"", node.name, ""}, node.told.first);
  }
};

}  // namespace

std::string held_key(const Held& held) {
  return std::visit(KeyOf(), held);
}

std::string held_value(const Held& held) {
  std::string value(1, static_cast<char>(kVersion));
  Writer out(value);
  std::visit([&](const auto& one) { write_told(out, one.told); }, held);
  if (const Pod* pod = std::get_if<Pod>(&held)) {
    write_addresses(out, pod->addresses);
    write_pod(out, *pod);
  } else if (const Service* service = std::get_if<Service>(&held)) {
    write_addresses(out, service->cluster_addresses);
    out.text(service->type);
  } else if (const Node* node = std::get_if<Node>(&held)) {
    write_addresses(out, node->addresses);
  }
  return value;
}

bool read_held(std::string_view key, std::string_view value, Held& held) {
  Reader name(key);
  if (name.byte() != static_cast<std::uint8_t>(Table::Owners)) return false;
  const std::uint8_t kind = name.byte();
  std::string namespace_name = name.key_text();
  std::string own_name = name.key_text();
  std::string uid = name.key_text();
  const TimePoint first = from_unix_ns(static_cast<std::int64_t>(name.big_endian(8)));
  Reader in(value);
  if (in.byte() != kVersion) return false;
  Told told;
  read_told(in, told);
  told.first = first;
  std::vector<net::Address> addresses;
  read_addresses(in, addresses);
  if (kind == static_cast<std::uint8_t>(HeldKind::Pod)) {
    Pod pod;
    read_pod(in, pod);
    pod.namespace_name = std::move(namespace_name);
    pod.name = std::move(own_name);
    pod.uid = std::move(uid);
    pod.addresses = std::move(addresses);
    pod.told = told;
    held = std::move(pod);
  } else if (kind == static_cast<std::uint8_t>(HeldKind::Service) && uid.empty()) {
    Service service;
    service.namespace_name = std::move(namespace_name);
    service.name = std::move(own_name);
    service.type = in.text();
    service.cluster_addresses = std::move(addresses);
    service.told = told;
    held = std::move(service);
  } else if (kind == static_cast<std::uint8_t>(HeldKind::Node) && uid.empty() &&
             namespace_name.empty()) {
    held = Node{std::move(own_name), std::move(addresses), {}, told};
  } else {
    return false;
  }
  return name.done() && in.done();
}

std::string heard_key() {
  return table_key(Table::Heard);
}

std::string heard_value(TimePoint heard) {
  std::string value(1, static_cast<char>(kVersion));
  Writer(value).signed_varint(unix_ns(heard));
  return value;
}

bool read_heard(std::string_view value, TimePoint& heard) {
  Reader in(value);
  if (in.byte() != kVersion) return false;
  heard = from_unix_ns(in.signed_varint());
  return in.done();
}

}  // namespace outflow::store
