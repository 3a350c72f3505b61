#include <fmt/format.h>
#include <fmt/ranges.h>

#include "aggregator/cli/views.h"

namespace outflow::cli {

View view_of(const v1::SetsAnswer& answer) {
  View view{{},
            Table({{"NAMESPACE"},
                   {"SET"},
                   {"CLASS"},
                   {"NETS", Align::Right},
                   {"COVERAGE", Align::Right},
                   {"USABLE"},
                   {"POOL", Align::Right, true},
                   {"ANSWERS", Align::Right, true},
                   {"NAMES", Align::Right, true},
                   {"REASON", Align::Left, true}}),
            {}};
  int usable = 0;
  for (const auto& set : answer.items()) {
    usable += set.usable() ? 1 : 0;
    view.table.add({set.namespace_(), set.name(), set.class_(), std::to_string(set.nets_size()),
                    fmt::format("{:.3f}", set.coverage()),
                    set.usable() ? Cell("yes", Tone::Good) : Cell("no", Tone::Warn),
                    fmt::format("{:.1f}", set.pool_estimate()), std::to_string(set.answers()),
                    std::to_string(set.names_size()), set.reason()});
  }
  view.below = {fmt::format("{} of {} sets may stand in a policy", usable, answer.items_size())};
  return view;
}

}  // namespace outflow::cli
