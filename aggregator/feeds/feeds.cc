#include "aggregator/feeds/feeds.h"

#include <utility>

#include "common/log.h"

namespace outflow::feeds {
namespace {

constexpr auto kStepEvery = std::chrono::seconds(2);

// Own classes have no versions: what the operator says now is so for all times.
FeedHistory history_of(const OwnClass& own, const std::string& source, const std::string& digest) {
  std::vector<Range> ranges;
  for (const net::Prefix& net : own.nets) ranges.push_back({net, 0});
  FeedHistory history;
  history.own = true;
  history.versions.push_back(
      {std::make_shared<const RangeSet>(own.name, std::vector<RangeClass>{{}}, std::move(ranges)),
       TimePoint(), source, digest});
  return history;
}

}  // namespace

Feeds::Feeds(Options options, const Clock& clock, Fetch fetch)
    : options_(std::move(options)), clock_(clock), fetcher_(std::move(fetch)) {}

Feeds::~Feeds() {
  step_thread_.request_stop();
  fetch_thread_.request_stop();
}

void Feeds::start() {
  step();
  fetch_thread_ = std::jthread([this](const std::stop_token& stop) { fetcher_.run(stop); });
  step_thread_ = std::jthread([this](const std::stop_token& stop) {
    std::unique_lock lock(wait_mutex_);
    for (;;) {
      wait_signal_.wait_for(lock, stop, kStepEvery, [] { return false; });
      if (stop.stop_requested()) return;
      step();
    }
  });
}

void Feeds::step() {
  bool changed = read_manifest_file();
  for (auto& [name, watched] : feeds_) changed = read_files(watched) || changed;
  changed = take_fetched() || changed;
  publish(changed);
}

void Feeds::manifest_failed(const std::string& why) {
  if (why == manifest_error_) return;
  manifest_error_ = why;
  log::error("the manifest of feeds was not taken: what was good stays in use", {{"why", why}});
}

bool Feeds::read_manifest_file() {
  const std::vector<std::string> paths{options_.manifest};
  if (!manifest_files_.may_have_changed(paths, clock_.now())) return false;
  auto read = Files::read(paths);
  if (!read) {
    manifest_text_.clear();
    manifest_failed(read.error().what);
    return false;
  }
  std::string& text = read->texts.front().text;
  // An empty one is a manifest, too: of no feeds.
  if (text == manifest_text_ && !text.empty()) return false;
  manifest_text_ = std::move(text);
  auto manifest = read_manifest(manifest_text_, options_.manifest);
  if (!manifest) {
    manifest_failed(manifest.error().what);
    return false;
  }
  if (!manifest_error_.empty()) log::info("the manifest of feeds is good again");
  manifest_error_.clear();
  return follow(*manifest);
}

bool Feeds::follow(const Manifest& manifest) {
  std::map<std::string, Watched> feeds;
  for (const FeedSpec& spec : manifest.feeds) {
    const auto known = feeds_.find(spec.name);
    if (known == feeds_.end()) {
      Feed feed(spec, options_.folder, options_.window);
      for (const std::string& why : feed.damaged()) {
        log::error("a version of a feed is damaged, and left out", {{"why", why}});
      }
      feeds.emplace(spec.name, Watched{std::move(feed), {}});
      continue;
    }
    Watched watched = std::move(known->second);
    if (watched.feed.spec() != spec) watched.files = Files();
    watched.feed.follow(spec);
    feeds.emplace(spec.name, std::move(watched));
  }
  feeds_ = std::move(feeds);
  manifest_ = manifest;
  fetcher_.follow(manifest.feeds);
  log::info("the manifest of feeds was read",
            {{"feeds", std::to_string(manifest.feeds.size())},
             {"classes", std::to_string(manifest.classes.size())}});
  return true;
}

bool Feeds::read_files(Watched& watched) {
  const FeedSpec& spec = watched.feed.spec();
  if (spec.is_url || !watched.files.may_have_changed(spec.sources, clock_.now())) return false;
  const auto read = Files::read(spec.sources);
  if (!read) {
    watched.feed.fail_reading(read.error().what);
    return false;
  }
  return watched.feed.take(read->texts, read->changed, clock_.now());
}

bool Feeds::take_fetched() {
  bool changed = false;
  for (const Fetcher::Answer& answer : fetcher_.take()) {
    const auto found = feeds_.find(answer.feed);
    if (found == feeds_.end()) continue;
    Feed& feed = found->second.feed;
    const TimePoint now = clock_.now();
    if (!answer.error.empty()) {
      feed.fail_reading(answer.error);
    } else if (answer.unchanged) {
      feed.confirm(now);
    } else {
      changed = feed.take(answer.texts, now, now) || changed;
    }
  }
  return changed;
}

void Feeds::publish(bool changed) {
  FeedsState state;
  state.manifest = options_.manifest;
  state.error = manifest_error_;
  state.own_classes = manifest_.classes.size();
  for (const FeedSpec& spec : manifest_.feeds) {
    const Feed& feed = feeds_.at(spec.name).feed;
    state.feeds.push_back(feed.state());
    state.damaged.insert(state.damaged.end(), feed.damaged().begin(), feed.damaged().end());
  }
  std::shared_ptr<const RangeTable> table;
  if (changed) {
    std::vector<FeedHistory> histories;
    const std::string digest = sha256_of(manifest_text_);
    for (const OwnClass& own : manifest_.classes) {
      histories.push_back(history_of(own, options_.manifest, digest));
    }
    for (const FeedSpec& spec : manifest_.feeds) {
      histories.push_back(feeds_.at(spec.name).feed.history());
    }
    table = std::make_shared<const RangeTable>(std::move(histories));
  }
  const MutexLock lock(mutex_);
  state_ = std::move(state);
  if (table != nullptr) table_.swap(table);
}

std::shared_ptr<const RangeTable> Feeds::table() const {
  const MutexLock lock(mutex_);
  return table_;
}

FeedsState Feeds::state() const {
  const MutexLock lock(mutex_);
  return state_;
}

}  // namespace outflow::feeds
