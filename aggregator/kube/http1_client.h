// Lists and watches over HTTP/1.1 (libcurl multi), each with a connection of its own that is kept
// for the next; also what everything waits by. See client.h; used by one thread, but for wake().
#pragma once

#include <poll.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "aggregator/kube/client.h"
#include "aggregator/kube/easy.h"

namespace outflow::kube {

class Http1Client {
 public:
  // One request under way.
  struct Transfer {
    Easy easy;
    Lists lists;
    Exchange* exchange = nullptr;
    std::array<char, CURL_ERROR_SIZE> error{};
    bool headed = false;
  };

  Http1Client();
  ~Http1Client();
  Http1Client(const Http1Client&) = delete;
  Http1Client& operator=(const Http1Client&) = delete;

  // As those of Client.
  void start(const Request& request, const Credentials& credentials, Exchange& exchange);
  void cancel(Exchange& exchange);
  [[nodiscard]] std::uint64_t connections() const { return connections_; }

  // Does what can be done at once; whether something ended.
  bool turn();
  // Waits until there is something to do, here or with `others`.
  void wait(std::chrono::milliseconds time, const std::vector<pollfd>& others);
  void wake();  // from any thread

 private:
  void finish(Transfer& transfer, const std::string& broken);

  CURLM* multi_ = nullptr;
  std::map<Exchange*, std::unique_ptr<Transfer>> transfers_;
  std::uint64_t connections_ = 0;
};

}  // namespace outflow::kube
