// Random packets of every kind we know, whole and mutated, for the property tests. One seed, one
// sequence.
#pragma once

#include <random>
#include <string>

#include "tests/support/packet.h"

namespace outflow::test {

using Random = std::mt19937;

std::uint32_t below(Random& random, std::uint32_t limit);
bool one_in(Random& random, std::uint32_t n);

// VLAN tags, IPv4 with options or IPv6 with extension headers, fragments, every transport; mostly
// such as open a tuple (from the pod) or answer one (to the pod).
Packet random_from_pod(Random& random);
Packet random_to_pod(Random& random);
// An ICMP error, mostly destination unreachable, that quotes the packet or a part of it.
Packet random_error(Random& random, const Packet& quoted);

// Bytes flipped (mostly among the first `reach`), the end cut off or padded.
void mutate(Random& random, Bytes* frame, std::size_t reach = 80);
std::string to_hex(const Bytes& frame);

}  // namespace outflow::test
