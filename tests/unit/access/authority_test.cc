#include "aggregator/access/authority.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "tests/support/catch.h"
#include "tests/support/fake_reviews.h"

using namespace outflow;
using namespace outflow::access;
using namespace std::chrono_literals;
using outflow::test::FakeReviews;

namespace {

class HandClock final : public Clock {
 public:
  [[nodiscard]] TimePoint now() const override { return time; }
  TimePoint time = TimePoint(std::chrono::seconds(1'779'000'000));
};

const Deed kSeeShop{"get", "", "namespaces", "shop", "shop"};

Identity user(const std::string& name, std::vector<std::string> groups = {}) {
  return {Role::User, name, std::move(groups)};
}

}  // namespace

TEST_CASE("a token is asked about once a minute, a bad one again after ten seconds", "[access]") {
  HandClock clock;
  FakeReviews reviews;
  reviews.know("good", R"({"username":"ann"})");
  Authority authority({.ask = reviews.ask()}, clock);

  for (int i = 0; i < 3; ++i) CHECK(authority.user_of("good"));
  CHECK(reviews.asked == 1);
  for (int i = 0; i < 3; ++i) CHECK_FALSE(authority.user_of("bad"));
  CHECK(reviews.asked == 2);
  clock.time += 11s;
  CHECK(authority.user_of("good"));
  CHECK_FALSE(authority.user_of("bad"));
  CHECK(reviews.asked == 3);
  clock.time += 60s;
  CHECK(authority.user_of("good"));
  CHECK(reviews.asked == 4);
}

TEST_CASE("a token is not remembered beyond its own end", "[access]") {
  HandClock clock;
  clock.time = TimePoint(std::chrono::seconds(1'779'099'999));
  FakeReviews reviews;
  const std::string token = "eyJhbGciOiJub25lIn0.eyJleHAiOjE3NzkxMDAwMDB9.x";  // 1 s more
  reviews.know(token, R"({"username":"ann"})");
  Authority authority({.ask = reviews.ask()}, clock);
  REQUIRE(authority.user_of(token));
  clock.time += 1s;
  REQUIRE(authority.user_of(token));

  CHECK(reviews.asked == 2);
}

TEST_CASE("a permission is asked for once a minute, each user and deed by itself", "[access]") {
  HandClock clock;
  FakeReviews reviews;
  reviews.allow("ann", "get", "shop");
  Authority authority({.ask = reviews.ask()}, clock);

  CHECK(authority.may(user("ann"), kSeeShop) == true);
  CHECK(authority.may(user("ann"), kSeeShop) == true);
  CHECK(reviews.asked == 1);
  CHECK(authority.may(user("bob"), kSeeShop) == false);
  CHECK(authority.may(user("ann", {"dev"}), kSeeShop) == true);
  CHECK(reviews.asked == 3);
  clock.time += 61s;
  CHECK(authority.may(user("ann"), kSeeShop) == true);
  CHECK(reviews.asked == 4);
}

TEST_CASE("members of an admin group are not asked about", "[access]") {
  const HandClock clock;
  FakeReviews reviews;
  Authority authority({.ask = reviews.ask(), .admin_groups = {"ops", "outflow:admins"}}, clock);

  CHECK(authority.may(user("ann", {"ops"}), kSeeShop) == true);
  CHECK(authority.may(user("ann", {"op"}), kSeeShop) == false);
  CHECK(reviews.asked == 1);
}

TEST_CASE("without an API server only admins may, and no token is good", "[access]") {
  const HandClock clock;
  Authority authority({}, clock);

  CHECK(authority.may(user("ann", {"outflow:admins"}), kSeeShop) == true);
  CHECK(authority.may(user("ann"), kSeeShop) == false);
  CHECK(authority.user_of("t").error().error_code() == grpc::StatusCode::UNAUTHENTICATED);
}

TEST_CASE("an API server that is away is no answer, and is not remembered", "[access]") {
  const HandClock clock;
  FakeReviews reviews;
  reviews.allow("ann", "get", "shop");
  reviews.away = true;
  Authority authority({.ask = reviews.ask()}, clock);

  CHECK(authority.may(user("ann"), kSeeShop).error().error_code() == grpc::StatusCode::UNAVAILABLE);
  reviews.away = false;
  CHECK(authority.may(user("ann"), kSeeShop) == true);
}

TEST_CASE("of more questions than can wait for their turn, one too many is refused", "[access]") {
  constexpr int kAll = Authority::kAskingMax + Authority::kWaitingMax + 1;
  const HandClock clock;
  std::mutex mutex;
  std::condition_variable changed;
  int refused = 0;
  int inside = 0;
  int inside_most = 0;
  Authority authority({.ask = [&](std::string_view, std::string_view) -> Result<Reply> {
                        std::unique_lock lock(mutex);
                        inside_most = std::max(inside_most, ++inside);
                        changed.wait(lock, [&] { return refused == 1; });
                        --inside;
                        return fail("done");
                      }},
                      clock);
  std::vector<std::jthread> askers;
  for (int i = 0; i < kAll; ++i) {
    askers.emplace_back([&, i] {
      const auto said = authority.may(user("user-" + std::to_string(i)), kSeeShop);
      if (said.error().error_code() != grpc::StatusCode::RESOURCE_EXHAUSTED) return;
      const std::lock_guard lock(mutex);
      ++refused;
      changed.notify_all();
    });
  }
  askers.clear();

  CHECK(refused == 1);
  CHECK(inside_most == Authority::kAskingMax);
}
