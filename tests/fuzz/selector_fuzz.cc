// Any bytes as a label selector: an error that says where, or a selector that reads back as itself.
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "aggregator/inventory/selector.h"

using outflow::inventory::LabelSelector;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the fuzzer's bytes as text
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto parsed = LabelSelector::parse(text);
  if (!parsed) {
    assert(parsed.error().what.find("position ") != std::string::npos);
    return 0;
  }
  const auto again = LabelSelector::parse(parsed->to_string());
  assert(again && *again == *parsed);
  const outflow::inventory::Labels labels{{"tier", "3-edge"}, {"app", "web"}};
  assert(parsed->matches(labels) == again->matches(labels));
  assert(!parsed->matches_everything() || parsed->matches({}));
  return 0;
}
