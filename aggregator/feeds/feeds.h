// All feeds of a manifest, kept current: files and the manifest itself are looked at every few
// seconds, URLs are fetched when they are due, what is accepted is kept on disk by version. Answers
// use an immutable table, which is exchanged as a whole.
//
// What goes wrong (a manifest, a list, a server) leaves what was good in use, and stands in
// state(); it is logged when it changes, once.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "aggregator/feeds/feed.h"
#include "aggregator/feeds/fetcher.h"
#include "aggregator/feeds/files.h"
#include "aggregator/feeds/manifest.h"
#include "aggregator/feeds/state.h"
#include "aggregator/feeds/table.h"
#include "common/clock.h"
#include "common/mutex.h"

namespace outflow::feeds {

class Feeds {
 public:
  struct Options {
    std::string manifest;  // its file
    std::string folder;    // of the versions; made when there is something to keep
    nanoseconds window = std::chrono::days(400);  // how far back questions are asked
  };
  // `clock` outlives it. Nothing is read before the first step().
  Feeds(Options options, const Clock& clock, Fetch fetch = feeds::fetch);
  // Ends the threads of start(): within a second or two, also in the middle of a fetch.
  ~Feeds();
  Feeds(const Feeds&) = delete;
  Feeds& operator=(const Feeds&) = delete;

  // Reads what changed since the last step. One thread.
  void step();
  // Steps once, then on a thread of its own, and fetches on another.
  void start();

  // Thread-safe; never null.
  [[nodiscard]] std::shared_ptr<const RangeTable> table() const;
  [[nodiscard]] FeedsState state() const;
  [[nodiscard]] Fetcher& fetcher() { return fetcher_; }

 private:
  struct Watched {
    Feed feed;
    Files files;
  };
  bool read_manifest_file();
  bool follow(const Manifest& manifest);
  bool read_files(Watched& watched);
  bool take_fetched();
  void publish(bool changed);
  void manifest_failed(const std::string& why);

  const Options options_;
  const Clock& clock_;
  Fetcher fetcher_;
  Files manifest_files_;
  std::string manifest_text_;
  std::string manifest_error_;
  Manifest manifest_;
  std::map<std::string, Watched> feeds_;  // by name
  mutable Mutex mutex_;
  std::shared_ptr<const RangeTable> table_ GUARDED_BY(mutex_) =
      std::make_shared<const RangeTable>();
  FeedsState state_ GUARDED_BY(mutex_);
  std::mutex wait_mutex_;
  std::condition_variable_any wait_signal_;
  std::jthread fetch_thread_;  // these two last: they stop first
  std::jthread step_thread_;
};

}  // namespace outflow::feeds
