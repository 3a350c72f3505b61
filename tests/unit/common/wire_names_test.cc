// The names of a batch: round trip, and every bound and error by its field.
#include "proto/wire.h"
#include "tests/support/catch.h"

using namespace outflow;

namespace {

using std::chrono::microseconds;

const TimePoint kStart = from_unix_ns(1'779'129'764'000'000'000);

net::Address address(const char* text) {
  return *net::Address::parse(text);
}

Report sample() {
  Report report;
  report.node = "k8s-w1";
  report.boot = {1};
  report.sequence = 7;
  report.interval = {kStart, kStart + std::chrono::seconds(10)};
  report.interfaces = {{.id = 5, .name = "cali814aae5e834", .addresses = {}},
                       {.id = 9, .name = "cali2dbb20d966b", .addresses = {}}};
  report.reads_names = true;
  report.answers = {{.interface_id = 9,
                     .name = "api.example.com",
                     .address = address("198.51.100.7"),
                     .resolver = address("10.96.0.10"),
                     .target = "lb.example.net",
                     .ttl_s = kTtlMaxSeconds,
                     .flags = kNameTcp | kNameCut,
                     .answers = 3,
                     .first_answered = kStart - microseconds(5),
                     .last_answered = kStart + std::chrono::seconds(9)},
                    {.interface_id = 5,
                     .name = "lb.example.net",
                     .address = address("2001:db8::7"),
                     .resolver = address("10.96.0.10"),
                     .target = "",
                     .ttl_s = 0,
                     .flags = 0,
                     .answers = 1,
                     .first_answered = kStart,
                     .last_answered = kStart}};
  report.said = {{.interface_id = 5,
                  .destination = address("198.51.100.7"),
                  .destination_port = 443,
                  .name = "api.example.com",
                  .flags = kSaidEch,
                  .count = 2,
                  .first_said = kStart,
                  .last_said = kStart + microseconds(1)},
                 {.interface_id = 9,
                  .destination = address("198.51.100.8"),
                  .destination_port = 65535,
                  .name = "",
                  .flags = 0,
                  .count = 1,
                  .first_said = kStart,
                  .last_said = kStart}};
  return report;
}

std::string refusal(void (*spoil)(v1::Batch&)) {
  v1::Batch batch = wire::to_batch(sample());
  spoil(batch);
  const auto report = wire::to_report(batch);
  return report ? "" : report.error().what;
}

struct Case {
  const char* why;  // how the Error begins
  void (*spoil)(v1::Batch&);
};

template <std::size_t size>
void check(const Case (&cases)[size]) {
  for (const Case& one : cases) {
    INFO(one.why);
    CHECK(refusal(one.spoil).starts_with(one.why));
  }
}

constexpr std::int64_t kDays400Us = 400LL * 24 * 3600 * 1'000'000;

}  // namespace

TEST_CASE("names cross the wire unchanged", "[wire]") {
  CHECK(*wire::to_report(wire::to_batch(sample())) == sample());
}

TEST_CASE("each name and each address stands once in a batch", "[wire]") {
  const v1::Batch batch = wire::to_batch(sample());

  CHECK(batch.names_size() == 2);
  CHECK(batch.addresses_size() == 4);
}

TEST_CASE("a batch of an agent that knows of no names reads none", "[wire]") {
  Report report = sample();
  report.reads_names = false;
  report.answers.clear();
  report.said.clear();
  v1::Batch batch = wire::to_batch(report);
  batch.clear_answers();
  batch.clear_said();

  CHECK(*wire::to_report(batch) == report);
}

TEST_CASE("a name that is not in our text form is refused by its place", "[wire]") {
  const std::string longest(kDnsNameMax, 'a');
  v1::Batch batch = wire::to_batch(sample());
  batch.set_names(1, longest);
  CHECK(wire::to_report(batch).has_value());
  for (const std::string& bad :
       {std::string(), longest + "a", std::string("a b"), std::string("A.example"),
        std::string("\x80"), std::string(1, '\0')}) {
    batch.set_names(1, bad);

    const auto report = wire::to_report(batch);
    REQUIRE_FALSE(report.has_value());
    CHECK(report.error().what == "names[1]: not 1 to 253 printable bytes in lower case");
  }
}

TEST_CASE("a malformed row of answers is refused by its column and row", "[wire]") {
  const Case cases[] = {
      {"answers.interface[1]", [](v1::Batch& b) { b.mutable_answers()->set_interface(1, 2); }},
      {"answers.name[0]", [](v1::Batch& b) { b.mutable_answers()->set_name(0, 2); }},
      {"answers.address[0]", [](v1::Batch& b) { b.mutable_answers()->set_address(0, 4); }},
      {"answers.resolver[1]", [](v1::Batch& b) { b.mutable_answers()->set_resolver(1, 4); }},
      {"answers.target[0]", [](v1::Batch& b) { b.mutable_answers()->set_target(0, 3); }},
      {"answers.ttl_s[1]",
       [](v1::Batch& b) { b.mutable_answers()->set_ttl_s(1, kTtlMaxSeconds + 1); }},
      {"answers.answers[1]", [](v1::Batch& b) { b.mutable_answers()->set_answers(1, 0); }},
      {"answers.first_answered_us[0]",
       [](v1::Batch& b) { b.mutable_answers()->set_first_answered_us(0, -kDays400Us); }},
      {"answers.last_answered_us[0]",
       [](v1::Batch& b) { b.mutable_answers()->set_last_answered_us(0, kDays400Us); }},
      {"answers.last_answered_us[0]",
       [](v1::Batch& b) { b.mutable_answers()->set_last_answered_us(0, -6); }},
  };
  check(cases);
}

TEST_CASE("a malformed row of said names is refused by its column and row", "[wire]") {
  const Case cases[] = {
      {"said.interface[0]", [](v1::Batch& b) { b.mutable_said()->set_interface(0, 2); }},
      {"said.destination[1]", [](v1::Batch& b) { b.mutable_said()->set_destination(1, 4); }},
      {"said.destination_port[1]",
       [](v1::Batch& b) { b.mutable_said()->set_destination_port(1, 0); }},
      {"said.destination_port[1]",
       [](v1::Batch& b) { b.mutable_said()->set_destination_port(1, 65536); }},
      {"said.name[1]", [](v1::Batch& b) { b.mutable_said()->set_name(1, 3); }},
      {"said.count[0]", [](v1::Batch& b) { b.mutable_said()->set_count(0, 0); }},
      {"said.first_said_us[0]",
       [](v1::Batch& b) { b.mutable_said()->set_first_said_us(0, kDays400Us); }},
      {"said.last_said_us[0]",
       [](v1::Batch& b) { b.mutable_said()->set_last_said_us(0, -kDays400Us); }},
      {"said.last_said_us[1]", [](v1::Batch& b) { b.mutable_said()->set_last_said_us(1, -1); }},
  };
  check(cases);
}

TEST_CASE("columns of another length than the first are refused by name", "[wire]") {
  const Case cases[] = {
      {"answers.name: 3", [](v1::Batch& b) { b.mutable_answers()->add_name(0); }},
      {"answers.address: 3", [](v1::Batch& b) { b.mutable_answers()->add_address(0); }},
      {"answers.resolver: 3", [](v1::Batch& b) { b.mutable_answers()->add_resolver(0); }},
      {"answers.target: 3", [](v1::Batch& b) { b.mutable_answers()->add_target(0); }},
      {"answers.ttl_s: 3", [](v1::Batch& b) { b.mutable_answers()->add_ttl_s(0); }},
      {"answers.flags: 1",
       [](v1::Batch& b) { b.mutable_answers()->mutable_flags()->RemoveLast(); }},
      {"answers.answers: 3", [](v1::Batch& b) { b.mutable_answers()->add_answers(1); }},
      {"answers.first_answered_us: 3",
       [](v1::Batch& b) { b.mutable_answers()->add_first_answered_us(0); }},
      {"answers.last_answered_us: 0",
       [](v1::Batch& b) { b.mutable_answers()->clear_last_answered_us(); }},
      {"said.destination: 3", [](v1::Batch& b) { b.mutable_said()->add_destination(0); }},
      {"said.destination_port: 3", [](v1::Batch& b) { b.mutable_said()->add_destination_port(1); }},
      {"said.name: 3", [](v1::Batch& b) { b.mutable_said()->add_name(0); }},
      {"said.flags: 0", [](v1::Batch& b) { b.mutable_said()->clear_flags(); }},
      {"said.count: 3", [](v1::Batch& b) { b.mutable_said()->add_count(1); }},
      {"said.first_said_us: 3", [](v1::Batch& b) { b.mutable_said()->add_first_said_us(0); }},
      {"said.last_said_us: 3", [](v1::Batch& b) { b.mutable_said()->add_last_said_us(0); }},
  };
  check(cases);
}

TEST_CASE("more rows or names than a batch takes are refused, as many are not", "[wire]") {
  Report full = sample();
  full.answers.resize(wire::kAnswersMax, full.answers[0]);
  full.said.resize(wire::kSaidMax, full.said[0]);
  v1::Batch batch = wire::to_batch(full);
  while (batch.names_size() < static_cast<int>(wire::kNamesMax)) batch.add_names("a.example");
  REQUIRE(wire::to_report(batch).has_value());
  const auto refused = [&batch](void (*spoil)(v1::Batch&)) {
    v1::Batch changed = batch;
    spoil(changed);
    const auto report = wire::to_report(changed);
    return report ? "" : report.error().what;
  };

  CHECK(refused([](v1::Batch& b) { b.add_names("b.example"); }) ==
        "names: 65537 entries, at most 65536 allowed");
  CHECK(refused([](v1::Batch& b) { b.mutable_answers()->add_interface(0); }) ==
        "answers: 16385 rows, at most 16384 allowed");
  CHECK(refused([](v1::Batch& b) { b.mutable_said()->add_interface(0); }) ==
        "said: 4097 rows, at most 4096 allowed");
}
