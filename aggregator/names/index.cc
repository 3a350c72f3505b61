#include "aggregator/names/index.h"

#include "aggregator/names/state.h"

namespace outflow::names {

Index::Index(Bounds bounds) : state_(std::make_unique<State>(bounds)) {}
Index::~Index() = default;

std::vector<attribution::NameEvidence> Index::add(const Report& report,
                                                  std::span<const Heard> heard,
                                                  const std::vector<bool>& wanted) {
  const MutexLock lock(mutex_);
  return state_->add(report, heard, wanted);
}

void Index::restore(const Watch::Before& node) {
  const MutexLock lock(mutex_);
  state_->restore(node);
}
void Index::restore(const KeptAnswer& kept) {
  const MutexLock lock(mutex_);
  state_->restore(kept);
}
void Index::restore(const KeptFlow& kept) {
  const MutexLock lock(mutex_);
  state_->restore(kept);
}

void Index::sweep(TimePoint now) {
  const MutexLock lock(mutex_);
  state_->sweep(now);
}

Counts Index::counts() const {
  const MutexLock lock(mutex_);
  return state_->counts();
}

}  // namespace outflow::names
