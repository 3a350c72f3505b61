#include "common/text.h"

#include <array>
#include <charconv>
#include <limits>

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace outflow {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t ns;
};
// Longest name first, so that "ms" is not read as "m".
constexpr std::array<Unit, 6> kUnits{{{"ms", 1'000'000},
                                      {"w", 604'800'000'000'000},
                                      {"d", 86'400'000'000'000},
                                      {"h", 3'600'000'000'000},
                                      {"m", 60'000'000'000},
                                      {"s", 1'000'000'000}}};

tl::unexpected<Error> bad_duration(std::string_view text, std::string_view why) {
  return fail(fmt::format(
      "'{}' is no duration: {} (write a number and a unit: 500ms, 10s, 5m, 24h, 7d)", text, why));
}

// Reads exactly `digits` decimal digits at the front.
bool take_number(std::string_view& text, std::size_t digits, int& value) {
  if (text.size() < digits) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + digits, value);
  if (error != std::errc() || end != text.data() + digits || text.front() == '-') return false;
  text.remove_prefix(digits);
  return true;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

bool take_fraction(std::string_view& text, std::int64_t& ns) {
  std::int64_t scale = 100'000'000;
  std::size_t digits = 0;
  while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') {
    ns += (text[digits] - '0') * scale;
    scale /= 10;
    ++digits;
  }
  text.remove_prefix(digits);
  return digits > 0;
}

}  // namespace

Result<nanoseconds> parse_duration(std::string_view text) {
  if (text.empty()) return bad_duration(text, "it is empty");
  std::int64_t total = 0;
  for (std::string_view rest = text; !rest.empty();) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
    if (error == std::errc::result_out_of_range) return bad_duration(text, "it is too long");
    if (error != std::errc() || number < 0) return bad_duration(text, "a number is missing");
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    const Unit* unit = nullptr;
    for (const Unit& candidate : kUnits) {
      if (unit == nullptr && rest.starts_with(candidate.name)) unit = &candidate;
    }
    if (unit == nullptr) return bad_duration(text, "a unit is missing");
    rest.remove_prefix(unit->name.size());
    std::int64_t part = 0;
    if (__builtin_mul_overflow(number, unit->ns, &part) ||
        __builtin_add_overflow(total, part, &total)) {
      return bad_duration(text, "it is too long");
    }
  }
  return nanoseconds(total);
}

std::string to_text(nanoseconds duration) {
  constexpr std::array<Unit, 5> kDown{{{"d", 86'400'000'000'000},
                                       {"h", 3'600'000'000'000},
                                       {"m", 60'000'000'000},
                                       {"s", 1'000'000'000},
                                       {"ms", 1'000'000}}};
  std::int64_t rest = duration.count();
  std::string out = rest < 0 ? "-" : "";
  rest = rest < 0 ? -rest : rest;
  const std::size_t sign = out.size();
  for (const Unit& unit : kDown) {
    if (rest >= unit.ns) out += fmt::format("{}{}", rest / unit.ns, unit.name);
    rest %= unit.ns;
  }
  return out.size() > sign ? out : "0s";
}

std::string to_text(TimePoint time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const Day day = day_of(time);
  const auto of_day = std::chrono::hh_mm_ss(seconds - day);
  return fmt::format("{}T{:02}:{:02}:{:02}Z", to_text(day), of_day.hours().count(),
                     of_day.minutes().count(), of_day.seconds().count());
}

std::string to_text(Day day) {
  const std::chrono::year_month_day date(day);
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
}

Result<TimePoint> parse_time(std::string_view text) {
  const auto bad = [&] {
    return fail(fmt::format("'{}' is no time (write RFC 3339: 2026-05-18T18:42:44Z)", text));
  };
  std::string_view rest = text;
  int year = 0;
  int month = 0;
  int day = 0;
  if (!take_number(rest, 4, year) || !take(rest, '-') || !take_number(rest, 2, month) ||
      !take(rest, '-') || !take_number(rest, 2, day)) {
    return bad();
  }
  const std::chrono::year_month_day date(std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day)));
  // Nanoseconds in 64 bits reach from 1677 to 2262.
  if (!date.ok() || year < 1970 || year > 2261) return bad();
  const TimePoint midnight = Day(date);
  if (rest.empty()) return midnight;

  int hour = 0;
  int minute = 0;
  int second = 0;
  std::int64_t ns = 0;
  if (!(take(rest, 'T') || take(rest, 't') || take(rest, ' ')) || !take_number(rest, 2, hour) ||
      !take(rest, ':') || !take_number(rest, 2, minute) || !take(rest, ':') ||
      !take_number(rest, 2, second) || hour > 23 || minute > 59 || second > 60) {
    return bad();
  }
  if (take(rest, '.') && !take_fraction(rest, ns)) return bad();
  std::chrono::minutes offset(0);
  if (!(rest == "Z" || rest == "z")) {
    const int sign = take(rest, '+') ? 1 : take(rest, '-') ? -1 : 0;
    int offset_hour = 0;
    int offset_minute = 0;
    if (sign == 0 || !take_number(rest, 2, offset_hour) || !take(rest, ':') ||
        !take_number(rest, 2, offset_minute) || !rest.empty() || offset_hour > 23 ||
        offset_minute > 59) {
      return bad();
    }
    offset = sign * (std::chrono::hours(offset_hour) + std::chrono::minutes(offset_minute));
  }
  return midnight + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(second) + nanoseconds(ns) - offset;
}

}  // namespace outflow
