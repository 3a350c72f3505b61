// The agent's own test of the kernel: it passes here, and it can fail.
#include "agent/self_test.h"

#include <array>

#include "agent/probe.h"
#include "tests/support/catch.h"
#include "tests/support/privileged.h"

using namespace outflow;
using namespace outflow::agent;

TEST_CASE("the self-test passes on this kernel", "[self-test]") {
  test::require_root();

  const auto tested = self_test();
  if (!tested) FAIL(tested.error().what);
  SUCCEED();
}

TEST_CASE("a packet that is not recorded is told", "[self-test]") {
  test::require_root();
  auto probe = Probe::open("", 16);
  REQUIRE(probe);
  REQUIRE(probe->load_new());
  std::array<std::uint8_t, 54> arp{};
  arp[12] = 0x08;
  arp[13] = 0x06;

  const auto stats = probe->try_packet(arp);
  REQUIRE_FALSE(stats);
  CHECK_THAT(stats.error().what, test::has_text("recorded nothing"));
}
