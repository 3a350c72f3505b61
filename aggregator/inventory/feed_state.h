// What is known of the feed of each kind: whether it ever told all there is, up to when, and why
// not. Plain values; the live inventory keeps them.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "aggregator/inventory/model.h"

namespace outflow::inventory {

class FeedStates {
 public:
  void synced(Kind kind, TimePoint at);
  void heard(Kind kind, TimePoint at);
  void failed(Kind kind, std::string why);
  void absent(Kind kind, std::string why);

  // The kinds without which nobody can be named were all told once.
  [[nodiscard]] bool ready() const;
  [[nodiscard]] bool was_synced(Kind kind) const { return at(kind).synced; }
  // Told, or said not to exist.
  [[nodiscard]] bool is_known(Kind kind) const { return at(kind).synced || at(kind).absent; }
  [[nodiscard]] bool is_failing(Kind kind) const { return !at(kind).failure.empty(); }
  // Up to when the kind was told; epoch: never.
  [[nodiscard]] TimePoint heard_of(Kind kind) const { return at(kind).heard; }
  // Up to when what was told last still holds: for ever while the feed lives.
  [[nodiscard]] TimePoint holds_until(Kind kind) const;
  // The earliest holds_until() of the needed kinds.
  [[nodiscard]] TimePoint known_until() const;
  // The earliest heard_of() of the needed kinds.
  [[nodiscard]] TimePoint as_of() const;
  // Why the inventory is not the newest, the first kind that has trouble and how many more: "" when
  // all is well. A kind the server does not have is no trouble.
  [[nodiscard]] std::string error() const;
  // Before the first list after a restart: up to when the run before had heard.
  void resume(TimePoint heard);

 private:
  struct State {
    bool synced = false;
    bool absent = false;
    TimePoint heard{};
    std::string failure;
    std::string why_absent;
  };
  [[nodiscard]] const State& at(Kind kind) const {
    return states_.at(static_cast<std::size_t>(kind));
  }
  [[nodiscard]] State& at(Kind kind) { return states_.at(static_cast<std::size_t>(kind)); }

  std::array<State, kKinds> states_;
};

}  // namespace outflow::inventory
