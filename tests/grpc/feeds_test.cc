// A feed of a URL, from a server on loopback to an answer of the whole aggregator.
#include "aggregator/feeds/feeds.h"

#include <httplib.h>

#include <atomic>
#include <fstream>

#include "aggregator/feeds/fetch.h"
#include "tests/support/whole_pipeline.h"

using namespace outflow;
using outflow::test::has_text;

namespace {

constexpr const char* kAws = R"({"prefixes": [
  {"ip_prefix": "192.0.2.0/24", "region": "eu-west-1", "service": "S3"}]})";

// Serves one list; knows its tag.
class Server {
 public:
  Server() {
    server_.Get("/ranges.json", [this](const httplib::Request& request, httplib::Response& answer) {
      ++asked;
      answer.set_header("ETag", "\"v1\"");
      if (request.get_header_value("If-None-Match") == "\"v1\"") {
        answer.status = 304;
      } else {
        answer.set_content(kAws, "application/json");
      }
    });
    server_.Get("/away", [](const httplib::Request&, httplib::Response& answer) {
      answer.set_redirect("http://127.0.0.1:1/ranges.json");
    });
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::yield();
  }
  ~Server() {
    server_.stop();
    thread_.join();
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  [[nodiscard]] std::string url(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(port_) + path;
  }

  std::atomic<int> asked = 0;

 private:
  httplib::Server server_;
  int port_ = 0;
  std::thread thread_;
};

}  // namespace

TEST_CASE("a list is fetched with its tag, and by that tag told to be unchanged") {
  const Server server;

  const auto first = feeds::fetch(server.url("/ranges.json"), "", {});
  REQUIRE(first);
  CHECK(first->body == kAws);
  CHECK(first->etag == "\"v1\"");
  CHECK_FALSE(first->unchanged);
  const auto again = feeds::fetch(server.url("/ranges.json"), first->etag, {});
  REQUIRE(again);
  CHECK(again->unchanged);
}

TEST_CASE(
    "what is not there, leads to plaintext elsewhere, or answers nobody is an error with the URL") {
  const Server server;

  const auto missing = feeds::fetch(server.url("/none"), "", {});
  REQUIRE_FALSE(missing);
  CHECK_THAT(missing.error().what, has_text(server.url("/none") + ": the answer is HTTP 404"));
  const auto away = feeds::fetch(server.url("/away"), "", {});
  REQUIRE_FALSE(away);
  CHECK_THAT(away.error().what, has_text("/away: "));
  CHECK_FALSE(feeds::fetch("http://127.0.0.1:1/x", "", {}));
  CHECK_FALSE(feeds::fetch("ftp://127.0.0.1/x", "", {}));
}

TEST_CASE("a stop ends a fetch before anything is asked") {
  const Server server;
  std::stop_source stopped;
  stopped.request_stop();

  CHECK_FALSE(feeds::fetch(server.url("/ranges.json"), "", stopped.get_token()));
}

TEST_CASE(
    "the aggregator fetches a URL of its manifest, and says in doctor and metrics how it is") {
  const Server server;
  const test::TempDir dir;
  std::ofstream(dir / "feeds.yaml")
      << "feeds: [{name: AWS, format: aws, url: '" << server.url("/ranges.json") << "'}]\n";
  AggregatorConfig config = test::config_in(dir);
  config.feeds_file = dir / "feeds.yaml";
  config.http_listen = "127.0.0.1:0";
  const auto pipeline = test::started(config);
  const auto stub = v1::Query::NewStub(test::connect(test::target_of(*pipeline)));

  std::string found;
  const bool read = test::eventually([&] {
    grpc::ClientContext context;
    v1::DoctorAnswer answer;
    CHECK(stub->Doctor(&context, v1::DoctorRequest(), &answer).ok());
    for (const auto& check : answer.items()) {
      if (check.check() == "feeds") found = check.found();
    }
    return found.find("AWS: 1 prefixes") != std::string::npos;
  });

  INFO(found);
  CHECK(read);
  CHECK(server.asked >= 1);
  httplib::Client client("127.0.0.1", pipeline->http_port());
  CHECK(test::eventually([&client] {
    const auto metrics = client.Get("/metrics");
    return metrics &&
           metrics->body.find("outflow_feed_prefixes{feed=\"AWS\"} 1") != std::string::npos;
  }));
  CHECK(std::filesystem::exists(dir / "store/feeds/AWS"));
}
