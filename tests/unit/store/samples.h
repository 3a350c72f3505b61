// Made-up batches and records of the store's tests.
#pragma once

#include <string>
#include <vector>

#include "aggregator/store/store.h"
#include "common/text.h"

namespace outflow::store {

inline net::Address address(const char* text) {
  return *net::Address::parse(text);
}

inline TimePoint at(const char* text) {
  return *parse_time(text);
}

inline Day day(const char* text) {
  return day_of(at(text));
}

inline constexpr const char* kNoon = "2026-05-18T12:00:00Z";

// One packet of 60 bytes from namespace `from` to 192.0.2.10:`port`.
inline History record(const std::string& from, std::uint16_t port = 443,
                      TimePoint time = at(kNoon)) {
  History history;
  history.day = day_of(time);
  history.raw = {.node = "k8s-w1",
                 .interface_name = "cali814aae5e834",
                 .source = address("10.244.3.17"),
                 .destination = address("192.0.2.10"),
                 .port = port,
                 .protocol = Protocol::Tcp,
                 .evidence = Evidence::Agent,
                 .apart = 0};
  history.source.namespace_name = from;
  history.source.workload = {"Deployment", "web"};
  history.source.pod = "web-1";
  history.peer.kind = attribution::PeerKind::External;
  history.peer.address = history.raw.destination;
  history.stats = {.packets = 1,
                   .bytes = 60,
                   .attempts = 1,
                   .established = 1,
                   .refused = 0,
                   .flags = 0,
                   .first_seen = time,
                   .last_seen = time};
  return history;
}

// The same from "web" to whoever has that address.
inline History record_to(attribution::PeerKind kind, const std::string& namespace_name,
                         const std::string& name) {
  History history = record("web");
  history.peer.kind = kind;
  history.peer.namespace_name = namespace_name;
  history.peer.name = name;
  return history;
}

inline BootId boot(std::uint8_t number) {
  BootId id{};
  id.back() = number;
  return id;
}

// Ten seconds from noon, as the batch `sequence` of boot 1 of k8s-w1.
inline Addition batch(std::uint64_t sequence, std::vector<History> histories = {}) {
  Addition addition;
  addition.mark = {.node = "k8s-w1",
                   .boot = boot(1),
                   .sequence = sequence,
                   .last_end = at(kNoon) + std::chrono::seconds(10),
                   .interfaces = 2,
                   .agent_version = "0.1.0"};
  addition.interval = {at(kNoon), at(kNoon) + std::chrono::seconds(10)};
  addition.histories = std::move(histories);
  return addition;
}

inline std::vector<History> all(const Store& store, const std::optional<std::string>& from = {},
                                Day first = day("2020-01-01"), Day last = day("2030-01-01")) {
  std::vector<History> found;
  const auto scanned = store.scan(from, first, last, [&](const History& history) {
    found.push_back(history);
    return true;
  });
  if (!scanned) found.clear();
  return found;
}

}  // namespace outflow::store
