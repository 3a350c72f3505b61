#include "tests/golden/scenario.h"

#include <fstream>
#include <stdexcept>

#include <nlohmann/json.hpp>

#include "aggregator/analysis/analyse.h"
#include "common/text.h"

namespace outflow::testing {
namespace {

using attribution::PeerKind;
using nlohmann::json;

PeerKind kind_named(const std::string& name) {
  for (int value = 0; value <= static_cast<int>(PeerKind::Multicast); ++value) {
    if (to_text(static_cast<PeerKind>(value)) == name) return static_cast<PeerKind>(value);
  }
  throw std::invalid_argument("no kind of peer: " + name);
}

net::Address address(const json& value) {
  return net::Address::parse(value.get<std::string>()).value();
}

inventory::Workload workload(const std::string& text) {
  const std::size_t slash = text.find('/');
  return {text.substr(0, slash), text.substr(slash + 1)};
}

attribution::Peer read_peer(const json& record) {
  attribution::Peer peer;
  peer.kind = kind_named(record.at("kind"));
  peer.namespace_name = record.value("namespace", "");
  peer.name = record.value("name", "");
  peer.workload_kind = record.value("workload_kind", "");
  peer.selector = record.value("selector", "");
  peer.service = record.value("service", "");
  peer.address = address(record.at("to"));
  peer.reason = record.value("reason", "");
  peer.provider = record.value("provider", "");
  return peer;
}

FlowStats read_stats(const json& record, Day day) {
  FlowStats stats;
  stats.packets = record.value("packets", 10U);
  stats.bytes = record.value("bytes", 1000U);
  stats.attempts = record.value("attempts", 0U);
  stats.established = record.value("established", 0U);
  stats.refused = record.value("refused", 0U);
  stats.first_seen = TimePoint(day) + std::chrono::hours(10);
  stats.last_seen = TimePoint(day) + std::chrono::hours(11);
  return stats;
}

store::History read_record(const json& record, const std::string& namespace_name) {
  store::History history;
  history.day = day_of(parse_time(record.at("day").get<std::string>()).value());
  history.raw.node = "w1";
  history.raw.interface_name = "cali0123456789a";
  history.raw.destination = address(record.at("to"));
  history.raw.port = record.value("port", std::uint16_t{0});
  if (!parse_protocol(record.at("protocol").get<std::string>(), &history.raw.protocol)) {
    throw std::invalid_argument("no protocol: " + record.at("protocol").get<std::string>());
  }
  history.raw.apart = record.value("apart", 0U);
  history.raw.evidence = record.value("log", false) ? store::Evidence::Log : store::Evidence::Agent;
  history.source.namespace_name = namespace_name;
  history.source.workload = workload(record.value("from", "Deployment/api"));
  history.peer = read_peer(record);
  for (const json& name : record.value("maybe", json::array())) {
    history.naming.naming = attribution::Naming::Ambiguous;
    history.naming.candidates.push_back({name, 500, attribution::Basis::Pod, false});
  }
  history.stats = read_stats(record, history.day);
  return history;
}

// "53/UDP": the same number in the pods.
inventory::ServicePort read_port(const json& value) {
  const std::string text = value;
  const std::size_t slash = text.find('/');
  inventory::ServicePort port;
  port.target_port = text.substr(0, slash);
  port.port = static_cast<std::uint16_t>(std::stoi(port.target_port));
  if (!parse_protocol(text.substr(slash + 1), &port.protocol)) {
    throw std::invalid_argument("no protocol: " + text);
  }
  return port;
}

inventory::Model read_inventory(const json& root) {
  inventory::Model model;
  for (const json& one : root.value("services", json::array())) {
    inventory::Service service;
    service.namespace_name = one.at("namespace");
    service.name = one.at("name");
    for (const json& text : one.at("addresses")) service.cluster_addresses.push_back(address(text));
    for (const json& port : one.value("ports", json::array())) {
      service.ports.push_back(read_port(port));
    }
    model.services.push_back(std::move(service));
  }
  model.has_network_policies = root.contains("egress_policies");
  for (const json& one : root.value("egress_policies", json::array())) {
    model.egress_policies.push_back({one.at("namespace"), one.at("name")});
  }
  for (const json& one : root.value("pods", json::array())) {
    inventory::Pod pod;
    pod.namespace_name = one.at("namespace");
    pod.name = one.at("name");
    pod.workload = workload(one.at("workload"));
    pod.host_network = one.value("host_network", false);
    model.pods.push_back(std::move(pod));
  }
  return model;
}

// Told for six hours before `now`, with a TTL nobody keeps.
std::vector<store::NameRecord> read_answers(const json& root, TimePoint now) {
  std::vector<store::NameRecord> rows;
  for (const json& one : root.value("answers", json::array())) {
    for (const json& text : one.at("addresses")) {
      store::NameRecord row;
      row.day = day_of(now);
      row.name = one.at("name");
      row.address = address(text);
      row.trusted = one.value("trusted", true);
      row.answers = one.value("answers", 100U);
      row.first_answered = now - std::chrono::hours(6);
      row.last_answered = now - std::chrono::minutes(1);
      if (row.trusted) row.last_trusted = row.last_answered;
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

}  // namespace

Scenario read_scenario(const std::filesystem::path& file) {
  std::ifstream stream(file);
  const json root = json::parse(stream);
  const std::string namespace_name = root.at("namespace");
  analysis::Analysis fold(namespace_name);
  for (const json& record : root.at("records")) fold.add(read_record(record, namespace_name));

  const json& given = root.at("horizon");
  analysis::Horizon horizon;
  horizon.valid_days = given.at("valid_days");
  horizon.incomplete = given.value("incomplete", false);
  horizon.reasons = given.value("reasons", std::vector<std::string>());

  Scenario scenario;
  scenario.finding = std::move(fold).finish(std::move(horizon));
  scenario.inventory = read_inventory(root);
  scenario.options.order = root.value("order", 1500.0);
  scenario.options.dialect = synthesis::parse_dialect(root.value("dialect", "calico-oss")).value();
  scenario.options.sets = synthesis::parse_sets_mode(root.value("sets", "live")).value();
  const TimePoint now = parse_time(root.value("now", "2026-05-25T12:00:00Z")).value();
  scenario.sets = analysis::name_sets_of(scenario.finding, read_answers(root, now), now);
  return scenario;
}

}  // namespace outflow::testing
