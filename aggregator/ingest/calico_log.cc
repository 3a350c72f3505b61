#include "aggregator/ingest/calico_log.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "aggregator/ingest/line_digest.h"
#include "aggregator/ingest/log_line.h"
#include "aggregator/ingest/log_packet.h"
#include "aggregator/ingest/loki_json.h"

namespace outflow::ingest {
namespace {

// Times must be after the epoch (which means "none" in FlowStats) and fit 64 bits of nanoseconds.
constexpr TimePoint kTimeMin{nanoseconds(1)};
constexpr TimePoint kTimeMax{std::chrono::days(106'751)};  // 2262-04-11

// Foreign bytes fit for a terminal, in at most `room` bytes.
std::string sanitized(std::string_view text, std::size_t room) {
  std::string out;
  for (const char c : text.substr(0, room)) out += (c >= ' ' && c < '\x7f') ? c : '?';
  return out;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.back() == ' ' || text.back() == '\r' || text.back() == '\n')) {
    text.remove_suffix(1);
  }
  return text;
}

// What a form without full time needs, as its refusal says it.
std::string_view refusal_of(LogForm form) {
  switch (form) {
    case LogForm::Kernel:
      return "a kernel line has only the seconds since boot: give the node's --boot-time";
    case LogForm::Trace:
      return "an eBPF trace line has only the seconds since boot: give the node's --boot-time";
    case LogForm::Syslog:
      return "the date has no year: give that of the file's first line with --year";
    case LogForm::Message:
    case LogForm::IsoSyslog:
      break;
  }
  return "a bare message carries no time: say when it was written with --at";
}

}  // namespace

FlowStats stats_of(const LogFlow& flow) {
  FlowStats stats;
  const bool has_opening = flow.protocol == Protocol::Tcp || flow.protocol == Protocol::Sctp;
  stats.attempts = has_opening || flow.denied ? 1 : 0;
  stats.packets = flow.denied ? 0 : 1;
  stats.bytes = flow.denied ? 0 : flow.bytes;
  stats.flags = kFlowFromLog;
  stats.first_seen = flow.time;
  stats.last_seen = flow.time;
  return stats;
}

struct LogParser::State {
  State(LogOptions given, Sink to) : options(std::move(given)), sink(std::move(to)) {
    if (options.year) years.emplace(*options.year);
  }

  // One text line, or one JSON entry with the time its stream gives it.
  Result<void> take_line(std::string_view line);
  Result<void> take_entry(const LokiEntry& entry);
  Result<void> take_json(std::string_view bytes);
  Result<void> take_text(std::string_view bytes);
  Result<void> end_line();
  Result<void> end_document();

  Result<void> take_packet(std::string_view line, const LokiEntry* entry);
  // nullopt: counted as unreadable. An Error: refused without an option.
  Result<std::optional<TimePoint>> time_of(const LogHeader& header, std::string_view line);
  void skip(std::string_view reason) { ++counts.skipped[std::string(reason)]; }
  void unreadable(std::string_view reason, std::string_view line);
  [[nodiscard]] std::string place() const {
    return fmt::format("{} {}", is_json ? "entry" : "line", counts.lines);
  }

  const LogOptions options;
  const Sink sink;
  LogCounts counts;
  LineDigests digests;
  std::optional<YearKeeper> years;

  bool started = false;
  bool is_json = false;
  bool known_form = false;  // something in the file was what it should be
  std::string pending;      // the line or document not yet complete
  bool overlong = false;    // the pending line is over its limit: the rest of it is dropped
  std::optional<JsonExtent> extent;  // of the document that is pending
};

void LogParser::State::unreadable(std::string_view reason, std::string_view line) {
  ++counts.unreadable[std::string(reason)];
  if (counts.examples.size() >= kLogExamplesMax) return;
  std::string example = fmt::format("{}: {}: ", place(), reason);
  example += sanitized(line, kLogExampleBytesMax - std::min(kLogExampleBytesMax, example.size()));
  counts.examples.push_back(std::move(example));
}

Result<std::optional<TimePoint>> LogParser::State::time_of(const LogHeader& header,
                                                           std::string_view line) {
  std::optional<TimePoint> time;
  bool can_tell = true;
  switch (header.form) {
    case LogForm::Message:
      can_tell = options.at.has_value();
      time = options.at;
      break;
    case LogForm::Kernel:
    case LogForm::Trace:
      can_tell = options.boot_time.has_value();
      if (can_tell && *options.boot_time <= kTimeMax - header.uptime) {
        time = *options.boot_time + header.uptime;
      }
      break;
    case LogForm::Syslog:
      can_tell = years.has_value();
      if (can_tell) time = years->resolve(header);
      break;
    case LogForm::IsoSyslog:
      time = header.time;
      break;
  }
  if (!can_tell) return fail(fmt::format("{}: {}", place(), refusal_of(header.form)));
  if (time && *time >= kTimeMin && *time <= kTimeMax) return time;
  unreadable("bad-time", line);
  return std::optional<TimePoint>();
}

Result<void> LogParser::State::take_packet(std::string_view line, const LokiEntry* entry) {
  const bool is_comment = line.empty() || line.front() == '#';
  const auto trace = find_trace(line);
  const auto packet_at = trace ? trace : find_netfilter(line);
  auto header = read_header(line.substr(0, packet_at.value_or(line.size())));
  if (!packet_at) {
    const bool is_log = entry != nullptr || (header && header->form != LogForm::Message) ||
                        line.find("bpf_trace_printk:") != std::string_view::npos;
    known_form = known_form || is_log;
    if (is_log || is_comment) {
      skip(is_log ? "other-message" : "no-message");
    } else {
      unreadable("unknown-form", line);
    }
    return {};
  }

  const std::string_view body = trimmed(line.substr(*packet_at));
  // With its last space, which tells a whole value from a cut one.
  const PacketReading reading = trace ? read_trace(body) : read_netfilter(line.substr(*packet_at));
  known_form = true;
  if (reading.verdict == Verdict::Skipped) {
    skip(reading.reason);
    return {};
  }
  if (reading.verdict == Verdict::Unreadable) {
    unreadable(reading.reason, line);
    return {};
  }
  if (entry == nullptr && !header) {
    unreadable("unknown-header", line);
    return {};
  }

  LogFlow flow;
  if (entry != nullptr) {
    flow.time = entry->time;
    flow.node = entry->node;
  } else {
    auto time = time_of(*header, line);
    if (!time) return fail(std::move(time).error());
    if (!*time) return {};
    flow.time = **time;
  }
  if (flow.node.empty() && header) flow.node = header->host;
  if (flow.node.empty()) flow.node = options.node;
  if (!is_host_name(flow.node)) {
    unreadable("bad-host", line);
    return {};
  }
  flow.interface_name = reading.packet.interface_name;
  flow.source = reading.packet.source;
  flow.destination = reading.packet.destination;
  flow.port = reading.packet.port;
  flow.protocol = reading.packet.protocol;
  flow.bytes = reading.packet.bytes;
  flow.denied = reading.packet.denied;
  flow.digest = digests.next(flow.node, flow.time, body);
  ++counts.flows;
  return sink(std::move(flow));
}

Result<void> LogParser::State::take_entry(const LokiEntry& entry) {
  ++counts.lines;
  known_form = true;
  if (!entry.problem.empty()) {
    unreadable(entry.problem, entry.line);
    return {};
  }
  if (entry.line.size() > kLogLineBytesMax) {
    unreadable("line-too-long", entry.line);
    return {};
  }
  return take_packet(entry.line, &entry);
}

Result<void> LogParser::State::end_line() {
  ++counts.lines;
  if (std::exchange(overlong, false)) {
    unreadable("line-too-long", pending);
    pending.clear();
    return {};
  }
  if (pending.ends_with('\r')) pending.pop_back();
  auto taken = take_packet(pending, nullptr);
  pending.clear();
  return taken;
}

Result<void> LogParser::State::take_text(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    const std::string_view part = bytes.substr(0, end);
    const std::size_t room = kLogLineBytesMax - pending.size();
    overlong = overlong || part.size() > room;
    pending += part.substr(0, room);
    if (end == std::string_view::npos) return {};
    bytes.remove_prefix(end + 1);
    if (auto ended = end_line(); !ended) return ended;
  }
  return {};
}

Result<void> LogParser::State::end_document() {
  extent.reset();
  auto kind = read_loki(std::exchange(pending, {}),
                        [this](const LokiEntry& entry) { return take_entry(entry); });
  if (!kind) {
    return fail(std::move(kind).error().within(fmt::format("after entry {}", counts.lines)));
  }
  known_form = true;
  // Pages overlap: each counts its equal lines from the start. Single entries are one page.
  if (*kind == LokiKind::Answer) digests.start_file();
  return {};
}

Result<void> LogParser::State::take_json(std::string_view bytes) {
  while (!bytes.empty()) {
    if (!extent) {
      bytes.remove_prefix(std::min(bytes.find_first_not_of(" \t\r\n"), bytes.size()));
      if (bytes.empty()) return {};
      if (bytes.front() != '{') {
        return fail(fmt::format("after entry {}: text between JSON answers", counts.lines));
      }
      extent.emplace();
    }
    const std::size_t size = extent->take(bytes);
    if (size > kLogJsonBytesMax - pending.size()) {
      return fail(
          fmt::format("after entry {}: a JSON answer of more than {} MiB: ask Loki for "
                      "smaller pages",
                      counts.lines, kLogJsonBytesMax >> 20U));
    }
    pending += bytes.substr(0, size);
    bytes.remove_prefix(size);
    if (!extent->done()) return {};
    if (auto ended = end_document(); !ended) return ended;
  }
  return {};
}

LogParser::LogParser(LogOptions options, Sink sink)
    : state_(std::make_unique<State>(std::move(options), std::move(sink))) {}
LogParser::~LogParser() = default;

Result<void> LogParser::feed(std::string_view bytes) {
  if (!state_->started) {
    const std::size_t first = bytes.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos) {
      return state_->take_text(bytes);  // blank lines in front of either kind
    }
    state_->started = true;
    state_->is_json = bytes[first] == '{';
    if (state_->is_json) bytes.remove_prefix(first);
  }
  return state_->is_json ? state_->take_json(bytes) : state_->take_text(bytes);
}

Result<void> LogParser::finish() {
  State& state = *state_;
  if (state.extent) {
    return fail(
        fmt::format("after entry {}: the JSON answer ends in the middle", state.counts.lines));
  }
  if (!state.pending.empty() || state.overlong) {
    if (auto ended = state.end_line(); !ended) return ended;
  }
  if (state.known_form || state.counts.unreadable.empty()) return {};
  return fail(fmt::format("none of {} lines is of a known form; {}", state.counts.lines,
                          state.counts.examples.front()));
}

const LogCounts& LogParser::counts() const {
  return state_->counts;
}

}  // namespace outflow::ingest
