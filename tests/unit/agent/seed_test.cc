#include "agent/seed.h"

#include <vector>

#include "tests/support/catch.h"

using namespace outflow;
using namespace outflow::agent;

namespace {

net::Address address(const char* text) {
  return *net::Address::parse(text);
}

Ends ends(const char* source, std::uint16_t source_port, const char* destination,
          std::uint16_t destination_port) {
  return {address(source), address(destination), source_port, destination_port};
}

// One without NAT.
Conversation direct(const Ends& original, Protocol protocol = Protocol::Tcp, bool replied = true) {
  const Ends reply{original.destination, original.source, original.destination_port,
                   original.source_port};
  return {original, reply, protocol, replied, false};
}

const std::vector<OwnAddresses> kPods = {{1, {address("10.244.3.17"), address("fd00::17")}},
                                         {2, {address("10.244.3.18")}}};

Seed seed(const std::vector<Conversation>& conversations) {
  return seed_from(kPods, conversations);
}

OpenedBefore opened(std::uint64_t id, const char* destination, std::uint16_t port,
                    Protocol protocol, const char* source) {
  return {FlowKey{id, address(destination), port, protocol}, address(source), true};
}

}  // namespace

TEST_CASE("a connection to a service is opened to the ClusterIP and answered by the pod behind it",
          "[seed]") {
  const Seed result =
      seed({{ends("10.244.3.17", 40'000, "10.96.0.10", 5432),
             ends("10.244.3.18", 5433, "10.244.3.17", 40'000), Protocol::Tcp, true, false}});

  CHECK(result.opened ==
        std::vector<OpenedBefore>{opened(1, "10.96.0.10", 5432, Protocol::Tcp, "10.244.3.17")});
  CHECK(result.inbound ==
        std::vector<InboundBefore>{{2, address("10.244.3.17"), 40'000, 5433, Protocol::Tcp}});
  CHECK(result.shared == 0);
  CHECK(result.undirected == 0);
}

TEST_CASE("a connection to the outside is the pod's whatever address it leaves with", "[seed]") {
  const Seed result =
      seed({{ends("10.244.3.17", 40'000, "192.0.2.10", 443),
             ends("192.0.2.10", 443, "198.51.100.1", 61'000), Protocol::Tcp, true, false}});

  CHECK(result.opened ==
        std::vector<OpenedBefore>{opened(1, "192.0.2.10", 443, Protocol::Tcp, "10.244.3.17")});
  CHECK(result.inbound.empty());
}

TEST_CASE("a client of a node port is remembered as the pod sees it", "[seed]") {
  const Seed result =
      seed({{ends("192.0.2.10", 40'000, "198.51.100.1", 30'080),
             ends("10.244.3.18", 8080, "198.51.100.1", 61'000), Protocol::Tcp, true, false}});

  CHECK(result.opened.empty());
  CHECK(result.inbound ==
        std::vector<InboundBefore>{{2, address("198.51.100.1"), 61'000, 8080, Protocol::Tcp}});
}

TEST_CASE("a pod that reaches itself by its service opens and answers", "[seed]") {
  const Seed result =
      seed({{ends("10.244.3.17", 40'000, "10.96.0.10", 80),
             ends("10.244.3.17", 8080, "198.51.100.1", 61'000), Protocol::Tcp, true, false}});

  CHECK(result.opened ==
        std::vector<OpenedBefore>{opened(1, "10.96.0.10", 80, Protocol::Tcp, "10.244.3.17")});
  CHECK(result.inbound ==
        std::vector<InboundBefore>{{1, address("198.51.100.1"), 61'000, 8080, Protocol::Tcp}});
}

TEST_CASE("IPv6 conversations seed like IPv4 ones", "[seed]") {
  const Seed result = seed({direct(ends("fd00::17", 40'000, "2001:db8::1", 443))});

  CHECK(result.opened ==
        std::vector<OpenedBefore>{opened(1, "2001:db8::1", 443, Protocol::Tcp, "fd00::17")});
}

TEST_CASE("many conversations are one tuple, established if one was answered", "[seed]") {
  const auto ask = [](std::uint16_t port, bool replied) {
    return direct(ends("10.244.3.17", port, "192.0.2.53", 53), Protocol::Udp, replied);
  };

  CHECK_FALSE(seed({ask(40'000, false), ask(40'001, false)}).opened.at(0).established);
  const Seed result = seed({ask(40'000, false), ask(40'001, true), ask(40'002, false)});
  CHECK(result.opened ==
        std::vector<OpenedBefore>{opened(1, "192.0.2.53", 53, Protocol::Udp, "10.244.3.17")});
}

TEST_CASE("protocols and ports are tuples of their own, in the order of their keys", "[seed]") {
  const Seed result = seed({direct(ends("10.244.3.17", 40'000, "192.0.2.53", 853)),
                            direct(ends("10.244.3.17", 40'000, "192.0.2.53", 53)),
                            direct(ends("10.244.3.17", 40'000, "192.0.2.53", 53), Protocol::Udp)});

  CHECK(result.opened ==
        std::vector<OpenedBefore>{opened(1, "192.0.2.53", 53, Protocol::Tcp, "10.244.3.17"),
                                  opened(1, "192.0.2.53", 53, Protocol::Udp, "10.244.3.17"),
                                  opened(1, "192.0.2.53", 853, Protocol::Tcp, "10.244.3.17")});
}

TEST_CASE("an address of two interfaces gives nothing for either", "[seed]") {
  const std::vector<OwnAddresses> pods = {{1, {address("10.244.3.17")}},
                                          {2, {address("10.244.3.17")}},
                                          {3, {address("10.244.3.18"), address("10.244.3.18")}}};
  const std::vector<Conversation> said = {direct(ends("10.244.3.17", 40'000, "10.244.3.18", 80)),
                                          direct(ends("10.244.3.18", 40'000, "10.244.3.17", 80)),
                                          direct(ends("10.244.3.17", 40'000, "10.244.3.17", 80))};

  const Seed result = seed_from(pods, said);

  CHECK(result.shared == 3);
  CHECK(result.inbound ==
        std::vector<InboundBefore>{{3, address("10.244.3.17"), 40'000, 80, Protocol::Tcp}});
  CHECK(result.opened ==
        std::vector<OpenedBefore>{opened(3, "10.244.3.17", 80, Protocol::Tcp, "10.244.3.18")});
}

TEST_CASE("a connection picked up in its middle proves no opener", "[seed]") {
  Conversation ours = direct(ends("10.244.3.17", 5432, "192.0.2.10", 40'000));
  ours.picked_up = true;
  Conversation strangers = direct(ends("192.0.2.11", 5432, "192.0.2.10", 40'000));
  strangers.picked_up = true;

  const Seed result = seed({ours, strangers});

  CHECK(result.opened.empty());
  CHECK(result.inbound.empty());
  CHECK(result.undirected == 1);
}

TEST_CASE("conversations of strangers and empty tables give nothing", "[seed]") {
  CHECK(seed({direct(ends("192.0.2.11", 5432, "192.0.2.10", 40'000))}).opened.empty());
  CHECK(seed({}).inbound.empty());
  CHECK(seed_from({}, {}).opened.empty());
}
