#include "aggregator/kube/h2_client.h"

#include <algorithm>

#include "common/log.h"

namespace outflow::kube {
namespace {

// What the server says it has not touched is sent again so often.
constexpr unsigned kTries = 3;

}  // namespace

void H2Client::start(const Request& request, std::shared_ptr<const Credentials> credentials,
                     Exchange& exchange, SteadyTime now) {
  credentials_ = credentials;
  place({request, &exchange, std::move(credentials), now + request.time_limit}, now);
}

void H2Client::place(H2Transfer transfer, SteadyTime now) {
  const auto suits = [&](const auto& one) { return one->suits(*transfer.credentials); };
  auto found = std::find_if(connections_.begin(), connections_.end(), suits);
  if (found == connections_.end()) {
    ++connections_made_;
    connections_.push_back(std::make_unique<H2Connection>(transfer.credentials, now));
    found = std::prev(connections_.end());
  }
  ++transfer.tries;
  (*found)->add(transfer);
  const Exchange* const exchange = transfer.exchange;
  places_.insert_or_assign(exchange, Place{std::move(transfer), found->get()});
}

bool H2Client::forget(const Exchange& exchange) {
  const auto found = places_.find(&exchange);
  if (found == places_.end()) return false;
  found->second.on->drop(exchange);
  places_.erase(found);
  return true;
}

void H2Client::collect(H2Connection& connection, std::vector<H2Transfer>& homeless) {
  for (H2Transfer& transfer : connection.take_spilled()) homeless.push_back(std::move(transfer));
  for (H2Session::Ended& ended : connection.take_ended()) {
    const auto found = places_.find(ended.exchange);
    if (found == places_.end()) continue;
    if (ended.untouched && found->second.transfer.tries < kTries) {
      homeless.push_back(std::move(found->second.transfer));
    } else {
      ended_.emplace_back(ended.exchange, std::move(ended.why));
      places_.erase(found);
    }
  }
}

void H2Client::go_round(SteadyTime now, Turn& turn) {
  std::vector<H2Transfer> homeless;
  for (const auto& connection : connections_) {
    turn.more = connection->turn(now) || turn.more;
    std::vector<H2Transfer>& rest = connection->is_old_http() ? turn.for_http1 : homeless;
    collect(*connection, rest);
  }
  for (const H2Transfer& transfer : turn.for_http1) places_.erase(transfer.exchange);
  for (H2Transfer& transfer : homeless) {
    place(std::move(transfer), now);
    turn.more = true;  // a connection may be begun, or be written to
  }
  std::erase_if(connections_, [&](const auto& one) {
    const bool outdated = one->leaving() || !same_tls(one->credentials(), *credentials_);
    return one->over() || (one->idle() && outdated);
  });
}

void H2Client::end_late(SteadyTime now) {
  for (auto place = places_.begin(); place != places_.end();) {
    const H2Transfer& transfer = place->second.transfer;
    if (now < transfer.deadline) {
      ++place;
      continue;
    }
    place->second.on->drop(*transfer.exchange);
    ended_.emplace_back(
        transfer.exchange,
        "timed out after " + std::to_string(transfer.request.time_limit.count()) + " s");
    place = places_.erase(place);
  }
}

H2Client::Turn H2Client::turn(SteadyTime now) {
  Turn turn;
  end_late(now);
  go_round(now, turn);
  const auto ended = std::exchange(ended_, {});
  for (const auto& [exchange, why] : ended) exchange->end(why);
  turn.ended = !ended.empty();
  return turn;
}

void H2Client::wants(std::vector<pollfd>& fds) const {
  for (const auto& connection : connections_) {
    const pollfd wanted = connection->wants();
    if (wanted.fd >= 0) fds.push_back(wanted);
  }
}

SteadyTime H2Client::due() const {
  SteadyTime due = SteadyTime::max();
  for (const auto& connection : connections_) due = std::min(due, connection->due());
  for (const auto& [exchange, place] : places_) due = std::min(due, place.transfer.deadline);
  return due;
}

}  // namespace outflow::kube
