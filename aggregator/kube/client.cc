#include "aggregator/kube/client.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>
#include <vector>

#include "aggregator/kube/h2_client.h"
#include "aggregator/kube/http1_client.h"

namespace outflow::kube {
namespace {

constexpr std::string_view kHttps = "https://";

// By the kubeconfig, or by the environment, whose exceptions (NO_PROXY) are libcurl's to judge.
bool has_proxy(const Credentials& credentials) {
  static constexpr std::array<const char*, 4> kVariables = {"https_proxy", "HTTPS_PROXY",
                                                            "all_proxy", "ALL_PROXY"};
  return !credentials.proxy.empty() ||
         std::any_of(kVariables.begin(), kVariables.end(), [](const char* name) {
           // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody sets variables while the programs run
           const char* value = std::getenv(name);
           return value != nullptr && *value != '\0';
         });
}

}  // namespace

struct Client::Parts {
  Parts(Access& whose, Options chosen) : access(whose), options(chosen) {}

  [[nodiscard]] bool wants_http1(const Credentials& credentials, SteadyTime now) const {
    return options.http1 || now < old_until || !credentials.server.starts_with(kHttps) ||
           has_proxy(credentials);
  }

  // Does what can be done at once; whether nobody should wait for more.
  bool turn() {
    const SteadyTime now = std::chrono::steady_clock::now();
    H2Client::Turn done = http2.turn(now);
    if (!done.for_http1.empty()) old_until = now + kOldHttpTime;
    for (const H2Transfer& transfer : done.for_http1) {
      http1.start(transfer.request, *transfer.credentials, *transfer.exchange);
    }
    const bool ended = http1.turn();
    return done.ended || done.more || ended || !done.for_http1.empty();
  }

  void wait(std::chrono::milliseconds time) {
    std::vector<pollfd> fds;
    http2.wants(fds);
    const auto left = http2.due() - std::chrono::steady_clock::now();
    if (left < time) time = std::chrono::ceil<std::chrono::milliseconds>(left);
    http1.wait(std::max(time, std::chrono::milliseconds{0}), fds);
  }

  Access& access;
  const Options options;
  H2Client http2;
  Http1Client http1;
  SteadyTime old_until{};  // the server had no HTTP/2
};

Client::Client(Access& access, Options options)
    : parts_(std::make_unique<Parts>(access, options)) {}
Client::~Client() = default;

void Client::start(const Request& request, Exchange& exchange) {
  auto credentials = parts_->access.credentials();
  if (!credentials) return exchange.end(credentials.error().what);
  const SteadyTime now = std::chrono::steady_clock::now();
  if (parts_->wants_http1(**credentials, now)) {
    return parts_->http1.start(request, **credentials, exchange);
  }
  if (!may_be_a_header((*credentials)->token)) {
    return exchange.end("the token has control characters in it");
  }
  parts_->http2.start(request, std::move(*credentials), exchange, now);
}

void Client::cancel(Exchange& exchange) {
  if (parts_->http2.forget(exchange)) return exchange.end("cancelled");
  parts_->http1.cancel(exchange);
}

void Client::poll(std::chrono::milliseconds time, const std::stop_token& stop) {
  const std::stop_callback wake(stop, [this] { parts_->http1.wake(); });
  // What ended mostly goes on with another request, which nothing on the wire would wake us for.
  if (stop.stop_requested() || parts_->turn()) return;
  parts_->wait(time);
  if (!stop.stop_requested()) parts_->turn();
}

std::uint64_t Client::connections() const {
  return parts_->http2.connections() + parts_->http1.connections();
}

}  // namespace outflow::kube
