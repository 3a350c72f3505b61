#include "aggregator/ingest/log_line.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

#include "common/text.h"

namespace outflow::ingest {
namespace {

constexpr std::size_t kPrefixMax = 127;  // NF_LOG_PREFIXLEN - 1, linux/netfilter/nf_log.h
constexpr std::size_t kHostNameMax = 253;
constexpr std::chrono::days kHalfYear(183);

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

std::string_view take_word(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  const std::string_view word = text.substr(0, text.find(' '));
  text.remove_prefix(word.size());
  return word;
}

// "183210.118234" with one to nine digits after the point.
bool parse_seconds(std::string_view text, nanoseconds* value) {
  const std::size_t point = text.find('.');
  if (point == std::string_view::npos || point == 0 || point > 9) return false;
  const std::string_view fraction = text.substr(point + 1);
  if (fraction.empty() || fraction.size() > 9) return false;
  std::int64_t total = 0;
  for (std::size_t i = 0; i < point + 10; ++i) {
    const char c = i == point ? '0' : i < text.size() ? text[i] : '0';
    if (!is_digit(c)) return false;
    if (i != point) total = total * 10 + (c - '0');
  }
  *value = nanoseconds(total);
  return true;
}

// "18:42:44", with a fraction where the writer was precise.
bool parse_time_of_day(std::string_view text, nanoseconds* value) {
  if (text.size() < 8 || text[2] != ':' || text[5] != ':') return false;
  std::array<int, 3> part{};
  for (std::size_t i = 0; i < part.size(); ++i) {
    const char tens = text[i * 3];
    const char ones = text[i * 3 + 1];
    if (!is_digit(tens) || !is_digit(ones)) return false;
    part[i] = (tens - '0') * 10 + (ones - '0');
  }
  if (part[0] > 23 || part[1] > 59 || part[2] > 60) return false;
  nanoseconds fraction{0};
  if (text.size() > 8 && !parse_seconds("0" + std::string(text.substr(8)), &fraction)) return false;
  *value = std::chrono::hours(part[0]) + std::chrono::minutes(part[1]) +
           std::chrono::seconds(part[2]) + fraction;
  return true;
}

// RFC 3339 as syslog daemons, journalctl ("+0000") and dmesg (",019231") write it.
std::optional<TimePoint> parse_iso(std::string_view word) {
  std::string text(word);
  std::replace(text.begin(), text.end(), ',', '.');
  const std::size_t size = text.size();
  if (size > 5 && (text[size - 5] == '+' || text[size - 5] == '-') && text.find('T') < size - 5) {
    text.insert(size - 2, ":");
  }
  auto time = parse_time(text);
  if (!time) return std::nullopt;
  return *time;
}

unsigned month_number(std::string_view name) {
  constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto* found = std::find(kMonths.begin(), kMonths.end(), name);
  return found == kMonths.end() ? 0 : static_cast<unsigned>(found - kMonths.begin()) + 1;
}

// The host stands before the tag "kernel:"; dmesg's ISO form has neither.
std::string_view host_before_tag(std::string_view rest) {
  const std::string_view host = take_word(rest);
  const std::string_view tag = take_word(rest);
  const bool is_tag = tag == "kernel" || tag.starts_with("kernel:") || tag.starts_with("kernel[");
  return is_tag ? host : std::string_view();
}

std::optional<LogHeader> read_iso(std::string_view head) {
  LogHeader header;
  header.form = LogForm::IsoSyslog;
  const auto time = parse_iso(take_word(head));
  if (!time) return std::nullopt;
  header.time = *time;
  header.host = host_before_tag(head);
  return header;
}

std::optional<LogHeader> read_syslog(unsigned month, std::string_view head) {
  LogHeader header;
  header.form = LogForm::Syslog;
  take_word(head);
  const std::string_view day_word = take_word(head);
  unsigned day = 0;
  const auto [end, error] =
      std::from_chars(day_word.data(), day_word.data() + day_word.size(), day);
  if (error != std::errc() || end != day_word.data() + day_word.size()) return std::nullopt;
  header.date = std::chrono::month(month) / std::chrono::day(day);
  if (!header.date.ok() || !parse_time_of_day(take_word(head), &header.time_of_day)) {
    return std::nullopt;
  }
  header.host = host_before_tag(head);
  return header;
}

std::optional<LogHeader> read_kernel(std::string_view head) {
  const std::size_t close = head.find(']');
  if (close == std::string_view::npos) return std::nullopt;
  std::string_view inside = head.substr(1, close - 1);
  LogHeader header;
  header.form = LogForm::Kernel;
  if (!parse_seconds(take_word(inside), &header.uptime)) return std::nullopt;
  return header;
}

// "node-20114 [000] ..s2. 5210.002311: bpf_trace_printk: "; the task's name is any text.
std::optional<LogHeader> read_trace_pipe(std::string_view head) {
  const std::size_t function = head.rfind(": ");
  if (function == std::string_view::npos) return std::nullopt;
  std::string_view before = head.substr(0, function);  // "... 5210.002311: bpf_trace_printk"
  const std::size_t stamp_end = before.rfind(": ");
  if (stamp_end == std::string_view::npos) return std::nullopt;
  before = before.substr(0, stamp_end);
  const std::size_t space = before.rfind(' ');
  LogHeader header;
  header.form = LogForm::Trace;
  const std::string_view stamp =
      space == std::string_view::npos ? before : before.substr(space + 1);
  if (!parse_seconds(stamp, &header.uptime)) return std::nullopt;
  return header;
}

// What Felix lets a user set as prefix, and nothing that was put in front of it.
bool is_log_prefix(std::string_view head) {
  return head.size() <= kPrefixMax && head.find("kernel:") == std::string_view::npos &&
         std::all_of(head.begin(), head.end(), [](char c) {
           return is_digit(c) || is_letter(c) ||
                  std::string_view("%: /_-").find(c) != std::string_view::npos;
         });
}

}  // namespace

std::optional<LogHeader> read_header(std::string_view head) {
  // "<5>" of a raw kernel or syslog message, "1 " of RFC 5424 after it.
  if (head.starts_with('<')) {
    const std::size_t close = head.find('>');
    if (close == std::string_view::npos || close > 4) return std::nullopt;
    head.remove_prefix(close + 1);
    if (head.starts_with("1 ")) head.remove_prefix(2);
  }
  if (head.size() > 5 && is_digit(head[0]) && is_digit(head[3]) && head[4] == '-') {
    return read_iso(head);
  }
  if (const unsigned month = month_number(head.substr(0, 3));
      month > 0 && head.size() > 3 && head[3] == ' ') {
    return read_syslog(month, head);
  }
  if (head.starts_with('[')) return read_kernel(head);
  if (is_log_prefix(head)) return LogHeader{};
  return read_trace_pipe(head);
}

std::optional<TimePoint> YearKeeper::resolve(const LogHeader& header) {
  const auto in_year = [&](int year) -> std::optional<Day> {
    const auto date = std::chrono::year(year) / header.date;
    return date.ok() ? std::optional<Day>(Day(date)) : std::nullopt;
  };
  // Compared by the first of the month's day 1..28, which every year has.
  const auto rough = [&](int year) {
    return Day(std::chrono::year(year) / header.date.month() /
               std::min(header.date.day(), std::chrono::day(28)));
  };
  int year = year_;
  if (last_ && rough(year) < *last_ - kHalfYear) ++year;
  if (last_ && year_ > first_ && rough(year) > *last_ + kHalfYear) --year;
  const auto day = in_year(year);
  if (!day) return std::nullopt;
  year_ = year;
  last_ = *day;
  return TimePoint(*day) + header.time_of_day;
}

bool is_host_name(std::string_view name) {
  return !name.empty() && name.size() <= kHostNameMax &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return is_digit(c) || is_letter(c) || c == '.' || c == '_' || c == '-';
         });
}

}  // namespace outflow::ingest
