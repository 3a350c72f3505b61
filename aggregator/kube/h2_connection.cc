#include "aggregator/kube/h2_connection.h"

#include <algorithm>
#include <array>
#include <utility>

namespace outflow::kube {
namespace {

// A TLS record has at most 16 KiB (RFC 8446, 5.1). After so many it is another's turn.
constexpr std::size_t kReadBytes = std::size_t{16} << 10U;
constexpr int kReadsATurn = 64;

HeaderLines headers_of(const H2Transfer& transfer, const Authority& to) {
  HeaderLines lines = {{":method", "GET"},
                       {":scheme", "https"},
                       {":authority", to.authority},
                       {":path", to.prefix + transfer.request.path},
                       {"accept", transfer.request.accept},
                       {"user-agent", std::string(kUserAgent)}};
  const std::string& token = transfer.credentials->token;
  if (!token.empty()) lines.emplace_back("!authorization", "Bearer " + token);
  return lines;
}

}  // namespace

H2Connection::H2Connection(std::shared_ptr<const Credentials> credentials, SteadyTime now)
    : credentials_(std::move(credentials)),
      stream_(*credentials_, now),
      heard_(now),
      next_ping_(now + kPingEvery) {
  // What is wrong with it is told by the stream.
  if (auto to = authority_of(credentials_->server)) to_ = std::move(*to);
}

bool H2Connection::turn(SteadyTime now) {
  if (over_ || (!open_ && !go_on_opening(now))) return false;
  const auto more = read(now);
  if (!more) {
    break_off(more.error().what);
    return false;
  }
  if (session_.ready()) send_waiting();
  if (const auto lives = keep_alive(now); !lives) {
    break_off(lives.error().what);
    return false;
  }
  if (const auto written = write(); !written) {
    break_off(written.error().what);
  } else if (session_.over() && out_.empty()) {
    break_off("the HTTP/2 connection is over");
  }
  return *more && !over_;
}

bool H2Connection::go_on_opening(SteadyTime now) {
  const auto opened = stream_.open(now);
  if (!opened) {
    break_off(opened.error().what);
    return false;
  }
  if (!*opened) return false;
  heard_ = now;
  next_ping_ = now + kPingEvery;
  if (!stream_.has_h2()) {
    over_ = old_http_ = true;
    return false;
  }
  open_ = true;
  return true;
}

void H2Connection::send_waiting() {
  while (!waiting_.empty() && session_.room() > 0) {
    const H2Transfer& transfer = waiting_.front();
    if (const auto sent = session_.send(headers_of(transfer, to_), *transfer.exchange); !sent) {
      ended_.push_back({transfer.exchange, sent.error().what, false});
    }
    waiting_.pop_front();
  }
}

Result<bool> H2Connection::read(SteadyTime now) {
  std::array<char, kReadBytes> bytes;
  for (int i = 0; i < kReadsATurn; ++i) {
    const auto got = stream_.read(bytes);
    if (!got) return fail(Error(got.error()));
    if (*got == 0) return false;
    heard_ = now;
    if (auto taken = session_.take({bytes.data(), *got}, now); !taken) {
      return fail(std::move(taken).error());
    }
  }
  return true;
}

Result<void> H2Connection::write() {
  if (auto given = session_.give(out_); !given) return given;
  while (!out_.empty()) {
    const auto put = stream_.write(out_);
    if (!put) return fail(Error(put.error()));
    if (*put == 0) break;
    out_.erase(0, *put);
  }
  return {};
}

Result<void> H2Connection::keep_alive(SteadyTime now) {
  if (!session_.ready()) {
    if (now - heard_ >= kConnectTime) return fail("the server does not begin to speak HTTP/2");
    return {};
  }
  if (const auto pinged = session_.pinged()) {
    // What still comes, before the answer, is a sign of life as well.
    if (now - std::max(*pinged, heard_) < kPingTime) return {};
    return fail("no sign of life of the connection for " + std::to_string(kPingTime.count()) +
                " s");
  }
  if (now < next_ping_) return {};
  session_.ping(now);
  next_ping_ = now + kPingEvery;
  return {};
}

void H2Connection::break_off(const std::string& why) {
  over_ = true;
  for (H2Session::Ended& ended : session_.take_ended()) ended_.push_back(std::move(ended));
  for (Exchange* exchange : session_.abandon()) ended_.push_back({exchange, why, false});
  // Those who only waited fare no better by another connection, unless this one was sent away.
  if (open_ && session_.leaving()) return;
  for (const H2Transfer& transfer : waiting_) ended_.push_back({transfer.exchange, why, false});
  waiting_.clear();
}

void H2Connection::drop(const Exchange& exchange) {
  session_.reset(exchange);
  waiting_.erase(std::remove_if(waiting_.begin(), waiting_.end(),
                                [&](const auto& one) { return one.exchange == &exchange; }),
                 waiting_.end());
}

std::vector<H2Transfer> H2Connection::take_spilled() {
  std::vector<H2Transfer> spilled;
  const bool full = session_.ready() && session_.room() == 0;
  if (!leaving() && !full) return spilled;
  if (!leaving() && session_.streams() == 0) {
    // Another connection would have no room either.
    for (const H2Transfer& transfer : waiting_) {
      ended_.push_back({transfer.exchange, "the server takes no HTTP/2 streams", false});
    }
  } else {
    spilled.assign(std::make_move_iterator(waiting_.begin()),
                   std::make_move_iterator(waiting_.end()));
  }
  waiting_.clear();
  return spilled;
}

std::vector<H2Session::Ended> H2Connection::take_ended() {
  auto ended = std::exchange(ended_, {});
  for (H2Session::Ended& one : session_.take_ended()) ended.push_back(std::move(one));
  return ended;
}

bool H2Connection::suits(const Credentials& credentials) const {
  if (leaving() || !same_tls(*credentials_, credentials)) return false;
  return !session_.ready() || session_.room() > waiting_.size();
}

pollfd H2Connection::wants() const {
  const bool writes = stream_.wants_write() || !out_.empty();
  return {stream_.fd(), static_cast<short>(POLLIN | (writes ? POLLOUT : 0)), 0};
}

SteadyTime H2Connection::due() const {
  if (!open_) return stream_.due();
  if (!session_.ready()) return heard_ + kConnectTime;
  const auto pinged = session_.pinged();
  return pinged ? std::max(*pinged, heard_) + kPingTime : next_ping_;
}

}  // namespace outflow::kube
