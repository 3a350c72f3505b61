// A node as the index hears it: reports in their order, with what a test says happened.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "aggregator/names/index.h"
#include "common/text.h"
#include "tests/support/catch.h"

namespace outflow::names {

using attribution::Basis;
using attribution::Naming;
using namespace std::chrono_literals;

inline constexpr const char* kThere = "192.0.2.10";

inline net::Address address(const char* text) {
  return *net::Address::parse(text);
}
inline TimePoint at(const char* clock) {
  return *parse_time(std::string("2026-05-18T") + clock + "Z");
}

// Pod 5 was told `name` for 192.0.2.10, once, at `time`.
inline NameAnswer told(const char* name, TimePoint time, std::uint32_t ttl_s = 30) {
  NameAnswer answer;
  answer.interface_id = 5;
  answer.name = name;
  answer.address = address(kThere);
  answer.resolver = address("10.96.0.10");
  answer.ttl_s = ttl_s;
  answer.answers = 1;
  answer.first_answered = time;
  answer.last_answered = time;
  return answer;
}

// Pod 5 opened one connection to 192.0.2.10:443 at `time`.
inline Flow dialled(TimePoint time, const char* destination = kThere, std::uint16_t port = 443) {
  Flow flow;
  flow.key = {5, address(destination), port, Protocol::Tcp};
  flow.stats = {.packets = 10,
                .bytes = 1000,
                .attempts = 1,
                .established = 1,
                .refused = 0,
                .flags = 0,
                .first_seen = time,
                .last_seen = time};
  return flow;
}
// Later packets of it, in [from, to].
inline Flow went_on(TimePoint from, TimePoint to) {
  Flow flow = dialled(from);
  flow.stats.attempts = flow.stats.established = 0;
  flow.stats.last_seen = to;
  return flow;
}
inline Flow datagrams(TimePoint from, TimePoint to) {
  Flow flow = went_on(from, to);
  flow.key.protocol = Protocol::Udp;
  return flow;
}

inline SaidName said(const char* name, TimePoint time, std::uint32_t flags = 0) {
  SaidName one;
  one.interface_id = 5;
  one.destination = address(kThere);
  one.destination_port = 443;
  one.name = name;
  one.flags = flags;
  one.count = 1;
  one.first_said = time;
  one.last_said = time;
  return one;
}

// What a report holds beside its times.
struct Heap {
  std::vector<NameAnswer> answers = {};
  std::vector<Flow> flows = {};
  std::vector<SaidName> said = {};
  std::vector<Counter> losses = {};
  std::vector<Counter> skipped = {};
};

class Node {
 public:
  // Watched since 06:00, with pods 5, 6 and 7 there from the beginning.
  explicit Node(Index& index, std::string name = "k8s-w1") : index_(index) {
    report_.node = std::move(name);
    report_.boot = {7};
    report_.reads_names = true;
    for (const std::uint64_t id : {5, 6, 7}) {
      report_.interfaces.push_back({id, "cali0000000000" + std::to_string(id), {}});
    }
    report_.interval.end = at("06:00:00");
    tell(at("06:00:10"));
  }

  // The report of the time up to `end`; gives the evidence of its flows.
  std::vector<attribution::NameEvidence> tell(TimePoint end, const Heap& heap = {}) {
    ++report_.sequence;
    report_.interval = {report_.interval.end, end};
    report_.answers = heap.answers;
    report_.flows = heap.flows;
    report_.said = heap.said;
    report_.losses = heap.losses;
    report_.skipped = heap.skipped;
    return tell_again();
  }
  std::vector<attribution::NameEvidence> tell_again() {
    std::vector<Heard> heard;
    for (const NameAnswer& answer : report_.answers) heard.push_back({&answer, trusted});
    return index_.add(report_, heard, std::vector<bool>(report_.flows.size(), true));
  }
  // The evidence of one flow, in a report that ends ten seconds after the one before.
  attribution::NameEvidence tell(const Heap& heap) {
    auto all = tell(report_.interval.end + 10s, heap);
    REQUIRE(all.size() == 1);
    return all.front();
  }
  // Nothing happened until then.
  void rest(TimePoint until) { tell(until); }

  Report& report() { return report_; }
  bool trusted = true;

 private:
  Index& index_;
  Report report_;
};

// "db.example.com 1000 pod", with " said".
inline std::vector<std::string> candidates(const attribution::NameEvidence& evidence) {
  std::vector<std::string> all;
  for (const attribution::Candidate& one : evidence.candidates) {
    all.push_back(one.name + " " + std::to_string(one.permille) + " " +
                  std::string(to_text(one.basis)) + (one.said ? " said" : ""));
  }
  return all;
}
using Texts = std::vector<std::string>;

}  // namespace outflow::names
