#include "aggregator/feeds/fetcher.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace outflow::feeds {
namespace {

constexpr auto kLookEvery = std::chrono::seconds(1);

}  // namespace

nanoseconds next_wait(nanoseconds every, unsigned failures) {
  if (failures == 0) return every;
  constexpr unsigned kDoublingsMax = 12;  // 1m << 12 is nearly three days
  return std::min(every, nanoseconds(kRetryFirst * (1LL << std::min(failures - 1, kDoublingsMax))));
}

void Fetcher::follow(const std::vector<FeedSpec>& feeds) {
  const std::lock_guard lock(mutex_);
  std::map<std::string, Job> jobs;
  for (const FeedSpec& spec : feeds) {
    if (!spec.is_url) continue;
    const auto known = jobs_.find(spec.name);
    const bool same = known != jobs_.end() && known->second.spec == spec;
    jobs.emplace(spec.name, same ? std::move(known->second) : Job{spec, {}, "", 0});
  }
  jobs_ = std::move(jobs);
  changed_.notify_all();
}

std::vector<Fetcher::Answer> Fetcher::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(answers_, {});
}

Fetcher::Answer Fetcher::fetch_one(const Job& job, std::string& etag,
                                   const std::stop_token& stop) const {
  Answer answer;
  answer.feed = job.spec.name;
  // Of several texts one is no news without the others: they are always fetched whole.
  const bool alone = job.spec.sources.size() == 1;
  for (const std::string& url : job.spec.sources) {
    auto fetched = fetch_(url, alone ? job.etag : "", stop);
    if (!fetched) {
      answer.error = fetched.error().what;
      answer.texts.clear();
      return answer;
    }
    answer.unchanged = fetched->unchanged;
    if (alone) etag = fetched->etag;
    answer.texts.push_back({url, std::move(fetched->body)});
  }
  if (answer.unchanged) answer.texts.clear();
  return answer;
}

void Fetcher::finish(const Job& job, Answer answer, std::string etag, SteadyTime now) {
  const std::lock_guard lock(mutex_);
  const auto known = jobs_.find(job.spec.name);
  // What was asked for meanwhile is another list.
  if (known == jobs_.end() || known->second.spec != job.spec) return;
  Job& kept = known->second;
  kept.failures = answer.error.empty() ? 0 : kept.failures + 1;
  kept.etag = std::move(etag);
  kept.due = now + next_wait(kept.spec.every, kept.failures);
  answers_.push_back(std::move(answer));
}

bool Fetcher::step(SteadyTime now, const std::stop_token& stop) {
  std::optional<Job> due;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, job] : jobs_) {
      if (job.due <= now && (!due || job.due < due->due)) due = job;
    }
  }
  if (!due) return false;
  std::string etag;
  Answer answer = fetch_one(*due, etag, stop);
  if (!stop.stop_requested()) finish(*due, std::move(answer), std::move(etag), now);
  return true;
}

void Fetcher::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    if (step(std::chrono::steady_clock::now(), stop)) continue;
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, stop, kLookEvery, [] { return false; });
  }
}

}  // namespace outflow::feeds
