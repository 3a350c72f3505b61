#include "agent/self_test.h"

#include <array>

#include "agent/probe.h"

namespace outflow::agent {
namespace {

constexpr std::uint32_t kTuples = 16;

// Ethernet, IPv4 and TCP with SYN: 192.0.2.1:40000 to 192.0.2.2:443 (RFC 5737: nobody's).
constexpr std::array<std::uint8_t, 54> kOpening{
    0x02, 0,    0,    0,    0, 2, 0x02, 0, 0,  0, 0, 1, 0x08, 0x00,  // Ethernet
    0x45, 0,    0,    40,   0, 0, 0x40, 0, 64, 6, 0, 0, 192,  0,
    2,    1,    192,  0,    2, 2,  // IPv4
    0x9c, 0x40, 0x01, 0xbb, 0, 0, 0,    1, 0,  0, 0, 0, 0x50, 0x02,
    0xff, 0xff, 0,    0,    0, 0};  // TCP

}  // namespace

Result<void> self_test() {
  // Never pinned, so its folder is never looked at.
  auto probe = Probe::open("", kTuples);
  if (!probe) return fail(std::move(probe).error());
  if (auto loaded = probe->load_new(); !loaded) return loaded;
  const auto stats = probe->try_packet(kOpening);
  if (!stats) return fail(Error(stats.error()));
  if (stats->packets != 1 || stats->attempts != 1 || stats->bytes != 40) {
    return fail("the made packet was not recorded as one opening of 40 bytes");
  }
  return {};
}

}  // namespace outflow::agent
