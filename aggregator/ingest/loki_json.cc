#include "aggregator/ingest/loki_json.h"

#include <simdjson.h>

#include <array>
#include <charconv>

#include <fmt/format.h>

#include "aggregator/ingest/calico_log.h"
#include "common/text.h"

namespace outflow::ingest {
namespace {

// The whole document is validated before it is looked at: simdjson's lazy parser does not survive
// every broken one (3.0.1, found by fuzzing). Tape and indexes are touched as far as they are used.
namespace json = simdjson::dom;

constexpr std::array<std::string_view, 3> kNodeLabels{"node", "hostname", "host"};

tl::unexpected<Error> bad_json(simdjson::error_code error) {
  return fail(fmt::format("not the JSON of a Loki answer: {}", simdjson::error_message(error)));
}

// The first label that names the node; "" when none does.
std::string_view node_of(const json::object& stream, std::string_view labels_key) {
  for (const std::string_view label : kNodeLabels) {
    std::string_view value;
    if (stream[labels_key][label].get(value) == simdjson::SUCCESS) return value;
  }
  return {};
}

// Collectors such as promtail's journal stage with `json: true` wrap the record; the kernel's text
// is its MESSAGE.
class Unwrapper {
 public:
  std::string_view unwrap(std::string_view line) {
    if (!line.starts_with('{') || line.size() > kLogLineBytesMax) return line;
    std::string_view message;
    if (parser_.parse(line.data(), line.size())["MESSAGE"].get(message) != simdjson::SUCCESS) {
      return line;
    }
    return message;
  }

 private:
  json::parser parser_;
};

bool parse_unix_ns(std::string_view text, TimePoint* time) {
  std::int64_t ns = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), ns);
  if (error != std::errc() || end != text.data() + text.size() || ns <= 0) return false;
  *time = from_unix_ns(ns);
  return true;
}

// ["<ns>", "<line>"], perhaps with structured metadata as a third.
LokiEntry read_value(json::element value) {
  LokiEntry entry;
  json::array pair;
  std::string_view stamp;
  if (value.get(pair) != simdjson::SUCCESS || pair.at(0).get(stamp) != simdjson::SUCCESS ||
      pair.at(1).get(entry.line) != simdjson::SUCCESS) {
    entry.problem = "bad-entry";
  } else if (!parse_unix_ns(stamp, &entry.time)) {
    entry.problem = "bad-time";
  }
  return entry;
}

Result<void> read_answer(const json::object& data, const LokiVisit& visit) {
  std::string_view type;
  if (data["resultType"].get(type) == simdjson::SUCCESS && type != "streams") {
    return fail("a Loki answer without lines: ask for a log query, not for a metric");
  }
  json::array streams;
  if (const auto error = data["result"].get(streams)) return bad_json(error);
  Unwrapper unwrapper;
  for (const json::element item : streams) {
    json::object stream;
    json::array values;
    if (const auto error = item.get(stream)) return bad_json(error);
    if (const auto error = stream["values"].get(values)) return bad_json(error);
    const std::string_view node = node_of(stream, "stream");
    for (const json::element value : values) {
      LokiEntry entry = read_value(value);
      entry.node = node;
      entry.line = unwrapper.unwrap(entry.line);
      if (auto visited = visit(entry); !visited) return visited;
    }
  }
  return {};
}

// {"labels": {...}, "line": "...", "timestamp": "2026-05-18T18:42:44.019231Z"}
Result<void> read_entry(const json::object& document, const LokiVisit& visit) {
  LokiEntry entry;
  std::string_view stamp;
  std::string_view message;
  if (document["error"].get(message) == simdjson::SUCCESS) {
    return fail(fmt::format("Loki answered with an error: {}", message.substr(0, 200)));
  }
  if (document["line"].get(entry.line) != simdjson::SUCCESS ||
      document["timestamp"].get(stamp) != simdjson::SUCCESS) {
    return fail("JSON, but neither a Loki answer (data.result) nor an entry (line, timestamp)");
  }
  entry.node = node_of(document, "labels");
  const auto time = parse_time(stamp);
  if (time) entry.time = *time;
  if (!time || entry.time <= TimePoint{}) entry.problem = "bad-time";
  Unwrapper unwrapper;
  entry.line = unwrapper.unwrap(entry.line);
  return visit(entry);
}

}  // namespace

Result<LokiKind> read_loki(std::string document, const LokiVisit& visit) {
  const std::size_t size = document.size();
  document.append(simdjson::SIMDJSON_PADDING, ' ');
  json::parser parser;
  json::element root;
  json::object object;
  if (const auto error = parser.parse(document.data(), size, false).get(root)) {
    return bad_json(error);
  }
  if (const auto error = root.get(object)) return bad_json(error);

  json::object data;
  const bool is_answer = object["data"].get(data) == simdjson::SUCCESS;
  auto read = is_answer ? read_answer(data, visit) : read_entry(object, visit);
  if (!read) return fail(std::move(read).error());
  return is_answer ? LokiKind::Answer : LokiKind::Entry;
}

std::size_t JsonExtent::take(std::string_view bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const char c = bytes[i];
    if (escaped_) {
      escaped_ = false;
    } else if (in_text_) {
      if (c == '\\') escaped_ = true;
      if (c == '"') in_text_ = false;
    } else if (c == '"') {
      in_text_ = true;
    } else if (c == '{' || c == '[') {
      ++depth_;
    } else if ((c == '}' || c == ']') && --depth_ == 0) {
      done_ = true;
      return i + 1;
    }
  }
  return bytes.size();
}

}  // namespace outflow::ingest
