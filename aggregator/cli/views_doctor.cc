// What `outflow doctor` shows a person.
#include <fmt/format.h>

#include "aggregator/cli/views.h"

namespace outflow::cli {
namespace {

Tone tone_of(const std::string& state) {
  if (state == "ok") return Tone::Good;
  return state == "fail" ? Tone::Bad : Tone::Warn;
}

}  // namespace

View view_of(const v1::DoctorAnswer& answer) {
  View view{{},
            Table({{"STATE"},
                   {"NODE"},
                   {"CHECK"},
                   {"FOUND"},
                   {"EXPECTED", Align::Left, true},
                   {"WHAT-TO-DO"}}),
            {}};
  for (const auto& check : answer.items()) {
    view.table.add({{check.state(), tone_of(check.state())},
                    check.node().empty() ? "-" : check.node(),
                    check.check(),
                    check.found(),
                    check.expected(),
                    check.advice()});
  }
  view.below = {fmt::format("{} ok, {} warn, {} fail, {} unknown", answer.ok(), answer.warn(),
                            answer.fail(), answer.unknown())};
  return view;
}

}  // namespace outflow::cli
