#include "aggregator/names/answers.h"

#include "aggregator/names/rules.h"
#include "tests/unit/names/node.h"

using namespace outflow;
using namespace outflow::names;

namespace {

constexpr Asker kPod{1, 10};

Told answer(Id name, TimePoint first, TimePoint last) {
  return {.address = address(kThere),
          .node = kPod.node,
          .pod = kPod.pod,
          .name = name,
          .target = 0,
          .ttl_s = 30,
          .trusted = true,
          .first = first,
          .last = last};
}
Told answer(Id name, TimePoint time) {
  return answer(name, time, time);
}

// When name 1 was told last before `time`; "" when it is no name of the address then.
std::string told_at(const Answers& answers, TimePoint time) {
  const auto found = answers.at(address(kThere), kPod, time);
  return found.empty() ? "" : to_text(found[0].answered);
}

void sweep(Answers& answers, TimePoint time) {
  answers.sweep(std::vector<TimePoint>(kPod.node + 1, time), time);
}

}  // namespace

TEST_CASE("of several answers the latest before the connection counts", "[names]") {
  Answers answers(100);
  answers.add(answer(1, at("12:00:00")));
  answers.add(answer(1, at("12:05:00")));
  answers.add(answer(1, at("12:10:00")));

  CHECK(told_at(answers, at("11:59:59")).empty());
  CHECK(told_at(answers, at("12:01:00")) == to_text(at("12:00:00")));
  CHECK(told_at(answers, at("12:06:00")) == to_text(at("12:05:00")));
  CHECK(told_at(answers, at("12:11:00")) == to_text(at("12:10:00")));
  CHECK(told_at(answers, at("12:22:00")).empty());
  CHECK(answers.size() == 1);
}

TEST_CASE("answers in any order tell the same", "[names]") {
  Answers answers(100);
  answers.add(answer(1, at("12:10:00")));
  answers.add(answer(1, at("12:00:00")));
  answers.add(answer(1, at("12:05:00")));

  CHECK(told_at(answers, at("12:01:00")) == to_text(at("12:00:00")));
  CHECK(told_at(answers, at("12:06:00")) == to_text(at("12:05:00")));
  CHECK(told_at(answers, at("12:11:00")) == to_text(at("12:10:00")));
}

TEST_CASE("between two answers with a pause the address had no name", "[names]") {
  Answers answers(100);
  answers.add(answer(1, at("12:00:00")));
  answers.add(answer(1, at("14:00:00")));

  CHECK(told_at(answers, at("12:10:00")) == to_text(at("12:00:00")));
  CHECK(told_at(answers, at("13:00:00")).empty());
  CHECK(told_at(answers, at("14:10:00")) == to_text(at("14:00:00")));
}

TEST_CASE("answers without a pause hold from the first to the last", "[names]") {
  Answers answers(100);
  for (int minutes = 0; minutes <= 120; minutes += 5) {
    answers.add(answer(1, at("12:00:00") + 1min * minutes));
  }
  CHECK(told_at(answers, at("13:00:00")) == to_text(at("12:00:00")));
}

TEST_CASE("a name is a pod's as long as any of its answers holds, then it is swept", "[names]") {
  Answers answers(100);
  answers.add(answer(1, at("12:00:00"), at("12:00:05")));
  sweep(answers, at("12:11:05"));
  CHECK(answers.size() == 1);
  sweep(answers, at("12:11:06"));
  CHECK(answers.size() == 0);
}

TEST_CASE("without room the answers that end first go", "[names]") {
  Answers answers(32);
  for (Id name = 1; name <= 33; ++name) answers.add(answer(name, at("12:00:00") + 1s * name));

  CHECK(answers.size() == 30);
  CHECK(answers.forgotten() == 3);
  CHECK(answers.forgotten_until(kPod.pod) == at("12:00:03") + life_of(30));
  for (const Sighting& one : answers.at(address(kThere), kPod, at("12:01:00"))) {
    CHECK(one.name > 3);
  }
  sweep(answers, at("13:00:00"));
  CHECK(answers.forgotten_until(kPod.pod) == TimePoint());
}

TEST_CASE("a pod that is told very much pushes out nobody else's answers", "[names]") {
  Answers answers(1000, 2);
  Told other = answer(1, at("12:00:00"));
  other.pod = kPod.pod + 1;
  answers.add(other);
  for (Id name = 1; name <= 3; ++name) answers.add(answer(name, at("12:00:00")));
  answers.add(answer(1, at("12:00:10")));  // a known one goes on

  CHECK(answers.size() == 3);
  CHECK(answers.forgotten() == 1);
  CHECK(answers.forgotten_until(kPod.pod) == at("12:00:00") + life_of(30));
  CHECK(answers.forgotten_until(other.pod) == TimePoint());
  CHECK(told_at(answers, at("12:00:11")) == to_text(at("12:00:10")));
}

TEST_CASE("an answer that comes late is no bridge over the pause after it", "[names]") {
  Answers answers(100);
  answers.add(answer(1, at("14:00:00")));
  answers.add(answer(1, at("12:00:00")));

  CHECK(told_at(answers, at("12:10:00")) == to_text(at("12:00:00")));
  CHECK(told_at(answers, at("13:00:00")).empty());
}

TEST_CASE("only an answer after the last look is news", "[names]") {
  Answers answers(100);
  answers.add(answer(1, at("12:00:00")));

  const auto news = [&](const char* after) {
    return answers.told_between(address(kThere), kPod, at(after), at("12:01:00"));
  };
  CHECK(news("11:59:59"));
  CHECK_FALSE(news("12:00:00"));
}
