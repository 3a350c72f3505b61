#include "agent/reporter.h"

#include <time.h>

#include <algorithm>
#include <utility>

#include "agent/evict.h"
#include "common/log.h"
#include "common/text.h"
#include "proto/wire.h"

namespace outflow::agent {
namespace {

std::int64_t clock_ns(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

nanoseconds tick_length() {
  timespec resolution{};
  clock_getres(CLOCK_MONOTONIC_COARSE, &resolution);
  return nanoseconds(resolution.tv_nsec);
}

// How long the rest of a split hello is waited for: longer than TCP retransmits in good hope.
constexpr nanoseconds kSaidPatience = std::chrono::seconds(10);

}  // namespace

Result<Reporter> Reporter::open(Setup setup, const Tables& tables, const Probe& probe,
                                Registry& registry, const Clock& clock) {
  Reporter reporter(std::move(setup), tables, probe, registry, clock);
  Overflowed& overflowed = *reporter.overflowed_;
  auto overflow =
      RingReader::open(tables.overflow(), [&overflowed](const void* record, std::size_t size) {
        if (size >= sizeof(overflow_event)) {
          merge_event(overflowed, *static_cast<const overflow_event*>(record));
        }
      });
  if (!overflow) return fail(std::move(overflow).error());
  reporter.overflow_ = std::move(*overflow);
  auto dns =
      DnsReader::open(tables.dns(), {.tick = tick_length(), .reads = reporter.setup_.reads_names});
  if (!dns) return fail(std::move(dns).error());
  reporter.dns_ = std::move(*dns);
  if (auto said = reporter.open_said(); !said) return fail(std::move(said).error());
  auto jiffies = reporter.jiffy_clock();
  if (!jiffies) return fail(std::move(jiffies).error());
  overflowed.clock = *jiffies;

  auto state = load_state(reporter.setup_.state_path);
  if (!state) return fail(std::move(state).error());
  if (*state && (*state)->boot == tables.boot()) {
    reporter.state_ = std::move(**state);
    log::info("going on where the last agent ended",
              {{"sequence", std::to_string(reporter.state_.next_sequence)},
               {"interval_end", to_text(reporter.state_.interval_end)}});
  } else {
    reporter.state_.boot = tables.boot();
    reporter.state_.interval_end = clock.now();
    if (*state) {
      reporter.state_.batches = std::move((*state)->batches);
      reporter.state_.losses = std::move((*state)->losses);
    }
    log::info("a new boot begins", {{"boot", to_hex(tables.boot())}});
  }
  for (const auto& [reason, count] : registry.take_losses()) {
    reporter.state_.losses[reason] += count;
  }
  // From here on tables without a state that names their boot are nobody's.
  if (auto saved = save_state(reporter.setup_.state_path, reporter.state_); !saved) {
    return fail(std::move(saved).error().within("--state-dir"));
  }
  return reporter;
}

Result<void> Reporter::open_said() {
  auto hellos = HelloReader::open();
  if (!hellos) return fail(std::move(hellos).error());
  SaidNames::Bounds bounds;
  bounds.streams.patience_jiffies =
      static_cast<std::uint32_t>(kSaidPatience / std::max(tick_length(), nanoseconds(1)));
  said_ = std::make_unique<SaidNames>(std::move(*hellos), bounds);
  auto ring = RingReader::open(
      tables_->said(),
      [said = said_.get()](const void* record, std::size_t size) { said->take(record, size); });
  if (!ring) return fail(std::move(ring).error());
  said_ring_ = std::move(*ring);
  return {};
}

Result<JiffyClock> Reporter::jiffy_clock() const {
  const auto reading = probe_->read_clock();
  if (!reading) return fail(Error(reading.error()));
  // How long ago the reading was, on the clock it was taken with.
  const std::int64_t ago =
      clock_ns(CLOCK_MONOTONIC) - static_cast<std::int64_t>(reading->monotonic_ns);
  return JiffyClock{static_cast<std::uint32_t>(reading->jiffies), clock_->now() - nanoseconds(ago),
                    tick_length()};
}

void Reporter::merge_event(Overflowed& overflowed, const overflow_event& event) {
  overflowed.packets += event.packets;
  const FlowKey key = to_key(event.key);
  const auto found = overflowed.flows.find(key);
  if (found == overflowed.flows.end() && overflowed.flows.size() >= kOverflowTuplesMax) {
    overflowed.window_full += event.packets;
    return;
  }
  Flow& flow = found != overflowed.flows.end() ? found->second : overflowed.flows[key];
  if (flow.key != key) {
    flow.key = key;
    net::Address::Bytes source;
    std::copy(std::begin(event.source), std::end(event.source), source.begin());
    flow.source = net::Address(source);
  }
  const TimePoint seen = overflowed.clock.time_of(event.jiffies);
  flow.stats.merge({.packets = event.packets,
                    .bytes = event.bytes,
                    .attempts = event.attempt,
                    .established = 0,
                    .refused = 0,
                    .flags = to_flow_flags(event.flags) | kFlowOverflow,
                    .first_seen = seen,
                    .last_seen = seen});
}

std::vector<Counter> Reporter::losses(const Cumulative& now) {
  for (const auto& [reason, count] : registry_->take_losses()) state_.losses[reason] += count;
  // Records an agent took out of the ring and did not live to hand on.
  const std::uint64_t read = state_.overflow_read + overflowed_->packets;
  const std::uint64_t sent = now.counts[COUNT_OVERFLOWED];
  if (sent > read) {
    state_.losses["overflow_unread"] += sent - read;
    overflowed_->packets += sent - read;
  }
  std::map<std::string, std::uint64_t> sums = state_.losses;
  for (const Counter& counter : losses_between(state_.handed_on, now)) {
    sums[counter.reason] += counter.count;
  }
  sums["window_full"] += overflowed_->window_full;
  std::vector<Counter> found;
  for (const auto& [reason, count] : sums) {
    if (count > 0) found.push_back({reason, count});
  }
  return found;
}

std::vector<Counter> Reporter::skipped(const Cumulative& now, const NameCounts& names,
                                       const SaidCounts& said) const {
  std::vector<Counter> all = skipped_between(state_.handed_on, now);
  const std::vector<Counter> of_names = skipped_between(told_names_, names);
  all.insert(all.end(), of_names.begin(), of_names.end());
  const std::vector<Counter> of_said = skipped_between(told_said_, said);
  all.insert(all.end(), of_said.begin(), of_said.end());
  if (evicted_ > told_evicted_) all.push_back({"tuples_evicted", evicted_ - told_evicted_});
  return all;
}

std::vector<Flow> Reporter::flows(const Cumulative& now, const JiffyClock& jiffies,
                                  const Interval& interval) const {
  std::vector<Flow> all = flows_between(state_.handed_on, now, jiffies, interval);
  const auto add = [&](const Flow& flow) {
    FlowStats& stats = all.emplace_back(flow).stats;
    stats.first_seen = std::clamp(stats.first_seen, interval.start, interval.end);
    stats.last_seen = std::clamp(stats.last_seen, interval.start, interval.end);
  };
  for (const auto& [key, flow] : overflowed_->flows) add(flow);
  for (const Flow& flow : late_) add(flow);
  return all;
}

State Reporter::state_after(Cumulative reading, Rows rows, Sight sight) {
  State after;
  after.boot = state_.boot;
  after.next_sequence = state_.next_sequence;
  Report head;
  head.node = setup_.node;
  head.boot = state_.boot;
  head.interval = sight.interval;
  head.losses = std::move(sight.losses);
  head.skipped = std::move(sight.skipped);
  head.reads_names = dns_->reads();
  for (Report& report : split_report(std::move(head), std::move(rows), sight.interfaces)) {
    report.sequence = after.next_sequence++;
    after.batches.push_back(wire::to_batch(report).SerializeAsString());
  }
  after.interval_end = sight.interval.end;
  after.handed_on = std::move(reading);
  after.overflow_read = state_.overflow_read + overflowed_->packets;
  return after;
}

Result<std::vector<std::string>> Reporter::report(bool all_acknowledged) {
  const std::vector<std::uint32_t> gone = registry_->gone();
  auto jiffies = jiffy_clock();
  if (!jiffies) return fail(std::move(jiffies).error());
  overflowed_->clock = *jiffies;
  const auto counts = read_counts(*tables_);
  if (!counts) return fail(Error(counts.error()));
  take_rings();  // after the counters, so that every record they count is here
  auto reading = read_tables(*tables_);
  if (!reading) return fail(std::move(reading).error());
  reading->counts = *counts;
  dns_->take();  // after the tables: what was answered before a tuple began is here

  const auto [interval, stepped] = next_interval(state_.interval_end, clock_->now());
  if (stepped) log::warn("the wall clock stepped", {{"interval_end", to_text(interval.end)}});
  const NameCounts names = dns_->counts();
  said_->age(jiffies->jiffies);
  const SaidCounts said = said_->counts();
  Sight sight{interval, losses(*reading), skipped(*reading, names, said), registry_->known()};
  Rows rows{.answers = dns_->hand_on(*jiffies, interval),
            .said = said_->rows(*jiffies, interval),
            .flows = flows(*reading, *jiffies, interval)};
  State after = state_after(std::move(*reading), std::move(rows), std::move(sight));
  if (!all_acknowledged) {
    after.batches.insert(after.batches.begin(), state_.batches.begin(), state_.batches.end());
  }
  if (auto saved = save_state(setup_.state_path, after); !saved) {
    return fail(std::move(saved).error().within("keep the state"));
  }
  state_ = std::move(after);
  late_.clear();
  told_evicted_ = evicted_;
  told_names_ = names;
  told_said_ = said;
  said_->kept();
  dns_->kept();
  overflowed_->flows.clear();
  overflowed_->packets = 0;
  overflowed_->window_full = 0;
  // What departed interfaces counted is handed on for good; their numbers never come again.
  delete_rows(*tables_, state_.handed_on, gone);
  registry_->settled(gone);
  make_room(*jiffies, interval);
  return state_.batches;
}

// All that is in the table is handed on by now, so idle tuples may go; what comes to one between
// its reading and its end is part of the next report.
void Reporter::make_room(const JiffyClock& jiffies, const Interval& interval) {
  const std::vector<TupleRow>& rows = state_.handed_on.tuples;
  const Room room{tables_->flows_max(), setup_.idle_min};
  if (!wants_room(rows.size(), room.rows_max)) return;
  const std::set<FlowKey> standing = setup_.standing();
  std::vector<TupleRow> idle =
      idle_rows(rows, room, jiffies, [&](const FlowKey& key) { return standing.contains(key); });
  std::vector<TupleRow> ends = take_rows(*tables_, idle);
  evicted_ += ends.size();
  Cumulative read;
  read.tuples = std::move(idle);
  sort_rows(read);
  Cumulative last;
  last.tuples = std::move(ends);
  last.sources = state_.handed_on.sources;
  sort_rows(last);
  late_ = flows_between(read, last, jiffies, interval);
}

}  // namespace outflow::agent
