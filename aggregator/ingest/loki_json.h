// Loki's JSON, whole documents at a time: what GET /loki/api/v1/query_range answers, and the
// entries `logcli --output=jsonl` prints one after another. Pure.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "common/clock.h"
#include "common/result.h"

namespace outflow::ingest {

struct LokiEntry {
  TimePoint time{};
  std::string_view node;  // the stream's label of that name (or hostname, host); "" = none
  std::string_view line;
  std::string_view problem;  // why the entry cannot be read: a static text, [a-z-]; "" = it can
};

enum class LokiKind : std::uint8_t { Answer, Entry };

// Every entry of a document in its order; its texts live until the visit returns. An Error for text
// that is not JSON, for an answer that is not streams of lines, and from the visit.
using LokiVisit = std::function<Result<void>(const LokiEntry&)>;
[[nodiscard]] Result<LokiKind> read_loki(std::string document, const LokiVisit& visit);

// Finds where a JSON object ends, byte by byte, without reading it.
class JsonExtent {
 public:
  // How many of the bytes belong to the object; done() tells whether the last of them closed it.
  [[nodiscard]] std::size_t take(std::string_view bytes);
  [[nodiscard]] bool done() const { return done_; }

 private:
  std::size_t depth_ = 0;
  bool in_text_ = false;
  bool escaped_ = false;
  bool done_ = false;
};

}  // namespace outflow::ingest
