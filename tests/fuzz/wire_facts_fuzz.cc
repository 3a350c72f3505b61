// Any bytes as what an agent tells of its node: refused, or facts that survive the way back.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include <google/protobuf/stubs/logging.h>

#include "proto/wire.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace outflow;
  [[maybe_unused]] static const auto silent = google::protobuf::SetLogHandler(nullptr);
  v1::NodeFacts message;
  if (!message.ParseFromArray(data, static_cast<int>(size))) return 0;
  const auto facts = wire::to_facts(message);
  if (!facts) return 0;
  const auto again = wire::to_facts(wire::to_message(*facts));
  if (!again || again->interfaces_failed != facts->interfaces_failed ||
      again->failures.size() != facts->failures.size() || again->sent_at != facts->sent_at) {
    std::abort();
  }
  return 0;
}
