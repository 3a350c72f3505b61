// The door for log files: any bytes, in one piece or in many, give the same flows and counts, and
// every line ends in exactly one counter.
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "aggregator/ingest/calico_log.h"

namespace {

using outflow::Result;
using outflow::ingest::Digest;
using outflow::ingest::LogCounts;
using outflow::ingest::LogFlow;
using outflow::ingest::LogOptions;
using outflow::ingest::LogParser;

struct Outcome {
  std::vector<Digest> digests;
  LogCounts counts;
  bool taken = false;
};

Outcome run(std::string_view bytes, std::size_t piece) {
  Outcome outcome;
  const outflow::TimePoint time = outflow::from_unix_ns(1'779'129'764'000'000'000);
  LogParser parser(LogOptions{time, time, 2026, "fuzz"}, [&](const LogFlow& flow) -> Result<void> {
    if (flow.time <= outflow::TimePoint{} || flow.node.empty()) std::abort();
    outcome.digests.push_back(flow.digest);
    return {};
  });
  outcome.taken = true;
  while (outcome.taken && !bytes.empty()) {
    outcome.taken = parser.feed(bytes.substr(0, piece)).has_value();
    bytes.remove_prefix(std::min(piece, bytes.size()));
  }
  outcome.taken = outcome.taken && parser.finish().has_value();
  outcome.counts = parser.counts();
  return outcome;
}

std::uint64_t sum(const std::map<std::string, std::uint64_t>& counts) {
  std::uint64_t total = 0;
  for (const auto& [reason, count] : counts) total += count;
  return total;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Outcome whole = run(bytes, bytes.size());
  const Outcome pieces = run(bytes, 1 + size % 13);
  if (whole.taken != pieces.taken || whole.digests != pieces.digests) std::abort();
  for (const LogCounts* counts : {&whole.counts, &pieces.counts}) {
    for (const std::string& example : counts->examples) {
      if (example.size() > outflow::ingest::kLogExampleBytesMax) std::abort();
    }
  }
  const LogCounts& counts = whole.counts;
  if (whole.taken && counts.flows + sum(counts.skipped) + sum(counts.unreadable) != counts.lines) {
    std::abort();
  }
  return 0;
}
