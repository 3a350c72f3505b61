#include "aggregator/kube/reflector.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "aggregator/kube/reflector_flight.h"

namespace outflow::kube {
namespace {

using namespace std::chrono_literals;

constexpr int kUnauthorized = 401;

// A watch whose server says nothing for so long has been accepted: a refusal comes at once.
constexpr auto kAcceptedAfter = 2s;

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.' || c == '~';
}

// RFC 3986, 2.1.
std::string percent_encoded(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    if (is_unreserved(c)) {
      encoded += c;
      continue;
    }
    const auto byte = static_cast<std::uint8_t>(c);
    encoded += {'%', kHex[byte >> 4U], kHex[byte & 15U]};
  }
  return encoded;
}

}  // namespace

Reflector::Reflector(Kind kind, inventory::Sink& sink, Options options)
    : kind_(kind),
      resource_(resource_of(kind)),
      sink_(sink),
      options_(std::move(options)),
      random_(static_cast<std::uint32_t>(options_.seed)),
      stage_(options_.watch_list ? Stage::WatchList : Stage::List),
      watch_list_(options_.watch_list),
      page_items_(options_.page_items) {}

Reflector::~Reflector() = default;

Source Reflector::source() const {
  return {kind_, flight_->encoding, otherwise_};
}

std::optional<SteadyTime> Reflector::due() const {
  return flight_ ? std::nullopt : std::optional(due_);
}

std::chrono::milliseconds Reflector::random_up_to(std::chrono::milliseconds bound) {
  return std::chrono::milliseconds(
      std::uniform_int_distribution<std::int64_t>(0, bound.count())(random_));
}

std::string Reflector::within_step(const std::string& why) const {
  return (stage_ == Stage::Watch ? "watch " : "list ") + std::string(path()) + ": " + why;
}

Request Reflector::list_request() const {
  std::string query = "?limit=" + std::to_string(page_items_);
  if (!continue_.empty()) query += "&continue=" + percent_encoded(continue_);
  return {std::string(path()) + query, accept_of(resource_, false), kListTime};
}

Request Reflector::watch_request() {
  const auto time = kWatchMin + std::chrono::duration_cast<std::chrono::seconds>(
                                    random_up_to(kWatchMax - kWatchMin));
  std::string query =
      "?watch=true&allowWatchBookmarks=true&timeoutSeconds=" + std::to_string(time.count());
  if (stage_ == Stage::WatchList) {
    query += "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan";
  } else {
    query += "&resourceVersion=" + percent_encoded(resource_version_);
  }
  return {std::string(path()) + query, accept_of(resource_, true), time + kWatchGrace};
}

Request Reflector::begin(Now now) {
  assert(!flight_);
  ++counts_.requests;
  if (stage_ == Stage::Watch) ++counts_.watches;
  flight_ = std::make_unique<Flight>();
  flight_->begun = flight_->heard = now.steady;
  return stage_ == Stage::List ? list_request() : watch_request();
}

void Reflector::begin_list() {
  ++counts_.lists;
  if (listed_once_) ++counts_.relists;
  sink_.begin_list(kind_);
}

void Reflector::end_list(Now now) {
  sink_.end_list(kind_, now.wall);
  listed_once_ = true;
  stage_ = Stage::Watch;
  continue_.clear();
  calm(now);
}

void Reflector::head(int http_code, std::string_view content_type, std::int64_t retry_after) {
  flight_->code = http_code;
  flight_->retry_after = retry_after;
  unauthorized_ = http_code == kUnauthorized;
  if (http_code != kOk) return;
  auto encoding = encoding_of(content_type);
  if (!encoding) {
    flight_->verdict = Outcome{Turn::Again, encoding.error().what};
    return;
  }
  flight_->encoding = *encoding;
  if (stage_ != Stage::List) flight_->frames.emplace(*encoding);
  if (stage_ == Stage::WatchList) begin_list();
}

bool Reflector::body(std::string_view bytes, Now now) {
  counts_.bytes += bytes.size();
  if (flight_->verdict) return false;
  flight_->heard = now.steady;
  if (flight_->code != kOk) {
    flight_->body.append(
        bytes.substr(0, kErrorBytesMax - std::min(kErrorBytesMax, flight_->body.size())));
    return true;
  }
  if (stage_ == Stage::List) {
    if (flight_->body.size() + bytes.size() > kPageBytesMax) {
      page_items_ = std::max(1U, page_items_ / 4);
      flight_->verdict = Outcome{
          Turn::Relist, "a page of more than " + std::to_string(kPageBytesMax >> 20U) + " MiB"};
      return false;
    }
    flight_->body.append(bytes);
    return true;
  }
  const auto fed =
      flight_->frames->feed(bytes, [&](std::string_view frame) { return take_event(frame, now); });
  // Going on from where it was would meet the same bytes again; a list does not.
  if (!fed) flight_->verdict = Outcome{Turn::Relist, fed.error().what};
  if (flight_->verdict) return false;
  if (stage_ == Stage::Watch) calm(now);
  return true;
}

void Reflector::alive(Now then) {
  if (stage_ != Stage::Watch || flight_->code != kOk || flight_->verdict) return;
  if (flight_->frames->pending() > 0) return;
  calm(then);
}

bool Reflector::tick(Now now) {
  if (flight_->verdict) return false;
  if (flight_->code != kOk || stage_ == Stage::List) return true;
  if (stage_ == Stage::Watch) {
    if (!flight_->calm && now.steady - flight_->heard >= kAcceptedAfter) calm(now);
    return true;
  }
  if (now.steady - flight_->heard < kInitialSilence) return true;
  flight_->verdict = Outcome{Turn::NoWatchList, "no end of the initial events"};
  return false;
}

bool Reflector::take_event(std::string_view frame, Now now) {
  auto event = decode_event(source(), frame);
  if (!event) {
    flight_->verdict = Outcome{Turn::Relist, event.error().what};
    return false;
  }
  ++counts_.events;
  flight_->told = true;
  switch (event->type) {
    case EventType::Error:
      flight_->verdict = after_error_event(event->status);
      return false;
    case EventType::Bookmark:
      take_bookmark(event->item, now);
      return !flight_->verdict;
    default:
      if (!event->item.resource_version.empty()) {
        resource_version_ = event->item.resource_version;
      }
      take_item(std::move(event->item), event->type == EventType::Deleted, now);
      return true;
  }
}

void Reflector::take_bookmark(const Item& item, Now now) {
  if (!item.resource_version.empty()) resource_version_ = item.resource_version;
  if (stage_ != Stage::WatchList) return;
  if (item.initial_events_end) {
    end_list(now);
  } else {
    flight_->verdict = Outcome{Turn::NoWatchList, "a bookmark before the initial events' end"};
  }
}

void Reflector::take_item(Item item, bool deleted, Now now) {
  if (!item.object) {
    ++counts_.bad;
    options_.bad(kind_, item.problem);
    return;
  }
  ++counts_.objects;
  if (deleted) {
    sink_.remove(std::move(*item.object), now.wall);
  } else {
    sink_.put(std::move(*item.object), now.wall);
  }
}

void Reflector::end(const std::string& broken, Now now) {
  const Outcome outcome = outcome_of(broken, now);
  flight_.reset();
  go_on(outcome, now);
}

void Reflector::start_over() {
  stage_ = watch_list_ ? Stage::WatchList : Stage::List;
  continue_.clear();
  resource_version_.clear();
}

void Reflector::go_on(const Outcome& outcome, Now now) {
  due_ = now.steady;
  switch (outcome.turn) {
    case Turn::Good:
      return;
    case Turn::Absent:
      // Every cluster has the built-in kinds: who may not read them is blind, and says so.
      if (!resource_.json_only) break;
      take_absence(within_step(outcome.why), now);
      return;
    case Turn::NoWatchList:
      watch_list_ = false;
      start_over();
      return;
    default:
      break;
  }
  trouble_ = within_step(outcome.why);
  absent_ = false;
  ++counts_.failures;
  // A server that has forgotten our version is well: it is asked soon, but not again and again.
  if (outcome.turn == Turn::Relist && (!relisted_ || now.steady - *relisted_ >= kHealthyAfter)) {
    failures_ = 0;
    relisted_ = now.steady;
  }
  wait(outcome.retry_after, now);
  // A page may come at the second try, and the list goes on: nothing is lost yet.
  if (outcome.turn == Turn::Again && !continue_.empty() && failures_ < kRetries) return;
  sink_.fail(kind_, trouble_);
  if (outcome.turn == Turn::LargerPages) {
    page_items_ = std::max(page_items_, std::min(page_items_ * 4, kPageItemsMax));
  }
  if (outcome.turn != Turn::Again || stage_ != Stage::Watch) start_over();
}

void Reflector::wait(std::int64_t retry_after, Now now) {
  if (healthy_since_ && now.steady - *healthy_since_ >= kHealthyAfter) failures_ = 0;
  healthy_since_.reset();
  std::chrono::milliseconds bound = kBackoffMin;
  for (unsigned i = 0; i < failures_ && bound < kBackoffMax; ++i) bound *= 2;
  ++failures_;
  const std::chrono::milliseconds told =
      std::chrono::seconds(std::clamp<std::int64_t>(retry_after, 0, kRetryAfterMax.count()));
  due_ = now.steady +
         std::max(told, random_up_to(std::min<std::chrono::milliseconds>(bound, kBackoffMax)));
}

void Reflector::take_absence(const std::string& why, Now now) {
  start_over();
  if (!otherwise_ && !resource_.otherwise.empty()) {
    otherwise_ = true;
    first_refusal_ = why;
    return;
  }
  trouble_ = otherwise_ ? first_refusal_ + "; " + why : why;
  absent_ = true;
  otherwise_ = false;
  healthy_since_.reset();
  due_ = now.steady + kAbsentRetry / 2 + random_up_to(kAbsentRetry);
  sink_.absent(kind_, trouble_);
}

void Reflector::calm(Now now) {
  if (flight_) flight_->calm = true;
  trouble_.clear();
  absent_ = false;
  if (!healthy_since_) healthy_since_ = now.steady;
  sink_.heard(kind_, now.wall);
}

}  // namespace outflow::kube
