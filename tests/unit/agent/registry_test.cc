#include "agent/registry.h"

#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

using namespace outflow;
using namespace outflow::agent;

namespace {

net::Address address(const char* text) {
  return *net::Address::parse(text);
}

constexpr BootId kBoot{1};

}  // namespace

TEST_CASE("an address whose route went stays until the next batch is persisted", "[registry]") {
  const test::TempDir dir;
  Registry registry(dir / "interfaces", kBoot);
  registry.hooked(1, "cali1");
  registry.routed(1, {address("10.0.0.1")});
  registry.routed(1, {address("10.0.0.2")});

  CHECK(registry.known().at(1).addresses ==
        std::vector<net::Address>{address("10.0.0.1"), address("10.0.0.2")});
  registry.settled({});
  CHECK(registry.known().at(1).addresses == std::vector<net::Address>{address("10.0.0.2")});
}

TEST_CASE("a departed interface is known until its last batch is persisted", "[registry]") {
  const test::TempDir dir;
  Registry registry(dir / "interfaces", kBoot);
  registry.hooked(1, "cali1");
  registry.hooked(2, "cali2");
  registry.departed(1);

  CHECK(registry.gone() == std::vector<std::uint32_t>{1});
  CHECK(registry.hooked_count() == 1);
  CHECK(registry.known().size() == 2);
  registry.settled({1, 2});  // 2 came back meanwhile: not departed, not forgotten
  CHECK(registry.known().size() == 1);
  CHECK(registry.known().contains(2));
}

TEST_CASE("the next agent knows the names, of the same boot only", "[registry]") {
  const test::TempDir dir;
  {
    Registry registry(dir / "interfaces", kBoot);
    registry.hooked(1, "cali1");
    registry.routed(1, {address("fd00::1")});
    registry.keep();
  }

  const Registry same(dir / "interfaces", kBoot);
  const Registry other(dir / "interfaces", BootId{2});

  CHECK(same.known().at(1) == Interface{1, "cali1", {address("fd00::1")}});
  CHECK(same.gone() == std::vector<std::uint32_t>{1});
  CHECK(other.known().empty());
}

TEST_CASE("a loss is taken once", "[registry]") {
  const test::TempDir dir;
  Registry registry(dir / "interfaces", kBoot);
  registry.count_loss("hook_removed");
  registry.count_loss("hook_removed");

  CHECK(registry.take_losses() == std::map<std::string, std::uint64_t>{{"hook_removed", 2}});
  CHECK(registry.take_losses().empty());
}
