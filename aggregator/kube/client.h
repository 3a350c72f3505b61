// HTTP to one API server: all lists and watches by one thread, and, apart from them, single
// requests that are waited for (libcurl).
//
// Lists and watches are streams of one HTTP/2 connection; more are made only while the server takes
// fewer streams on one, sends it away (GOAWAY), or what TLS was made with has changed (CA, client
// certificate). It is nghttp2 and not libcurl, because libcurl 7.88 (Debian 12) now and then keeps
// what it has read of a stream until more comes on the connection, and because it tells nobody of
// the answers to its PINGs. One is sent every kPingEvery: each that is answered is a sign of life
// for all that are open, a connection without one for kPingTime is dead. (It tells of what was on
// the wire: servers answer PINGs before what they have queued, so an event that was written in that
// moment may follow the answer.)
//
// HTTP/1.1, by libcurl and with a connection for each that is under way, is used for a server that
// does not offer HTTP/2 (asked again after kOldHttpTime), for one without TLS, and where a proxy is
// set, in the kubeconfig or the environment.
//
// Certificates are always verified, unless the kubeconfig says insecure-skip-tls-verify. Redirects
// are not followed.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "aggregator/kube/access.h"
#include "aggregator/kube/reflector.h"
#include "common/clock.h"
#include "common/result.h"

namespace outflow::kube {

inline constexpr std::chrono::seconds kConnectTime{10};
inline constexpr std::chrono::seconds kPostTime{10};
// Two are answered or missed before a connection is given up.
inline constexpr std::chrono::seconds kPingEvery{5};
inline constexpr std::chrono::seconds kPingTime{15};
inline constexpr std::chrono::minutes kOldHttpTime{10};
inline constexpr std::string_view kUserAgent = "outflow-aggregator/" OUTFLOW_VERSION;
inline constexpr std::size_t kReplyBytesMax = std::size_t{1} << 20U;
// Of one object: etcd takes none above 1.5 MiB, and JSON may say it in twice as much.
inline constexpr std::size_t kObjectBytesMax = std::size_t{4} << 20U;

// Takes one answer: head(), body() as often as there is something, end(); or end() alone.
class Exchange {
 public:
  Exchange() = default;
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  virtual ~Exchange() = default;

  // `retry_after` in seconds, 0 when not said.
  virtual void head(int http_code, std::string_view content_type, std::int64_t retry_after) = 0;
  // False ends the request.
  [[nodiscard]] virtual bool body(std::string_view bytes) = 0;
  // The connection lived `ago`, and whatever the server had put on it by then has been given.
  // HTTP/2 only, every few seconds after a 200.
  virtual void alive(nanoseconds /*ago*/) {}
  // `broken`: why the transfer broke; "" when it came to its end.
  virtual void end(const std::string& broken) = 0;
};

// Used by one thread.
class Client {
 public:
  struct Options {
    bool http1 = false;  // only that
  };
  // `access` outlives it.
  Client(Access& access, Options options);
  ~Client();  // ends what is under way, without end()
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Sends a GET; `exchange` lives until its end(). Without credentials end() comes at once. Neither
  // this nor cancel() is called by an Exchange, but by its end().
  void start(const Request& request, Exchange& exchange);
  // Ends it now: end("cancelled").
  void cancel(Exchange& exchange);
  // Waits up to `time` for something to happen and tells the exchanges; returns at once when the
  // token is asked to stop.
  void poll(std::chrono::milliseconds time, const std::stop_token& stop);

  [[nodiscard]] std::uint64_t connections() const;  // made so far

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

struct Reply {
  int status = 0;
  std::string body;  // at most kReplyBytesMax, of a Call its `bytes_max`
};

// One request; JSON is answered.
struct Call {
  std::string method = "GET";
  std::string path;  // with its query
  std::string content_type = "application/json";
  std::string body = {};  // of anything but a GET
  std::chrono::milliseconds time = kPostTime;
  std::size_t bytes_max = kObjectBytesMax;  // a longer answer is an error
};

// Requests that are waited for, from any thread and many at once; connections are kept for the
// next.
class Poster {
 public:
  // `access` outlives it.
  explicit Poster(Access& access);
  ~Poster();
  Poster(const Poster&) = delete;
  Poster& operator=(const Poster&) = delete;

  // Sends JSON to `path` and waits for the JSON that is answered, at most `time`. Any HTTP status
  // is a Reply; only what is no answer is an error. A 401 is tried once more with the token read
  // again.
  [[nodiscard]] Result<Reply> post(const std::string& path, const std::string& json_body,
                                   std::chrono::milliseconds time = kPostTime);
  // The same for any request.
  [[nodiscard]] Result<Reply> call(const Call& call);

 private:
  struct Pool;
  [[nodiscard]] Result<Reply> send(const Call& call);
  std::unique_ptr<Pool> pool_;
};

}  // namespace outflow::kube
