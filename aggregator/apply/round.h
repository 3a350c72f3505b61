// One round after the other: ask, look, plan, apply, and say what is new. Whoever owns a Rounds
// calls run() from one thread, as often as he wants the cluster to follow.
//
// A set that needed nothing is looked at again when what is wanted of it changes, and every
// kLookAgain. Whatever is refused, in conflict or not there is logged when it begins, and counted
// then; counters only grow.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "aggregator/apply/answer.h"
#include "aggregator/apply/cluster.h"
#include "aggregator/apply/plan.h"
#include "common/clock.h"
#include "common/result.h"

namespace outflow::apply {

inline constexpr nanoseconds kLookAgain = std::chrono::seconds(30);

struct Asked {
  v1::SetsAnswer sets;
  v1::StatusAnswer status;
};
using AskAggregator = std::function<Result<Asked>()>;

struct Counts {
  std::uint64_t applied = 0;
  std::uint64_t created = 0;
  std::uint64_t unchanged = 0;  // looks that found nothing to do
  std::uint64_t conflicts = 0;  // begun, as the refusals
  std::uint64_t aggregator_errors = 0;
  std::uint64_t api_errors = 0;
  std::map<std::string, std::uint64_t> refused;  // by reason
  TimePoint last_success{};  // the end of the last round without an error; the epoch before it
};

// How things stand after a round.
struct Standing {
  std::string error;                        // "": everything that was asked was answered
  std::size_t applied = 0;                  // sets, in this round
  std::size_t kept_nets = 0;                // in the cluster though no longer wanted
  std::map<std::string, std::size_t> sets;  // by state: current, absent, conflict, refused
  bool partial = false;  // something was refused or in conflict, or the answer not complete
};

class Rounds {
 public:
  struct Parts {
    AskAggregator ask;
    Cluster& cluster;
    const Clock& clock;
    // A line for each set that changes; may be empty.
    std::function<void(const std::string&)> told = {};
  };
  Rounds(Parts parts, Settings settings)
      : parts_(std::move(parts)), settings_(std::move(settings)) {}

  Standing run();
  [[nodiscard]] const Counts& counts() const { return counts_; }

 private:
  struct Seen {  // of one set
    Wanted wanted;
    Absences absences;
    std::size_t kept = 0;
    std::string state;
    std::set<std::string> said;  // reasons that were logged
    TimePoint looked_at{};
  };
  [[nodiscard]] Result<void> follow(const Wanted& wanted, const Trust& trust, Standing& standing);
  [[nodiscard]] Result<void> look(const Wanted& wanted, const Trust& trust, Seen& seen,
                                  Standing& standing);
  [[nodiscard]] Result<std::optional<Current>> create(const Wanted& wanted, Seen& seen,
                                                      Standing& standing);
  bool take(const Wanted& wanted, const Plan& plan, const Applied& applied, Seen& seen,
            Standing& standing);
  void say(const std::string& name, const std::vector<Refusal>& refusals,
           std::set<std::string>& said);
  void tell_error(const std::string& what, Standing& standing);

  const Parts parts_;
  const Settings settings_;
  std::map<std::string, Seen> seen_;
  std::set<std::string> said_;  // of the answer
  std::string last_error_;
  Counts counts_;
};

}  // namespace outflow::apply
