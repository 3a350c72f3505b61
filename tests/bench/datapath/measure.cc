#include "tests/bench/datapath/measure.h"

#include <time.h>

#include <algorithm>
#include <thread>

namespace outflow::bench {
namespace {

double read_ns(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

}  // namespace

double wall_ns() {
  return read_ns(CLOCK_MONOTONIC);
}

double thread_cpu_ns() {
  return read_ns(CLOCK_THREAD_CPUTIME_ID);
}

double median(std::vector<double> values) {
  require(!values.empty(), "a median of nothing");
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

std::vector<std::vector<double>> interleave(const std::vector<Target>& targets, int rounds) {
  std::vector<std::vector<double>> measured;
  for (int round = 0; round <= rounds; ++round) {
    std::vector<double> values;
    for (const Target& target : targets) values.push_back(target());
    if (round > 0) measured.push_back(std::move(values));
  }
  return measured;
}

double median_of(const std::vector<std::vector<double>>& rounds, std::size_t target) {
  std::vector<double> values;
  for (const auto& round : rounds) values.push_back(round.at(target));
  return median(std::move(values));
}

double median_above(const std::vector<std::vector<double>>& rounds, std::size_t target,
                    std::size_t base) {
  std::vector<double> values;
  for (const auto& round : rounds) values.push_back(round.at(target) - round.at(base));
  return median(std::move(values));
}

Pinned::Pinned(unsigned cpu) {
  sched_getaffinity(0, sizeof before_, &before_);
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(cpu % std::max(1U, std::thread::hardware_concurrency()), &one);
  sched_setaffinity(0, sizeof one, &one);
}

Pinned::~Pinned() {
  sched_setaffinity(0, sizeof before_, &before_);
}

}  // namespace outflow::bench
