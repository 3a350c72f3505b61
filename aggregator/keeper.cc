#include "aggregator/keeper.h"

#include <algorithm>
#include <string>

#include "aggregator/additions.h"
#include "common/log.h"

namespace outflow {
namespace {

using namespace std::chrono_literals;

constexpr auto kExpireEvery = 1h;
// Owners may be known late; once the first inventory was tried, older strangers are left as they
// were seen.
constexpr auto kJudgeDays = std::chrono::days(2);
// An agent's clock may be ahead of ours.
constexpr auto kAheadDays = std::chrono::days(1);
// A batch that was being attributed while the inventory changed is caught by a second look.
constexpr auto kSecondLook = 10s;
// An inventory that changes all the time shall not keep us busy all the time.
constexpr int kIdleShare = 10;

}  // namespace

void Keeper::step(Moment now) {
  if (now >= expire_next_) {
    expire_next_ = now + kExpireEvery;
    expire();
  }
  const auto snapshot = inventory_.view().snapshot;
  if (snapshot->as_of() == TimePoint()) return;  // none was read yet
  const bool changed = snapshot != judged_with_;
  const bool due = changed ? now >= rested_ : !judged_twice_ && now >= second_look_;
  if (!due) return;
  const auto started = std::chrono::steady_clock::now();
  judge(*snapshot);
  const auto took = std::chrono::steady_clock::now() - started;
  judged_twice_ = !changed;
  judged_with_ = snapshot;
  rested_ = now + kIdleShare * took;
  second_look_ = std::max(rested_, now + kSecondLook);
}

void Keeper::judge(const inventory::Snapshot& snapshot) {
  const Day today = day_of(clock_.now());
  const Day recent = today - kJudgeDays;
  const Day first = judged_all_ ? recent : std::min(recent, store_.first_day().value_or(recent));
  const auto judged = store_.rejudge(first, today + kAheadDays, [&](store::History& history) {
    return judge_again(history, snapshot);
  });
  if (!judged) {
    log::error("cannot attribute strangers again", {{"error", judged.error().what}});
    return;
  }
  judged_all_ = true;
  judged_again_ += *judged;
  if (*judged > 0) {
    log::info("attributed strangers again", {{"records", std::to_string(*judged)}});
  }
}

void Keeper::expire() {
  const auto gone = store_.expire(clock_.now());
  if (!gone) {
    log::error("cannot delete what is older than the retention", {{"error", gone.error().what}});
    return;
  }
  expired_ += *gone;
  if (*gone > 0) {
    log::info("deleted what is older than the retention", {{"records", std::to_string(*gone)}});
  }
}

}  // namespace outflow
