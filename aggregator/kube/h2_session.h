// HTTP/2 (RFC 9113, by nghttp2) over bytes: the streams of one connection, and what of it is heard.
// It knows no socket and no clock, so that its turns are tested by the bytes alone. Used by one
// thread.
//
// What comes is given to the exchanges at once and kept nowhere, so the windows are large and are
// opened again as soon as half of one is used: a watch that is slow to be read stops nobody.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aggregator/kube/client.h"
#include "common/clock.h"
#include "common/result.h"

struct nghttp2_session;

namespace outflow::kube {

// A page of 500 pods has some 2 MB, so a stream rarely waits; all of them share four times that.
inline constexpr std::int32_t kStreamWindow = std::int32_t{16} << 20U;
inline constexpr std::int32_t kConnectionWindow = std::int32_t{64} << 20U;
inline constexpr std::size_t kContentTypeBytesMax = 256;  // of a longer one only so much is told

using HeaderLines = std::vector<std::pair<std::string, std::string>>;

class H2Session {
 public:
  struct Ended {
    Exchange* exchange = nullptr;
    std::string why;         // as of Exchange::end()
    bool untouched = false;  // the server did nothing about it: it may be asked for once more
  };

  H2Session();  // with the preface to send
  ~H2Session();
  H2Session(const H2Session&) = delete;
  H2Session& operator=(const H2Session&) = delete;

  // Calls head(), body() and alive() of the exchanges, which may not call back. What ended is in
  // take_ended(). An error is the end of the connection.
  [[nodiscard]] Result<void> take(std::string_view bytes, SteadyTime now);
  // Appends what is to be sent.
  [[nodiscard]] Result<void> give(std::string& bytes);
  [[nodiscard]] std::vector<Ended> take_ended() { return std::exchange(ended_, {}); }

  // The server has said how much it takes (its SETTINGS, which are the first it sends).
  [[nodiscard]] bool ready() const { return ready_; }
  // How many more requests it takes now; 0 until ready(), and after GOAWAY.
  [[nodiscard]] std::size_t room() const;
  // It takes no more at all: GOAWAY, or no stream numbers are left.
  [[nodiscard]] bool leaving() const;
  // Neither side has anything to say any longer.
  [[nodiscard]] bool over() const;
  [[nodiscard]] std::size_t streams() const { return streams_.size(); }

  // A request without a body. `headers` begin with the pseudo headers; a name that begins with '!'
  // is sent without it, and never kept by a table (a token).
  [[nodiscard]] Result<void> send(const HeaderLines& headers, Exchange& exchange);
  // Ends the stream of the exchange, which hears nothing any longer.
  void reset(const Exchange& exchange);
  // Ends all streams: the exchanges, in the order they were begun.
  [[nodiscard]] std::vector<Exchange*> abandon();

  // Asks for a sign of life. Its answer follows whatever the server had put on the wire before,
  // so every exchange with a 200 is then told alive(). One at a time.
  void ping(SteadyTime now);
  [[nodiscard]] std::optional<SteadyTime> pinged() const { return pinged_; }  // not answered yet

 private:
  struct Stream {
    Exchange* exchange = nullptr;
    int status = 0;
    bool headed = false;
    std::string content_type;
    std::int64_t retry_after = 0;
  };
  struct Calls;  // what nghttp2 calls
  [[nodiscard]] Stream* stream_of(std::int32_t id);
  void take_header(Stream& stream, std::string_view name, std::string_view value);
  void end(std::int32_t id, const std::string& why, bool untouched);
  void tell_alive();

  nghttp2_session* session_ = nullptr;
  std::map<std::int32_t, Stream> streams_;
  std::vector<Ended> ended_;
  bool ready_ = false;
  std::optional<SteadyTime> pinged_;
  SteadyTime now_{};  // while take() runs
};

}  // namespace outflow::kube
