// Any bytes as what the API server answers about a set: an Error that says why, or a set within the
// bounds that the plan may rely on, and that what we write of it is read back the same.
#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <string>

#include "aggregator/apply/admit.h"
#include "aggregator/apply/object.h"
#include "aggregator/apply/plan.h"

using namespace outflow::apply;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the fuzzer's bytes as text
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (const auto serves = serves_sets(text); !serves) assert(!serves.error().what.empty());
  const Trouble trouble = read_trouble(text);
  assert(std::none_of(trouble.message.begin(), trouble.message.end(),
                      [](unsigned char c) { return c < 0x20; }));
  // As a name of a net that an answer told.
  const Admitted admitted = admit({text}, {});
  assert(admitted.nets.size() + admitted.refusals.size() == 1);
  for (const Group& group : {kCalicoApi, kCalicoStore}) {
    const auto set = read_set(text, group);
    if (!set) {
      assert(!set.error().what.empty());
      continue;
    }
    assert(!set->uid.empty() && !set->resource_version.empty());
    assert(std::is_sorted(set->nets.begin(), set->nets.end()));
    const auto written = read_set(nets_patch(group, "s", *set, set->nets), group);
    assert(written && written->nets == set->nets);
    const Wanted wanted{.name = "s", .namespace_name = "n", .nets = {"8.8.8.8", text}};
    const Plan made = plan(wanted, {&*set, {}}, {}, {}, {});
    assert(std::is_sorted(made.nets.begin(), made.nets.end()));
    assert(std::includes(made.nets.begin(), made.nets.end(), set->nets.begin(), set->nets.end()));
  }
  return 0;
}
