// What it costs to class an address by published ranges: time of a lookup among 100,000 prefixes of
// four feeds, bytes a prefix of each kept version, and how long one version takes from bytes to
// table. Exit 1 when a goal is missed.
//
//   bench_feeds [--smoke]      --smoke: 2,000 prefixes and no goals
#include <malloc.h>

#include <array>
#include <chrono>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "aggregator/feeds/classify.h"
#include "aggregator/feeds/load.h"
#include "aggregator/feeds/table.h"

namespace {

using namespace outflow;
using namespace outflow::feeds;

constexpr int kPrefixes = 100'000;
constexpr int kSmokePrefixes = 2'000;
constexpr int kFeeds = 4;
constexpr int kLookups = 1'000'000;
constexpr int kSmokeLookups = 10'000;
// A question reads a million records of a namespace in a few seconds; classing shall not show.
constexpr double kLookupGoal = 1;  // us
// Ten versions of the largest feed there is (110,000 prefixes) shall fit 50 MB.
constexpr double kBytesGoal = 45;

const TimePoint kNow = from_unix_ns(1'779'000'000'000'000'000);

std::size_t heap_in_use() {
  const struct mallinfo2 info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}

// A published list in AWS's form: /24 and /20 of public addresses, 20 services in 30 regions, a
// tenth of the prefixes in two services.
std::string list_of(int feed, int prefixes) {
  std::string text = R"({"prefixes": [)";
  for (int i = 0; i < prefixes; ++i) {
    const int place = i - (i % 10 == 9 ? 1 : 0);
    const int length = place % 16 == 0 ? 20 : 24;
    const int third = length == 20 ? place % 256 / 16 * 16 : place % 256;
    text += fmt::format(
        R"({}{{"ip_prefix": "{}.{}.{}.0/{}", "region": "region-{}", "service": "SERVICE{}"}})",
        i == 0 ? "" : ",", 20 + feed * 20 + place / 65'536, place / 256 % 256, third, length,
        i % 30, i % 20);
  }
  return text + "]}";
}

bool row(std::string_view what, double value, double goal, std::string_view unit) {
  const bool good = goal == 0 || value <= goal;
  fmt::print("{:<58}{:>10.3f} {:<10}{}\n", what, value, unit,
             goal == 0 ? std::string() : fmt::format("goal {} {}", goal, good ? "met" : "MISSED"));
  return good;
}

using Steady = std::chrono::steady_clock;

double micros(Steady::duration time) {
  return std::chrono::duration<double, std::micro>(time).count();
}

// A fifth of the addresses are in a range.
std::vector<net::Address> dialled(int count) {
  std::mt19937 random(20260518);
  std::vector<net::Address> addresses;
  for (int i = 0; i < count; ++i) {
    const auto value = static_cast<unsigned>(random());
    const auto first =
        static_cast<std::uint8_t>(i % 2 == 0 ? 20 + value % 4 * 20 : 150 + value % 50);
    const std::array<std::uint8_t, 4> bytes{first, static_cast<std::uint8_t>(value >> 8U),
                                            static_cast<std::uint8_t>(value >> 16U),
                                            static_cast<std::uint8_t>(value >> 24U)};
    addresses.push_back(*net::Address::from_bytes(bytes));
  }
  return addresses;
}

}  // namespace

int main(int argc, char** argv) {
  const bool smoke = argc > 1 && std::string_view(argv[1]) == "--smoke";
  const int prefixes = (smoke ? kSmokePrefixes : kPrefixes) / kFeeds;
  std::vector<FeedHistory> feeds;
  Steady::duration loading{};
  double bytes = 0;
  std::size_t kept = 0;
  for (int feed = 0; feed < kFeeds; ++feed) {
    const std::array texts{SourceText{"bench", list_of(feed, prefixes)}};
    const auto begin = Steady::now();
    auto loaded = load(Format::Aws, texts, {});
    if (!loaded) {
      fmt::print(stderr, "{}\n", loaded.error().what);
      return 2;
    }
    const std::size_t before = heap_in_use();
    auto set = std::make_shared<const RangeSet>(fmt::format("Feed{}", feed), loaded->classes,
                                                loaded->ranges);
    bytes += static_cast<double>(heap_in_use() - before);
    loading += Steady::now() - begin;
    kept += set->size();
    feeds.push_back({{{std::move(set), kNow, "bench", ""}}, false});
  }
  const RangeTable table(std::move(feeds));
  const auto addresses = dialled(smoke ? kSmokeLookups : kLookups);
  std::size_t found = 0;
  const auto begin = Steady::now();
  for (const net::Address& address : addresses) {
    found += table.class_of(address, kNow).empty() ? 0 : 1;
  }
  const double each = micros(Steady::now() - begin) / static_cast<double>(addresses.size());
  const auto finding = Steady::now();
  std::size_t others = 0;
  for (const net::Address& address : addresses) {
    const auto match = table.find(address, kNow);
    others += match ? match->others.size() : 0;
  }
  const double whole = micros(Steady::now() - finding) / static_cast<double>(addresses.size());

  fmt::print("{} prefixes in {} feeds, {} of {} addresses in a range, {} overlaps\n", kept, kFeeds,
             found, addresses.size(), others);
  const bool quick = row("the class of an address", each, smoke ? 0 : kLookupGoal, "us");
  row("a whole match, with source and overlaps", whole, 0, "us");
  const bool small = row("a version in memory", bytes / static_cast<double>(kept),
                         smoke ? 0 : kBytesGoal, "B/prefix");
  row("from bytes to a table", micros(loading) / static_cast<double>(kept), 0, "us/prefix");
  return quick && small ? 0 : 1;
}
