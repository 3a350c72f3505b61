#include "agent/dns_reader.h"

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <mutex>

namespace outflow::agent {
namespace {

using namespace std::chrono_literals;

// The ring holds 3,590 answers of up to 512 bytes or 503 longer ones: 179,000 or 25,000 a second
// are taken. While it fills faster, the thread comes sooner.
constexpr nanoseconds kTakeEvery = 20ms;
constexpr nanoseconds kTakeSoon = 2ms;
constexpr std::size_t kSoonBytes = 256 * 1024;  // an eighth of the ring

std::uint32_t second_of(nanoseconds tick) {
  return static_cast<std::uint32_t>(std::max<std::int64_t>(1, nanoseconds(1s) / tick));
}

}  // namespace

DnsReader::Taken::Taken(const Setup& setup) : reads(setup.reads), names(second_of(setup.tick)) {}

void DnsReader::Taken::take(const void* record, std::size_t size) {
  bytes += size;
  if (reads) {
    names.take(record, size);
  } else {
    ++unparsed;
  }
}

Result<std::unique_ptr<DnsReader>> DnsReader::open(int ring, const Setup& setup) {
  std::unique_ptr<DnsReader> reader(new DnsReader(setup));
  DnsReader& one = *reader;
  {
    const MutexLock lock(one.mutex_);
    // The ring is taken under the lock only.
    auto opened = RingReader::open(ring, std::bind_front(&Taken::take, &one.taken_));
    if (!opened) return fail(std::move(opened).error());
    one.ring_ = std::move(*opened);
  }
  one.thread_ = std::jthread([&one](const std::stop_token& stop) { one.run(stop); });
  return reader;
}

std::size_t DnsReader::take_records() {
  const MutexLock lock(mutex_);
  taken_.bytes = 0;
  ring_.take();
  return taken_.bytes;
}

void DnsReader::take() {
  static_cast<void>(take_records());
}

void DnsReader::run(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any stopped;
  std::unique_lock lock(mutex);
  while (!stop.stop_requested()) {
    const bool soon = take_records() >= kSoonBytes;
    stopped.wait_for(lock, stop, soon ? kTakeSoon : kTakeEvery, [] { return false; });
  }
}

std::vector<NameAnswer> DnsReader::hand_on(const JiffyClock& clock, const Interval& interval) {
  const MutexLock lock(mutex_);
  taken_.names.age(clock.jiffies);
  without_room_ += handed_on_.take(taken_.names.table());
  return handed_on_.rows(clock, interval);
}

void DnsReader::kept() {
  const MutexLock lock(mutex_);
  handed_on_.clear();
}

NameCounts DnsReader::counts() const {
  const MutexLock lock(mutex_);
  NameCounts all = taken_.names.counts();
  all.at(static_cast<std::size_t>(NameCount::NamesFull)) += without_room_;
  all.at(static_cast<std::size_t>(NameCount::Unparsed)) += taken_.unparsed;
  return all;
}

}  // namespace outflow::agent
