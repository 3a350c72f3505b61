#include "agent/state.h"

#include <fstream>

#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

using namespace outflow;
using namespace outflow::agent;

namespace {

State sample() {
  State state;
  state.boot[3] = 7;
  state.next_sequence = 42;
  state.batches = {"first", std::string("se\0cond", 7)};
  state.interval_end = from_unix_ns(1'779'129'764'000'000'000);
  TupleRow tuple{};
  tuple.key.protocol = 6;
  tuple.stats.packets = 12;
  OtherSourceRow other{};
  other.key.source[0] = 1;
  other.stats.bytes = 99;
  state.handed_on.tuples = {tuple, tuple};
  state.handed_on.other_sources = {other};
  state.handed_on.counts[COUNT_SEEN] = 1'000;
  state.handed_on.dns_counts[DNS_LIMITED] = 3;
  state.handed_on.said_counts[SAID_DISPLACED] = 4;
  state.overflow_read = 5;
  state.losses = {{"hook_removed", 2}};
  return state;
}

}  // namespace

TEST_CASE("a state is read as it was written", "[state]") {
  const auto state = decode(encode(sample()));

  REQUIRE(state);
  CHECK(state->boot == sample().boot);
  CHECK(state->next_sequence == 42);
  CHECK(state->batches == sample().batches);
  CHECK(state->interval_end == sample().interval_end);
  CHECK(state->handed_on.tuples.size() == 2);
  CHECK(state->handed_on.tuples[1].stats.packets == 12);
  CHECK(state->handed_on.other_sources.at(0).stats.bytes == 99);
  CHECK(state->handed_on.counts == sample().handed_on.counts);
  CHECK(state->handed_on.dns_counts == sample().handed_on.dns_counts);
  CHECK(state->handed_on.said_counts == sample().handed_on.said_counts);
  CHECK(state->overflow_read == 5);
  CHECK(state->losses == sample().losses);
}

TEST_CASE("a state cut at any byte is refused", "[state]") {
  const std::string whole = encode(sample());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    INFO(size);
    REQUIRE_FALSE(decode(whole.substr(0, size)));
  }
}

TEST_CASE("a state changed in any byte is refused", "[state]") {
  const std::string whole = encode(sample());
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 0x20);
    INFO(at);
    REQUIRE_FALSE(decode(changed));
  }
}

TEST_CASE("a file is replaced whole, and none is no error", "[state]") {
  const test::TempDir dir;
  const std::string path = dir / "state";

  CHECK_FALSE(load_state(path)->has_value());
  REQUIRE(save_state(path, sample()));
  State next = sample();
  next.next_sequence = 43;
  REQUIRE(save_state(path, next));

  CHECK((*load_state(path))->next_sequence == 43);
  std::ofstream(path, std::ios::app) << "x";
  const auto spoiled = load_state(path);
  REQUIRE_FALSE(spoiled);
  CHECK(spoiled.error().what.find(path) == 0);
}
