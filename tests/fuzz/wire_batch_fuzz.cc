// Any bytes as a batch: refused with an Error, or a report that crosses the wire again unchanged
// and can be attributed and named.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include <google/protobuf/stubs/logging.h>

#include "aggregator/additions.h"
#include "aggregator/namer.h"
#include "proto/wire.h"

namespace {

// Nothing is ahead of it.
class LastDay final : public outflow::Clock {
 public:
  [[nodiscard]] outflow::TimePoint now() const override {
    return outflow::from_unix_ns(9'000'000'000'000'000'000);
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace outflow;
  [[maybe_unused]] static const auto silent = google::protobuf::SetLogHandler(nullptr);
  v1::Batch batch;
  if (!batch.ParseFromArray(data, static_cast<int>(size))) return 0;
  const auto report = wire::to_report(batch);
  if (!report) {
    if (report.error().what.empty()) std::abort();
    return 0;
  }
  static const inventory::Snapshot nothing_known(inventory::Model{}, TimePoint());
  auto addition = to_addition(*report, nothing_known);
  if (addition.histories.size() != report->flows.size()) std::abort();
  static const LastDay clock;
  Namer namer({}, clock);
  namer.add_names(*report, nothing_known, addition);
  if (addition.names.size() > report->answers.size()) std::abort();
  namer.sweep();
  // Two interfaces of one number are allowed on the wire, and become one on the way back.
  const auto again = wire::to_report(wire::to_batch(*report));
  if (!again || again->flows.size() != report->flows.size()) std::abort();
  if (again->answers.size() != report->answers.size()) std::abort();
  if (again->said.size() != report->said.size()) std::abort();
  return 0;
}
