// Fetches what feeds have URLs, each when it is due, on a thread of its own: a slow server delays
// other servers' lists, and nothing else.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

#include "aggregator/feeds/fetch.h"
#include "aggregator/feeds/manifest.h"
#include "common/clock.h"
#include "common/result.h"

namespace outflow::feeds {

using Fetch = std::function<Result<Fetched>(const std::string& url, const std::string& etag,
                                            const std::stop_token& stop)>;

// After a failure a server is asked again after this, doubled each time, `every` at most.
inline constexpr nanoseconds kRetryFirst = std::chrono::minutes(1);

class Fetcher {
 public:
  explicit Fetcher(Fetch fetch) : fetch_(std::move(fetch)) {}

  // The feeds with URLs from now on. A new one, or one whose spec changed, is due at once, and is
  // fetched whole.
  void follow(const std::vector<FeedSpec>& feeds);

  struct Answer {
    std::string feed;
    bool unchanged = false;
    std::vector<SourceText> texts;  // of all its URLs
    std::string error;              // "" when there are texts, or they are unchanged
  };
  // What came since the last call.
  [[nodiscard]] std::vector<Answer> take();

  // Fetches what is due, one feed after the other. True when one was.
  bool step(SteadyTime now, const std::stop_token& stop);
  // Steps until it is asked to stop.
  void run(const std::stop_token& stop);

 private:
  struct Job {
    FeedSpec spec;
    SteadyTime due{};
    std::string etag;  // of a feed with one URL
    unsigned failures = 0;
  };
  [[nodiscard]] Answer fetch_one(const Job& job, std::string& etag,
                                 const std::stop_token& stop) const;
  void finish(const Job& job, Answer answer, std::string etag, SteadyTime now);

  const Fetch fetch_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::map<std::string, Job> jobs_;
  std::vector<Answer> answers_;
};

// When a feed is asked again after so many failures in a row (0: it went well).
[[nodiscard]] nanoseconds next_wait(nanoseconds every, unsigned failures);

}  // namespace outflow::feeds
