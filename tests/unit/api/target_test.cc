#include "aggregator/api/target.h"

#include "tests/unit/api/samples.h"

namespace outflow::api {
namespace {

bool has(const std::vector<std::string>& notes, const std::string& part) {
  for (const auto& note : notes) {
    if (note.find(part) != std::string::npos) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("an address is matched by destination, a service by name or behind it", "[target]") {
  const auto dns = flow("web", {"10.96.0.10", 53, Protocol::Udp}, kNow);
  const auto direct = flow("web", {"10.244.1.9", 53, Protocol::Udp}, kNow);
  const auto matches = [](const char* text, const store::History& history) {
    const auto target = Target::parse(text);
    REQUIRE(target);
    return target->matches(history.raw.destination, history.peer);
  };

  CHECK(matches("10.96.0.10", dns));
  CHECK_FALSE(matches("10.96.0.10", direct));
  for (const char* text : {"service/kube-system/kube-dns", "service kube-system/kube-dns",
                           "kube-system/kube-dns", "kube-dns"}) {
    INFO(text);
    CHECK(matches(text, dns));
  }
  CHECK(matches("service/kube-system/kube-dns", direct));
  CHECK(matches("Deployment kube-system/coredns", direct));
  CHECK(matches("coredns", direct));
  CHECK_FALSE(matches("core", direct));
}

TEST_CASE("what cannot be a destination is refused with the reason", "[target]") {
  for (const char* text : {"", "service/", "service/kube-dns", "service//kube-dns", "service/a/b/c",
                           "service/a/", " api.example.com", "https://api.example.com",
                           "192.0.2.1:443", "[2001:db8::1]:443", "192.0.2.0/24"}) {
    CHECK_FALSE(Target::parse(text));
  }
  for (const char* text : {"2001:db8::1", "AWS/S3/eu-west-1", "Deployment dbaas/mysql"}) {
    CHECK(Target::parse(text));
  }
}

TEST_CASE("a destination nobody talked to is still classified", "[target]") {
  const auto kind = [](const char* text) {
    const auto known = Target::parse(text)->known(snapshot());
    return known ? std::string(attribution::to_text(known->kind)) : "nothing";
  };

  CHECK(kind("198.51.100.7") == "external");
  CHECK(kind("192.168.1.1") == "private");
  CHECK(kind("10.96.0.10") == "service");
  CHECK(kind("10.0.0.1") == "node");
  CHECK(kind("10.244.1.2") == "workload");
  CHECK(kind("service/kube-system/kube-dns") == "service");
  CHECK(kind("web/web") == "workload");
  CHECK(kind("service/web/none") == "nothing");
  CHECK(kind("example.com") == "nothing");
}

TEST_CASE("notes say what is not known", "[target]") {
  const auto notes = [](const char* text) {
    const auto target = Target::parse(text);
    return notes_of({target->known(snapshot()).value_or(attribution::Peer()), false}, *target,
                    snapshot());
  };

  CHECK(has(notes("198.51.100.7"), "another one tomorrow"));
  CHECK(has(notes("198.51.100.7"), "no namespace asked about was seen talking to it"));
  CHECK(has(notes("example.com"), "no pod that you may ask about was seen to be told it"));
  CHECK(has(notes("service/kube-system/kube-dns"), "53/UDP -> 53"));
  CHECK(has(notes("service/kube-system/kube-dns"), "10.244.1.9 port 53"));
  CHECK(has(notes("web/web"), "1 pods"));
}

}  // namespace outflow::api
