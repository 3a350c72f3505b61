#include "common/telemetry.h"

#include <httplib.h>

#include <charconv>
#include <thread>

#include <prometheus/counter.h>
#include <prometheus/text_serializer.h>

#include "common/mutex.h"

namespace outflow {

struct Telemetry::Server {
  prometheus::Registry registry;
  httplib::Server http;
  std::thread thread;
  int port = 0;
  mutable Mutex mutex;
  bool ready GUARDED_BY(mutex) = false;
  std::string why GUARDED_BY(mutex) = "starting";

  void serve() {
    http.set_tcp_nodelay(true);  // keep-alive requests take 26 ms without
    http.set_read_timeout(2);
    http.Get("/metrics", [this](const httplib::Request&, httplib::Response& response) {
      response.set_content(prometheus::TextSerializer().Serialize(registry.Collect()),
                           "text/plain; version=0.0.4");
    });
    http.Get("/healthz", [](const httplib::Request&, httplib::Response& response) {
      response.set_content("ok\n", "text/plain");
    });
    http.Get("/readyz", [this](const httplib::Request&, httplib::Response& response) {
      const MutexLock lock(mutex);
      response.status = ready ? 200 : 503;
      response.set_content(ready ? "ready\n" : why + "\n", "text/plain");
    });
    thread = std::thread([this] { http.listen_after_bind(); });
  }
};

Telemetry::Telemetry(std::unique_ptr<Server> server) : server_(std::move(server)) {}

Telemetry::~Telemetry() {
  if (!server_->thread.joinable()) return;
  while (!server_->http.is_running()) std::this_thread::yield();  // stop() before that is lost
  server_->http.stop();
  server_->thread.join();
}

Result<std::unique_ptr<Telemetry>> Telemetry::start(const std::string& listen) {
  auto server = std::make_unique<Server>();
  if (!listen.empty()) {
    const std::size_t colon = listen.rfind(':');
    int port = -1;
    if (colon != std::string::npos) {
      const char* const end = listen.data() + listen.size();
      const auto [read, error] = std::from_chars(listen.data() + colon + 1, end, port);
      if (error != std::errc() || read != end) port = -1;
    }
    if (port < 0 || port > 65535) return fail("'" + listen + "' is no HOST:PORT");
    std::string host = listen.substr(0, colon);
    if (host.size() > 1 && host.front() == '[' && host.back() == ']') {
      host = host.substr(1, host.size() - 2);
    }
    if (port == 0) {
      server->port = server->http.bind_to_any_port(host);
    } else if (server->http.bind_to_port(host, port)) {
      server->port = port;
    }
    if (server->port <= 0) return fail("cannot listen on " + listen);
    server->serve();
  }
  return std::unique_ptr<Telemetry>(new Telemetry(std::move(server)));
}

prometheus::Registry& Telemetry::registry() {
  return server_->registry;
}

void Telemetry::set_ready(bool ready, const std::string& why) {
  const MutexLock lock(server_->mutex);
  server_->ready = ready;
  server_->why = why;
}

int Telemetry::port() const {
  return server_->port;
}

void raise_to(prometheus::Counter& counter, double value) {
  const double by = value - counter.Value();
  if (by > 0) counter.Increment(by);
}

}  // namespace outflow
