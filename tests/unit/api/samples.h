// A small made-up cluster and its traffic, for the tests of the answers.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "aggregator/api/service.h"
#include "aggregator/attribution/attribute.h"
#include "common/text.h"
#include "tests/support/catch.h"

namespace outflow::api {

inline net::Address address(const std::string& text) {
  return *net::Address::parse(text);
}
inline TimePoint at(const std::string& text) {
  return *parse_time(text);
}
inline Day day(const std::string& text) {
  return day_of(at(text));
}

inline constexpr const char* kNow = "2026-05-20T12:00:00Z";

class HandClock final : public Clock {
 public:
  [[nodiscard]] TimePoint now() const override { return time; }
  TimePoint time = at(kNow);
};

inline inventory::Pod pod(const std::string& namespace_name, const std::string& name,
                          const std::string& node, const std::string& ip) {
  inventory::Pod made;
  made.namespace_name = namespace_name;
  made.name = name + "-1";
  made.node = node;
  made.phase = "Running";
  made.addresses = {address(ip)};
  made.labels = {{"app", name}};
  made.workload = {"Deployment", name};
  made.started = at("2026-05-01T00:00:00Z");
  return made;
}

// Namespaces web, mail (idle), batch (scaled to zero), edge (host network), far (on a node without
// an agent), blind (not hooked), kube-system; nodes w1, w2 with agents, w3 without.
inline inventory::Model cluster() {
  inventory::Model model;
  for (const char* name : {"web", "mail", "batch", "edge", "far", "blind", "kube-system"}) {
    const bool picked = std::string(name) == "web" || std::string(name) == "mail";
    model.namespaces.push_back({name, {{"tier", picked ? "front" : "back"}}});
  }
  for (const char* name : {"w1", "w2", "w3"}) {
    model.nodes.push_back({name, {}, {}, {}});
  }
  model.nodes[0].addresses = {address("10.0.0.1")};
  model.pods = {
      pod("web", "web", "w1", "10.244.1.2"),     pod("mail", "mail", "w1", "10.244.1.3"),
      pod("edge", "edge", "w1", "10.0.0.1"),     pod("far", "far", "w3", "10.244.3.2"),
      pod("blind", "blind", "w2", "10.244.2.2"), pod("kube-system", "coredns", "w1", "10.244.1.9")};
  model.pods[2].host_network = true;
  inventory::Service dns;
  dns.namespace_name = "kube-system";
  dns.name = "kube-dns";
  dns.type = "ClusterIP";
  dns.cluster_addresses = {address("10.96.0.10")};
  dns.ports = {{"dns", 53, "53", 0, Protocol::Udp}};
  dns.selector = {{"app", "coredns"}};
  model.services = {dns};
  model.endpoints = {{"kube-system", "kube-dns", address("10.244.1.9"), 53, Protocol::Udp}};
  return model;
}

inline inventory::Snapshot snapshot() {
  return {cluster(), at("2026-05-20T11:59:00Z")};
}

struct To {
  const char* destination;
  std::uint16_t port = 443;
  Protocol protocol = Protocol::Tcp;
};

// One answered connection of a namespace's pod, attributed as the pipeline does it.
inline store::History flow(const std::string& from, const To& to, const std::string& time) {
  const inventory::Snapshot known = snapshot();
  store::History history;
  history.day = day(time);
  history.raw.node = "w1";
  history.raw.interface_name = "cali" + from;
  history.raw.source = address("10.244.1.2");
  history.raw.destination = address(to.destination);
  history.raw.port = to.port;
  history.raw.protocol = to.protocol;
  history.source.namespace_name = from;
  if (!from.empty()) {
    history.source.workload = {"Deployment", from};
    history.source.pod = from + "-1";
  }
  history.peer =
      attribution::attribute_peer(history.raw.destination, to.port, to.protocol, at(time), known);
  history.peer.address = history.raw.destination;
  history.stats.packets = 10;
  history.stats.bytes = 600;
  history.stats.attempts = 1;
  history.stats.established = 1;
  history.stats.first_seen = at(time);
  history.stats.last_seen = at(time);
  return history;
}

// A store in a folder of its own, the cluster above, and a clock that stands.
class Bench {
 public:
  Bench() {
    std::string name = (std::filesystem::temp_directory_path() / "outflow-api-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    folder_ = name;
    auto opened = store::Store::open(folder_ + "/store", std::chrono::hours(24 * 400));
    REQUIRE(opened);
    store = *std::move(opened);
    current.set(std::make_shared<const inventory::Snapshot>(snapshot()));
  }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;
  ~Bench() {
    store.reset();
    std::filesystem::remove_all(folder_);
  }

  // A whole day watched on a node, with the namespaces hooked there.
  void watch(const std::string& node, const std::string& date,
             const std::vector<std::string>& hooked, const std::vector<Counter>& losses = {}) {
    store::Addition addition;
    const TimePoint start = at(date + "T00:00:00Z");
    const TimePoint end = std::min(start + std::chrono::hours(24), clock.now());
    addition.mark.node = node;
    addition.mark.sequence = ++sequences_[node];
    addition.mark.last_end = end;
    addition.mark.agent_version = "0.1.0";
    addition.interval = {start, end};
    addition.losses = losses;
    for (const auto& name : hooked) addition.presences.push_back({name, node, day(date)});
    const auto merged = store->add(addition);
    INFO((merged ? "" : merged.error().what));
    REQUIRE(merged);
  }

  void add(std::vector<store::History> histories) { add(std::move(histories), {}); }

  // What pods were told, and what they then dialled.
  void add(std::vector<store::History> histories, std::vector<store::NameRecord> names) {
    store::Addition addition;
    addition.mark.node = "w1";
    addition.mark.boot.back() = 9;  // a boot of its own: its sequence is nobody's gap
    addition.mark.sequence = ++added_;
    addition.mark.last_end = clock.now();
    addition.interval = {clock.now(), clock.now()};
    addition.histories = std::move(histories);
    addition.names = std::move(names);
    REQUIRE(store->add(addition));
  }

  [[nodiscard]] Backend backend() const { return {*store, current, select, clock, nullptr}; }

  std::unique_ptr<store::Store> store;
  inventory::Current current;
  inventory::LabelSelector select;
  HandClock clock;

 private:
  std::string folder_;
  std::map<std::string, std::uint64_t> sequences_;
  std::uint64_t added_ = 0;
};

}  // namespace outflow::api
