// How a reflector goes on: what an answer, or the end of one, means.
#include <algorithm>
#include <utility>

#include "aggregator/kube/reflector_flight.h"

namespace outflow::kube {
namespace {

using namespace std::chrono_literals;

constexpr int kBadRequest = 400;
constexpr int kForbidden = 403;
constexpr int kNotFound = 404;
constexpr int kGone = 410;
constexpr int kInvalid = 422;
constexpr int kTooManyRequests = 429;
constexpr int kServerError = 500;
constexpr int kUnavailable = 503;
constexpr int kGatewayTimeout = 504;

constexpr auto kWatchShort = 1s;

std::string text_of(const Status& status) {
  std::string text = std::to_string(status.code);
  if (!status.reason.empty()) text += " " + status.reason;
  if (!status.message.empty()) text += ": " + status.message;
  return text;
}

bool is_passing(int code) {
  return code == kTooManyRequests || code == kUnavailable || code == kGatewayTimeout;
}

}  // namespace

Reflector::Outcome Reflector::after_error_event(const Status& status) const {
  Outcome outcome{Turn::Relist, text_of(status), status.retry_after_seconds};
  if (stage_ == Stage::WatchList && status.code != kGone) {
    outcome.turn = is_passing(status.code) ? Turn::Again : Turn::NoWatchList;
  } else if (is_passing(status.code)) {
    outcome.turn = Turn::Again;
  }
  return outcome;
}

Reflector::Outcome Reflector::refused() const {
  const Status status = decode_status(flight_->body, flight_->code);
  Outcome outcome{Turn::Again, "HTTP " + text_of(status),
                  std::max<std::int64_t>(flight_->retry_after, status.retry_after_seconds)};
  const int code = flight_->code;
  const bool bad_question = code == kBadRequest || code == kInvalid;
  // After a few failures perhaps it is the question that the server cannot bear.
  const bool given_up = code >= kServerError && !is_passing(code) && failures_ + 1 >= kRetries;
  if (code == kForbidden || code == kNotFound) {
    outcome.turn = Turn::Absent;
  } else if (code == kGone) {
    outcome.turn = continue_.empty() ? Turn::Relist : Turn::LargerPages;
  } else if (stage_ == Stage::WatchList && (bad_question || given_up)) {
    outcome.turn = Turn::NoWatchList;
  } else if (bad_question) {
    outcome.turn = Turn::Relist;
  }
  return outcome;
}

Reflector::Outcome Reflector::finish_page(Now now) {
  if (continue_.empty()) begin_list();
  auto meta = decode_list(source(), flight_->body,
                          [&](Item item) { take_item(std::move(item), false, now); });
  if (!meta) return {Turn::Relist, meta.error().what};
  if (meta->resource_version.empty()) return {Turn::Relist, "a list without resourceVersion"};
  // Of the first page and of all that belong to it.
  resource_version_ = std::move(meta->resource_version);
  continue_ = std::move(meta->continue_token);
  if (continue_.empty()) end_list(now);
  return {};
}

Reflector::Outcome Reflector::outcome_of(const std::string& broken, Now now) {
  if (flight_->verdict) return *flight_->verdict;
  if (!broken.empty()) return {Turn::Again, broken};
  if (flight_->code != kOk) return refused();
  switch (stage_) {
    case Stage::List:
      return finish_page(now);
    case Stage::WatchList:
      return {Turn::NoWatchList, "ended before the initial events' end"};
    default:
      if (!flight_->told && now.steady - flight_->begun < kWatchShort) {
        return {Turn::Again, "the server ended it at once"};
      }
      return {};
  }
}

}  // namespace outflow::kube
