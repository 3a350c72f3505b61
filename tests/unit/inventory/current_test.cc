#include "aggregator/inventory/current.h"

#include <thread>

#include "tests/support/catch.h"

namespace outflow::inventory {
namespace {

TEST_CASE("before the first read there is an empty snapshot, and a reason", "[current]") {
  const Current current;
  const View view = current.view();

  REQUIRE(view.snapshot != nullptr);
  CHECK(view.snapshot->pods().empty());
  CHECK(view.stale);
  CHECK_FALSE(view.error.empty());
}

TEST_CASE("an error keeps the last snapshot and marks it stale, the next snapshot mends it",
          "[current]") {
  Current current;
  const auto first = std::make_shared<const Snapshot>(Model{}, from_unix_ns(1));
  const auto second = std::make_shared<const Snapshot>(Model{}, from_unix_ns(2));

  current.set(first);
  current.set_error("no such file");
  const View stale = current.view();
  current.set(second);
  const View mended = current.view();

  CHECK(stale.snapshot == first);
  CHECK(stale.stale);
  CHECK(stale.error == "no such file");
  CHECK(mended.snapshot == second);
  CHECK_FALSE(mended.stale);
  CHECK(mended.error.empty());
}

TEST_CASE("a view stays whole while another thread sets", "[current]") {
  Current current;
  std::thread feed([&] {
    for (int i = 1; i <= 2000; ++i) {
      current.set(std::make_shared<const Snapshot>(Model{}, from_unix_ns(i)));
      current.set_error("late");
    }
  });
  bool whole = true;
  for (int i = 0; i < 2000; ++i) {
    const View view = current.view();
    whole = whole && view.snapshot != nullptr && view.stale == !view.error.empty();
  }
  feed.join();

  CHECK(whole);
  CHECK(unix_ns(current.view().snapshot->as_of()) == 2000);
}

}  // namespace
}  // namespace outflow::inventory
