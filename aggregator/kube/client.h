// HTTP to one API server (libcurl multi): all lists and watches by one thread, and, apart from
// them, single requests that are waited for.
//
// A list or watch has a connection of its own and HTTP/1.1, kept for the next. With `http2` all are
// streams of one connection; but libcurl 7.88 (Debian 12) then stalls now and then: what it has
// read of a stream is given only when more comes on the connection. It was seen with many pages of
// a real API server (81 kB each, one in some hundred), so it is not the default.
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
#include "common/result.h"

namespace outflow::kube {

inline constexpr std::chrono::seconds kConnectTime{10};
inline constexpr std::chrono::seconds kPostTime{10};
inline constexpr std::size_t kReplyBytesMax = std::size_t{1} << 20U;

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
  // `broken`: why the transfer broke; "" when it came to its end.
  virtual void end(const std::string& broken) = 0;
};

// Used by one thread.
class Client {
 public:
  struct Options {
    bool http2 = false;  // where the server has it
  };
  // `access` outlives it.
  Client(Access& access, Options options);
  ~Client();  // ends what is under way, without end()
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Sends a GET; `exchange` lives until its end(). Without credentials end() comes at once.
  void start(const Request& request, Exchange& exchange);
  // Ends it now: end("cancelled").
  void cancel(Exchange& exchange);
  // Waits up to `time` for something to happen and tells the exchanges; returns at once when the
  // token is asked to stop.
  void poll(std::chrono::milliseconds time, const std::stop_token& stop);

  [[nodiscard]] std::uint64_t connections() const;  // made so far

 private:
  struct Curl;
  std::unique_ptr<Curl> curl_;
};

struct Reply {
  int status = 0;
  std::string body;  // at most kReplyBytesMax
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
  [[nodiscard]] Result<Reply> get(const std::string& path,
                                  std::chrono::milliseconds time = kPostTime);

 private:
  struct Pool;
  [[nodiscard]] Result<Reply> send(const std::string& path, const std::string* json_body,
                                   std::chrono::milliseconds time);
  std::unique_ptr<Pool> pool_;
};

}  // namespace outflow::kube
