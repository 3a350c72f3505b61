// One feed: its accepted versions, and the judgement of what is read. One thread.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "aggregator/feeds/load.h"
#include "aggregator/feeds/manifest.h"
#include "aggregator/feeds/state.h"
#include "aggregator/feeds/table.h"
#include "aggregator/feeds/versions.h"

namespace outflow::feeds {

// One step may lose this share of a feed's prefixes, or grow to this multiple: beyond it is more
// likely a broken or forged list than news, and waits for somebody to look.
inline constexpr double kShrinkMax = 0.3;
inline constexpr double kGrowthMax = 3;

// Why a version of `now` prefixes may not follow one of `before` by itself; "" when it may.
[[nodiscard]] std::string why_quarantined(std::size_t before, std::size_t now);

class Feed {
 public:
  // Reads the versions of the folder.
  Feed(const FeedSpec& spec, const std::string& folder, nanoseconds window);

  [[nodiscard]] const FeedSpec& spec() const { return spec_; }
  // What the manifest says of it now; what is read next is judged by that.
  void follow(const FeedSpec& spec);

  // What was read from its sources at `now`; `as_of` is its own time. The same bytes again change
  // nothing. True when the table is another one afterwards.
  bool take(std::span<const SourceText> texts, TimePoint as_of, TimePoint now);
  // A source says that what it gave last is still what it has.
  void confirm(TimePoint now);
  // The sources could not be read.
  void fail_reading(const std::string& why);

  [[nodiscard]] FeedHistory history() const { return {versions_, false}; }
  [[nodiscard]] FeedState state() const;
  [[nodiscard]] const std::vector<std::string>& damaged() const { return damaged_; }

 private:
  [[nodiscard]] Result<Loaded> read(std::span<const SourceText> texts,
                                    const std::string& digest) const;
  bool accept(Loaded loaded, const std::string& digest, TimePoint now);
  void judge(Health health, std::string why);
  void forget_old(TimePoint now);

  FeedSpec spec_;
  VersionFolder folder_;
  nanoseconds window_;
  std::vector<FeedVersion> versions_;
  std::vector<std::string> damaged_;
  std::string last_digest_;  // of what was judged last; "" to judge it anew
  TimePoint as_of_{};
  Health health_ = Health::Waiting;
  std::string why_;
  std::uint64_t failures_ = 0;
  Refusals refused_;
};

}  // namespace outflow::feeds
