// How times, days and durations are written and read, the same in flags, tables, JSON and policies.
#pragma once

#include <string>
#include <string_view>

#include "common/clock.h"
#include "common/result.h"

namespace outflow {

// "90s", "10m", "24h", "7d", "500ms", "2w": a whole number and a unit (ms, s, m, h, d, w), both
// required; sums such as "1h30m" are read too. Negative and overflowing values are refused.
[[nodiscard]] Result<nanoseconds> parse_duration(std::string_view text);

// The largest units that say it exactly to the millisecond: "7d", "1h30m", "250ms", "0s".
[[nodiscard]] std::string to_text(nanoseconds duration);

// RFC 3339 in UTC, to the second: "2026-05-18T18:42:44Z".
[[nodiscard]] std::string to_text(TimePoint time);

// "2026-05-18".
[[nodiscard]] std::string to_text(Day day);

// RFC 3339 with 'Z' or an offset and an optional fraction, or a date alone (midnight UTC).
[[nodiscard]] Result<TimePoint> parse_time(std::string_view text);

}  // namespace outflow
