// `write-sets` as a whole: an aggregator behind TLS that wants a token, and an API server over
// HTTP.
#include "aggregator/write_sets.h"

#include <arpa/inet.h>
#include <httplib.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <mutex>
#include <thread>

#include <grpcpp/server_builder.h>

#include "common/fd.h"
#include "outflow/v1/query.grpc.pb.h"
#include "tests/support/certificates.h"
#include "tests/support/fake_sets.h"
#include "tests/support/whole_pipeline.h"

using namespace outflow;
using namespace outflow::test;
using Nets = std::vector<std::string>;

namespace {

class FakeQuery final : public v1::Query::Service {
 public:
  grpc::Status Sets(grpc::ServerContext* context, const v1::SetsRequest* request,
                    v1::SetsAnswer* answer) override {
    const std::lock_guard lock(mutex);
    const auto shown = context->client_metadata().find("authorization");
    if (shown == context->client_metadata().end()) {
      return {grpc::StatusCode::UNAUTHENTICATED, "no token"};
    }
    tokens.emplace_back(shown->second.data(), shown->second.size());
    asked = *request;
    namespaces.assign(request->scope().namespaces().begin(), request->scope().namespaces().end());
    answer->mutable_context()->set_inventory_as_of("2026-05-18T18:00:00Z");
    for (const auto& [name, nets] : wanted) {
      v1::NetworkSet& set = *answer->add_items();
      set.set_name(name);
      set.set_namespace_("shop");
      set.set_usable(true);
      for (const auto& net : nets) set.add_nets()->set_net(net);
    }
    return grpc::Status::OK;
  }
  grpc::Status Status(grpc::ServerContext*, const v1::StatusRequest*, v1::StatusAnswer*) override {
    return grpc::Status::OK;
  }

  std::mutex mutex;
  std::map<std::string, Nets> wanted;
  Nets tokens;
  Nets namespaces;
  v1::SetsRequest asked;
};

// FakeSets behind HTTP.
class FakeApiServer {
 public:
  FakeApiServer() {
    const auto handle = [this](const httplib::Request& request, httplib::Response& response) {
      const std::lock_guard lock(mutex);
      const auto reply = sets.send()(
          {request.method, request.target, request.get_header_value("Content-Type"), request.body});
      content_types.push_back(request.method + " " + request.get_header_value("Content-Type"));
      if (!reply) return;
      response.status = reply->status;
      response.set_content(reply->body, "application/json");
    };
    server_.Get(".*", handle).Patch(".*", handle).Post(".*", handle);
    port = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::jthread([this] { server_.listen_after_bind(); });
    // A stop before it runs would be forgotten.
    while (!server_.is_running()) std::this_thread::yield();
  }
  ~FakeApiServer() { server_.stop(); }
  FakeApiServer(const FakeApiServer&) = delete;
  FakeApiServer& operator=(const FakeApiServer&) = delete;

  std::mutex mutex;
  FakeSets sets;
  Nets content_types;
  int port = 0;

 private:
  httplib::Server server_;
  std::jthread thread_;
};

// Free a moment ago: a test cannot ask a process for the port it picked.
int free_port() {
  const Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the sockets API
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  REQUIRE(::bind(socket.get(), any, size) == 0);
  REQUIRE(::getsockname(socket.get(), any, &size) == 0);
  return ntohs(address.sin_port);
}

struct World {
  World() {
    const Issued issued = authority.server();
    grpc::SslServerCredentialsOptions options;
    options.pem_key_cert_pairs.push_back({issued.key_pem, issued.certificate_pem});
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::SslServerCredentials(options), &port);
    builder.RegisterService(&query);
    aggregator = builder.BuildAndStart();
    REQUIRE(port != 0);
    config.task = Task::WriteSets;
    config.http_listen = "";
    config.tls.authorities = dir / "ca.crt";
    std::ofstream(config.tls.authorities) << authority.certificate_pem();
    config.kubeconfig = dir / "kubeconfig";
    std::ofstream(config.kubeconfig)
        << "current-context: x\nclusters: [{name: c, cluster: {server: 'http://127.0.0.1:"
        << api.port << "'}}]\nusers: [{name: u, user: {}}]\n"
        << "contexts: [{name: x, context: {cluster: c, user: u}}]\n";
    WriteSetsConfig& sets = config.write_sets;
    sets.dial.endpoint = "127.0.0.1:" + std::to_string(port);
    sets.dial.tls = config.tls;
    sets.token_file = dir / "token";
    sets.rounds.namespaces = {"bank", "shop"};
    sets.once = true;
    show("first");
    query.wanted["s"] = {"8.8.8.8/32"};
    api.sets.add("s");
  }

  void show(const std::string& token) const { std::ofstream(dir / "token") << token << "\n"; }
  int run() { return write_sets(config, clock, signals); }
  Nets nets() {
    const std::lock_guard lock(api.mutex);
    return api.sets.sets["s"].nets;
  }

  TempDir dir;
  StopSignals signals;
  SystemClock clock;
  TestAuthority authority;
  FakeQuery query;
  std::unique_ptr<grpc::Server> aggregator;
  FakeApiServer api;
  AggregatorConfig config;
};

}  // namespace

TEST_CASE("what an aggregator says is applied in the cluster, with the token of the file",
          "[apply]") {
  World world;
  world.config.write_sets.window = std::chrono::days(7);
  world.config.write_sets.wildcard_names = 5;

  CHECK(world.run() == 0);
  CHECK(world.query.asked.scope().window_ns() == nanoseconds(std::chrono::days(7)).count());
  CHECK(world.query.asked.wildcard_names() == 5);
  CHECK(world.nets() == Nets{"8.8.8.8/32"});
  CHECK(world.query.tokens == Nets{"Bearer first"});
  CHECK(world.query.namespaces == Nets{"bank", "shop"});
  CHECK(world.api.content_types.back() == "PATCH application/apply-patch+yaml");
  CHECK(world.run() == 0);
}

TEST_CASE("once ends with 5 when something was refused, and with 2 on errors", "[apply]") {
  World world;
  world.query.wanted["s"].push_back("169.254.169.254/32");
  CHECK(world.run() == 5);
  CHECK(world.nets() == Nets{"8.8.8.8/32"});

  world.api.sets.status = 403;
  CHECK(world.run() == 2);
  world.api.sets.status = 0;
  world.config.write_sets.token_file = "";
  CHECK(world.run() == 2);
  world.config.write_sets.token_file = world.dir / "none";
  CHECK(world.run() == 2);
  world.config.kubeconfig = world.dir / "none";
  CHECK(world.run() == 2);
}

TEST_CASE("a dry run lets the API server check and changes nothing", "[apply]") {
  World world;
  world.config.write_sets.rounds.dry_run = true;

  CHECK(world.run() == 0);
  CHECK(world.nets().empty());
  CHECK_THAT(world.api.sets.asked.back(), has_text("dryRun=All"));
}

TEST_CASE("while it runs it follows, shows how, takes a new token and ends when it is told",
          "[apply]") {
  World world;
  world.config.write_sets.once = false;
  world.config.write_sets.interval = std::chrono::milliseconds(20);
  world.config.http_listen = "127.0.0.1:" + std::to_string(free_port());
  int code = -1;
  std::thread writer([&] { code = world.run(); });
  // However the test ends.
  struct End {
    ~End() {
      ::kill(::getpid(), SIGTERM);
      if (writer.joinable()) writer.join();
    }
    std::thread& writer;
  } const end{writer};
  httplib::Client http("http://" + world.config.http_listen);
  http.set_connection_timeout(5);
  http.set_read_timeout(5);
  const auto shows = [&](const std::string& path, const std::string& text) {
    return eventually([&] {
      const auto got = http.Get(path.c_str());
      return got && got->body.find(text) != std::string::npos;
    });
  };
  CHECK(shows("/metrics", "outflow_sets_written_total{outcome=\"applied\"} 1"));
  CHECK(shows("/metrics", "outflow_sets{state=\"current\"} 1"));
  const auto ready = http.Get("/readyz");
  REQUIRE(ready);
  CHECK(ready->status == 200);

  world.show("second");
  CHECK(eventually([&] {
    const std::lock_guard lock(world.query.mutex);
    return world.query.tokens.back() == "Bearer second";
  }));
  {
    const std::lock_guard lock(world.query.mutex);
    world.query.wanted["s"] = {"8.8.8.8/32", "8.8.4.4/32"};
  }
  CHECK(eventually([&] { return world.nets() == Nets{"8.8.4.4/32", "8.8.8.8/32"}; }));
  world.aggregator->Shutdown(std::chrono::system_clock::now());
  CHECK(shows("/metrics", "outflow_sets_errors_total{asked=\"aggregator\"}"));
  CHECK(eventually([&] {
    const auto got = http.Get("/readyz");
    return got && got->status == 503;
  }));
  CHECK(world.nets() == Nets{"8.8.4.4/32", "8.8.8.8/32"});

  ::kill(::getpid(), SIGTERM);
  writer.join();
  CHECK(code == 0);
}
