#include "aggregator/feeds/feed.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "common/log.h"

namespace outflow::feeds {
namespace {

constexpr std::array<std::string_view, 4> kHealthNames{"waiting", "good", "failed", "quarantined"};

bool is_same(const RangeSet& a, const RangeSet& b) {
  return a.classes() == b.classes() && a.ranges() == b.ranges();
}

}  // namespace

std::string_view to_text(Health health) {
  return kHealthNames[static_cast<std::size_t>(health)];
}

std::string why_quarantined(std::size_t before, std::size_t now) {
  if (before == 0) return "";
  const double share = static_cast<double>(now) / static_cast<double>(before);
  if (share < 1 - kShrinkMax) {
    return fmt::format("it shrank from {} to {} prefixes at once, by more than {:.0f} %", before,
                       now, kShrinkMax * 100);
  }
  if (share > kGrowthMax) {
    return fmt::format("it grew from {} to {} prefixes at once, to more than {:.0f} times", before,
                       now, kGrowthMax);
  }
  return "";
}

Feed::Feed(const FeedSpec& spec, const std::string& folder, nanoseconds window)
    : spec_(spec), folder_(folder + "/" + spec.name, spec.name), window_(window) {
  VersionFolder::Read read = folder_.read();
  versions_ = std::move(read.versions);
  damaged_ = std::move(read.damaged);
}

void Feed::follow(const FeedSpec& spec) {
  if (spec == spec_) return;
  spec_ = spec;
  last_digest_.clear();
}

Result<Loaded> Feed::read(std::span<const SourceText> texts, const std::string& digest) const {
  if (!spec_.sha256.empty() && digest != spec_.sha256) {
    return fail(fmt::format("{}: its SHA-256 is {}, and the manifest pins {}", spec_.sources_text(),
                            digest, spec_.sha256));
  }
  return load(spec_.format, texts, spec_.told);
}

bool Feed::take(std::span<const SourceText> texts, TimePoint as_of, TimePoint now) {
  std::string all;
  for (const SourceText& one : texts) all += one.text;
  std::string digest = sha256_of(all);
  if (digest == last_digest_) {
    // What could not be read meanwhile can be now.
    if (health_ == Health::Good) as_of_ = as_of;
    return false;
  }
  last_digest_ = digest;
  auto loaded = read(texts, digest);
  if (!loaded) {
    ++failures_;
    judge(Health::Failed, loaded.error().what);
    return false;
  }
  refused_ = loaded->refused;
  const std::size_t before = versions_.empty() ? 0 : versions_.back().ranges->size();
  const std::string why = why_quarantined(before, loaded->ranges.size());
  if (!why.empty() && digest != spec_.accept && digest != spec_.sha256) {
    ++failures_;
    judge(Health::Quarantined, why + "; `accept: " + digest + "` in the manifest takes it");
    return false;
  }
  as_of_ = as_of;
  judge(Health::Good, "");
  return accept(*std::move(loaded), digest, now);
}

bool Feed::accept(Loaded loaded, const std::string& digest, TimePoint now) {
  auto ranges = std::make_shared<const RangeSet>(spec_.name, std::move(loaded.classes),
                                                 std::move(loaded.ranges));
  if (!versions_.empty()) {
    if (is_same(*versions_.back().ranges, *ranges)) return false;
    // Each has a time of its own, also when the clock was set back.
    now = std::max(now, versions_.back().accepted + nanoseconds(1));
  }
  versions_.push_back({std::move(ranges), now, spec_.sources_text(), digest});
  log::info("feed accepted", {{"feed", spec_.name},
                              {"prefixes", std::to_string(versions_.back().ranges->size())},
                              {"digest", digest}});
  if (auto written = folder_.write(versions_.back()); !written) {
    log::error("cannot keep a version of a feed: after a restart it is not known from when it was",
               {{"feed", spec_.name}, {"error", written.error().what}});
  }
  forget_old(now);
  return true;
}

void Feed::forget_old(TimePoint now) {
  for (;;) {
    std::vector<TimePoint> accepted;
    for (const FeedVersion& one : versions_) accepted.push_back(one.accepted);
    const std::size_t forget = version_to_forget(accepted, now - window_, now);
    if (forget == versions_.size()) return;
    if (auto removed = folder_.remove(accepted[forget]); !removed) {
      log::warn("an old version of a feed stays", {{"error", removed.error().what}});
    }
    versions_.erase(versions_.begin() + static_cast<std::ptrdiff_t>(forget));
  }
}

void Feed::confirm(TimePoint now) {
  if (health_ == Health::Good) as_of_ = now;
}

void Feed::fail_reading(const std::string& why) {
  if (health_ != Health::Failed || why != why_) ++failures_;
  last_digest_.clear();  // when it comes back it is judged, be it the same
  judge(Health::Failed, why);
}

void Feed::judge(Health health, std::string why) {
  if (health == health_ && why == why_) return;
  const bool was_bad = health_ == Health::Failed || health_ == Health::Quarantined;
  health_ = health;
  why_ = std::move(why);
  if (health == Health::Good) {
    if (was_bad) log::info("feed is good again", {{"feed", spec_.name}});
    return;
  }
  log::warn("feed was not taken: its last good version stays in use",
            {{"feed", spec_.name}, {"state", std::string(to_text(health))}, {"why", why_}});
}

FeedState Feed::state() const {
  FeedState state;
  state.name = spec_.name;
  state.format = to_text(spec_.format);
  state.source = spec_.sources_text();
  state.health = health_;
  state.why = why_;
  state.versions = versions_.size();
  if (!versions_.empty()) {
    state.prefixes = versions_.back().ranges->size();
    state.digest = versions_.back().digest;
    state.accepted = versions_.back().accepted;
  }
  state.as_of = as_of_;
  state.every = spec_.is_url ? spec_.every : nanoseconds(0);
  state.failures = failures_;
  state.refused = refused_;
  return state;
}

}  // namespace outflow::feeds
