// `outflow doctor`: the lists of published ranges. A bad one costs the class of some addresses, and
// no evidence: only a manifest that is wrong and a feed that was never good are failures.
#include <algorithm>

#include <fmt/format.h>

#include "aggregator/api/doctor_check.h"
#include "common/text.h"

namespace outflow::api {
namespace {

constexpr std::size_t kDigestShown = 12;

Finding manifest_finding(const feeds::FeedsState& feeds) {
  const std::string found = fmt::format("{}: {} feeds, {} own classes", feeds.manifest,
                                        feeds.feeds.size(), feeds.own_classes);
  if (!feeds.error.empty()) {
    return {kFail, found + "; what it says now was not taken: " + feeds.error,
            "repair what it names: the manifest is read again when it changes (--feeds)"};
  }
  if (!feeds.damaged.empty()) {
    return {kWarn,
            fmt::format("{}; {} damaged versions were left out, the first: {}", found,
                        feeds.damaged.size(), feeds.damaged.front()),
            "delete the file it names; flows of its time are classed by the versions around it"};
  }
  return {kOk, found, ""};
}

// "; 3 rows refused as special-purpose (line 3: '10.0.0.0/8')". What stands twice costs nothing.
std::string refused_text(const feeds::Refusals& refused) {
  std::string text;
  for (const auto& [refusal, rows] : refused) {
    if (refusal == feeds::Refusal::Duplicate) continue;
    text += fmt::format("; {} rows refused as {} ({})", rows.count, feeds::to_text(refusal),
                        rows.first);
  }
  return text;
}

Finding feed_finding(const feeds::FeedState& feed, TimePoint now) {
  const bool has_any = feed.accepted != TimePoint();
  std::string found = feed.name + ": ";
  found += has_any ? fmt::format("{} prefixes, version {} of {}, {} kept", feed.prefixes,
                                 feed.digest.substr(0, kDigestShown), to_text(feed.accepted),
                                 feed.versions)
                   : std::string("nothing yet");
  const char* const none = has_any ? kWarn : kFail;
  if (feed.health == feeds::Health::Waiting) {
    return {has_any ? kOk : kWarn, found + "; not read since the start", "its URL is fetched soon"};
  }
  if (feed.health == feeds::Health::Failed) {
    return {none, found + "; not taken: " + feed.why,
            "the last good version is in use; repair the source or its entry in the manifest"};
  }
  if (feed.health == feeds::Health::Quarantined) {
    return {kWarn, found + "; quarantined: " + feed.why,
            "look what changed; the last good version is in use until the manifest accepts this"};
  }
  const nanoseconds age = std::max(now - feed.as_of, nanoseconds(0));
  found += fmt::format(", {} old", span_text(age)) + refused_text(feed.refused);
  const bool is_url = feed.every > nanoseconds(0);
  const nanoseconds late = is_url ? feed.every * kFeedPeriodsLate : kFeedOld;
  if (age > late) return {kWarn, found, "let whoever fetches it run again: ranges change hands"};
  return {kOk, found, ""};
}

}  // namespace

void examine_feeds(const feeds::FeedsState& feeds, TimePoint now,
                   std::vector<v1::DoctorCheck>& checks) {
  Checks all(checks, "");
  all.add("feeds", "the manifest as it is now", manifest_finding(feeds));
  for (const feeds::FeedState& feed : feeds.feeds) {
    all.add("feeds",
            feed.every > nanoseconds(0) ? "good, at most 3 periods old" : "good, younger than 30d",
            feed_finding(feed, now));
  }
}

}  // namespace outflow::api
