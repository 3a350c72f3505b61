// What the index holds. Private to the room; one thread at a time.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "aggregator/names/index.h"
#include "aggregator/names/slots.h"
#include "aggregator/names/tuples.h"

namespace outflow::names {

struct PodKey {
  Id node = 0;
  BootId boot{};
  std::uint64_t interface_id = 0;
  friend bool operator==(const PodKey&, const PodKey&) = default;
};
struct PodHash {
  std::size_t operator()(const PodKey& key) const noexcept;
};

class Index::State {
 public:
  explicit State(const Bounds& bounds)
      : answers_(bounds.intervals), tuples_(bounds.tuples), said_max_(bounds.said) {
    names_.id_of("");  // so that 0 is "no name"
  }

  std::vector<attribution::NameEvidence> add(const Report& report, std::span<const Heard> heard,
                                             const std::vector<bool>& wanted);
  void restore(const Watch::Before& node) { watch_.restore(node); }
  void restore(const KeptAnswer& kept);
  void restore(const KeptFlow& kept);
  void sweep(TimePoint now);
  [[nodiscard]] Counts counts() const;

 private:
  // Texts of what went for want of room are dropped when there are twice as many as were in use,
  // and so many at least: looking for them is a walk over all.
  static constexpr std::size_t kUnusedMin = 1U << 16U;

  // A flow with all that is asked about it.
  struct Case {
    const Report& report;
    const Flow& flow;
    Asker asker;
    TupleKey tuple;
    std::vector<Said> said;
  };
  // A name said on connections to one place.
  struct SaidThere {
    Id name = 0;
    std::uint32_t flags = 0;
    std::uint64_t count = 0;
    TimePoint first{};
    TimePoint last{};
    // Number of the report whose flow tells it; 0: none yet. At the border of two reports it fits
    // the flows of both, and counts once.
    std::uint64_t told_in = 0;
  };
  struct SaidKey {
    Id pod = 0;
    std::uint16_t port = 0;
    net::Address destination;
    friend bool operator==(const SaidKey&, const SaidKey&) = default;
  };
  struct SaidHash {
    std::size_t operator()(const SaidKey& key) const noexcept;
  };
  // When a pod spoke to a resolver nobody can read.
  struct Opaque {
    TimePoint since{};
    TimePoint last{};
    Id resolver = 0;  // what it is called
  };

  // join.cc: what comes in.
  [[nodiscard]] Asker asker_of(const std::string& node, const BootId& boot, std::uint64_t id);
  [[nodiscard]] Id place_of(const std::string& node, const std::string& interface_name);
  void take(const std::string& node, const BootId& boot, const NameAnswer& answer, bool trusted);
  void take_said(const Report& report);
  void drop_unused();  // texts and numbers nothing stands for any more
  [[nodiscard]] std::vector<TimePoint> ends_by_node(TimePoint now) const;
  void see_resolver(Id place, const FlowKey& key, const FlowStats& stats, Asker asker);

  // judge.cc: what goes out.
  [[nodiscard]] Case case_of(const Report& report, const Flow& flow, Id place);
  [[nodiscard]] std::vector<attribution::SaidEvidence> said_evidence(const Case& one);
  [[nodiscard]] Verdict judge(const Case& one);
  [[nodiscard]] Verdict look(const Case& one, std::span<const TimePoint> times);
  [[nodiscard]] Verdict without_name(const Case& one, TimePoint time);
  [[nodiscard]] Verdict because(attribution::Naming naming, const std::string& reason);
  [[nodiscard]] attribution::NameEvidence evidence_of(const Verdict& verdict) const;
  [[nodiscard]] const std::vector<SaidThere>* said_there(const Case& one) const;

  Watch watch_;
  Slots<std::string> nodes_;
  Slots<std::string> names_;   // and reasons
  Slots<std::string> places_;  // node, '/', interface
  Slots<PodKey, PodHash> pods_;
  Answers answers_;
  Tuples tuples_;
  const std::size_t said_max_;
  std::unordered_map<SaidKey, std::vector<SaidThere>, SaidHash> said_;
  std::size_t said_size_ = 0;
  std::uint64_t said_not_kept_ = 0;
  std::unordered_map<Id, Opaque> opaque_;                    // by place
  std::unordered_map<net::Address, Id> resolver_addresses_;  // told for a name of resolvers.h
  std::size_t drop_at_ = kUnusedMin;                         // names and pods together
  std::uint64_t taken_ = 0;
  std::map<attribution::Naming, std::uint64_t> flows_;
};

}  // namespace outflow::names
