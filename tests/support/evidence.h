// Evidence made by hand: peers, records and findings, with what a test does not care about filled
// in.
#pragma once

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "aggregator/analysis/analyse.h"
#include "common/text.h"

namespace outflow::testing {

inline net::Address ip(std::string_view text) {
  return net::Address::parse(text).value();
}
inline TimePoint at(std::string_view text) {
  return parse_time(text).value();
}
inline Day day(std::string_view text) {
  return day_of(at(text));
}

inline attribution::Peer service(std::string namespace_name, std::string name,
                                 std::string_view address = "10.96.0.10") {
  attribution::Peer peer;
  peer.kind = attribution::PeerKind::Service;
  peer.namespace_name = std::move(namespace_name);
  peer.name = std::move(name);
  peer.address = ip(address);
  peer.reason = "cluster-ip";
  return peer;
}

inline attribution::Peer workload(std::string namespace_name, std::string name,
                                  std::string_view address = "10.244.1.7") {
  attribution::Peer peer;
  peer.kind = attribution::PeerKind::Workload;
  peer.workload_kind = "Deployment";
  peer.selector = "app == '" + name + "'";
  peer.namespace_name = std::move(namespace_name);
  peer.name = std::move(name);
  peer.address = ip(address);
  return peer;
}

inline attribution::Peer outside(std::string_view address,
                                 attribution::PeerKind kind = attribution::PeerKind::External) {
  attribution::Peer peer;
  peer.kind = kind;
  peer.address = ip(address);
  return peer;
}

// A destination by the name the pod was told for it.
inline store::History named(store::History history, std::string name,
                            std::uint16_t permille = 1000) {
  history.peer.kind = attribution::PeerKind::Name;
  history.peer.name = name;
  const bool certain = permille >= attribution::kCertainPermille;
  history.naming.naming = certain ? attribution::Naming::Named : attribution::Naming::Ambiguous;
  history.naming.candidates = {{std::move(name), permille, attribution::Basis::Pod, false}};
  return history;
}

// An address that no name was asked for, in a range or in none ("").
inline store::History nameless(store::History history, const std::string& range,
                               attribution::Naming naming = attribution::Naming::RawAddress) {
  if (!range.empty()) history.peer.kind = attribution::PeerKind::Provider;
  history.peer.name = range;
  history.peer.provider = range;
  history.naming.naming = naming;
  return history;
}

inline attribution::Peer node(std::string name, std::string_view address) {
  attribution::Peer peer = outside(address, attribution::PeerKind::Node);
  peer.name = std::move(name);
  return peer;
}

// One record of namespace "web" on 2026-05-18: an answered TCP connection unless told otherwise.
inline store::History record(attribution::Peer peer, std::uint16_t port = 443,
                             Protocol protocol = Protocol::Tcp, std::uint64_t established = 1) {
  store::History history;
  history.day = day("2026-05-18");
  history.raw.node = "w1";
  history.raw.interface_name = "cali0123456789a";
  history.raw.source = ip("10.244.0.5");
  history.raw.destination = peer.address;
  history.raw.port = port;
  history.raw.protocol = protocol;
  history.source.namespace_name = "web";
  history.source.workload = {"Deployment", "api"};
  history.source.pod = "api-1";
  history.peer = std::move(peer);
  history.stats.packets = 10;
  history.stats.bytes = 1000;
  history.stats.attempts = protocol == Protocol::Tcp ? 2 : 0;
  history.stats.established = established;
  history.stats.first_seen = TimePoint(history.day) + std::chrono::hours(10);
  history.stats.last_seen = TimePoint(history.day) + std::chrono::hours(11);
  return history;
}

inline store::History on_day(store::History history, std::string_view text) {
  history.day = day(text);
  history.stats.first_seen = TimePoint(history.day) + std::chrono::hours(10);
  history.stats.last_seen = TimePoint(history.day) + std::chrono::hours(11);
  return history;
}

inline store::History of_namespace(store::History history, std::string namespace_name) {
  history.source.namespace_name = std::move(namespace_name);
  return history;
}

inline analysis::Horizon valid_days(std::uint32_t days) {
  analysis::Horizon horizon;
  horizon.valid_days = days;
  if (days < horizon.wanted_days) horizon.reasons = {"1 day (2026-05-18): still running"};
  return horizon;
}

// What these records of one namespace say.
inline analysis::Finding finding(const std::vector<store::History>& records,
                                 const std::string& namespace_name = "web",
                                 analysis::Horizon horizon = valid_days(7)) {
  analysis::Analysis fold(namespace_name);
  for (const store::History& one : records) fold.add(of_namespace(one, namespace_name));
  return std::move(fold).finish(std::move(horizon));
}

}  // namespace outflow::testing
