// An agent asks for its certificate, over the real server, with reviews that a test answers.
#include "agent/enrolment.h"

#include <sys/stat.h>

#include <fstream>

#include "agent/uplink.h"
#include "outflow/v1/enroll.grpc.pb.h"
#include "proto/certificate.h"
#include "tests/support/fake_reviews.h"
#include "tests/support/secure_pipeline.h"

using namespace outflow;
using namespace outflow::test;
using namespace std::chrono_literals;
using grpc::StatusCode;

namespace {

constexpr const char* kOnW1 = R"("authentication.kubernetes.io/node-name":["k8s-w1"])";

// An aggregator that enrols, with a clock that runs: agents' certificates are of now.
struct Enrolling {
  Enrolling() {
    AggregatorConfig config = secure_config_in(dir, authority);
    std::ofstream(dir / "ca.crt") << authority.certificate_pem();
    std::ofstream(dir / "ca.key") << authority.key_pem();
    config.enroll_ca = {dir / "ca.crt", dir / "ca.key"};
    auto made = Pipeline::start(config, clock, {.ask = reviews.ask()});
    if (!made) FAIL(made.error().what);
    pipeline = *std::move(made);
  }

  v1::EnrollAnswer answer;
  grpc::Status enroll(const std::string& token, const std::string& request_pem) {
    grpc::ClientContext context;
    if (!token.empty()) context.AddMetadata("authorization", "Bearer " + token);
    v1::EnrollRequest request;
    request.set_request_pem(request_pem);
    return v1::Enrollment::NewStub(connect_as_nobody(*pipeline, authority))
        ->Enroll(&context, request, &answer);
  }

  agent::Enrolment::Setup agent_setup(const std::string& node) {
    std::ofstream(dir / "token") << "tok-w1\n";
    return {.token_file = dir / "token",
            .authorities = dir / "server.ca",
            .directory = dir / "agent",
            .node = node,
            .connect =
                [this](const tls::Credentials& with) {
                  return agent::connect(target_of(*pipeline), with.channel());
                },
            .retry_min = 50ms,
            .retry_max = 100ms};
  }

  TempDir dir;
  TestAuthority authority;
  SystemClock clock;
  FakeReviews reviews;
  std::unique_ptr<Pipeline> pipeline;
};

}  // namespace

TEST_CASE("a token bound to a node gets a certificate that reports for this node", "[enrolment]") {
  Enrolling enrolling;
  enrolling.reviews.know_agent("tok-w1", kOnW1);
  const auto drawn = tls::make_request();
  REQUIRE(drawn);
  REQUIRE(enrolling.enroll("tok-w1", drawn->request_pem).error_message().empty());
  StubAgent agent(connect_as(
      *enrolling.pipeline,
      {enrolling.answer.certificate_pem(), drawn->key_pem, enrolling.authority.certificate_pem()}));

  CHECK(enrolling.answer.node() == "k8s-w1");
  CHECK(agent.send(sample_report(1)).error_message().empty());
  CHECK(agent.send(sample_report(1, 1, "k8s-w2")).error_code() == StatusCode::PERMISSION_DENIED);
}

TEST_CASE("a certificate holds what we decide, for a day, whatever the request names",
          "[enrolment]") {
  Enrolling enrolling;
  enrolling.reviews.know_agent("tok-w1", kOnW1);
  REQUIRE(enrolling.enroll("tok-w1", tls::make_request()->request_pem).ok());
  const auto certificate = tls::read_certificate(enrolling.answer.certificate_pem());

  REQUIRE(certificate);
  CHECK(certificate->uris == std::vector<std::string>{"outflow://agent/k8s-w1"});
  CHECK(certificate->organizations == std::vector<std::string>{"outflow:agents"});
  const auto left = certificate->not_after - enrolling.clock.now();
  CHECK(left <= 24h);
  CHECK(left > 23h);
}

TEST_CASE("who may not enrol is told why", "[enrolment]") {
  Enrolling enrolling;
  const std::string request = tls::make_request()->request_pem;
  enrolling.reviews.know_agent("tok-other", kOnW1, "shop:web");
  enrolling.reviews.know_agent("tok-nowhere", "");
  enrolling.reviews.know_agent("tok-w1", kOnW1);
  enrolling.reviews.know_agent("tok-strange",
                               R"("authentication.kubernetes.io/node-name":["a,URI:b"])");
  struct Row {
    std::string token;
    std::string request;
    StatusCode code;
    std::string why;
  };
  for (const Row& row : std::vector<Row>{
           {"", request, StatusCode::UNAUTHENTICATED, "none is shown"},
           {"tok-unknown", request, StatusCode::UNAUTHENTICATED, "not good for this aggregator"},
           {"tok-other", request, StatusCode::PERMISSION_DENIED, "shop:web"},
           {"tok-nowhere", request, StatusCode::PERMISSION_DENIED, "names no node"},
           {"tok-strange", request, StatusCode::UNAVAILABLE, "is no node name"},
           {"tok-w1", "", StatusCode::INVALID_ARGUMENT, "no PEM certificate request"},
           {"tok-w1", std::string(20'000, 'x'), StatusCode::INVALID_ARGUMENT, "larger"}}) {
    const auto status = enrolling.enroll(row.token, row.request);

    CHECK(status.error_code() == row.code);
    CHECK_THAT(status.error_message(), has_text(row.why));
  }
  enrolling.reviews.away = true;
  CHECK(enrolling.enroll("tok-new", request).error_code() == StatusCode::UNAVAILABLE);
}

TEST_CASE("an agent enrols by itself, keeps the pair to itself and uses it after a restart",
          "[enrolment]") {
  Enrolling enrolling;
  enrolling.reviews.know_agent("tok-w1", kOnW1);
  const auto enrolled = [&](const agent::Enrolment& one) {
    return eventually([&] { return one.credentials() != nullptr; });
  };
  {
    const auto started = agent::Enrolment::start(enrolling.agent_setup("k8s-w1"));
    REQUIRE(started);
    REQUIRE(enrolled(**started));
    StubAgent agent(connect(target_of(*enrolling.pipeline), (*started)->credentials()->channel()));
    CHECK(agent.send(sample_report(1)).error_message().empty());
  }
  struct stat file {};
  REQUIRE(::stat((enrolling.dir / "agent/agent.pem").c_str(), &file) == 0);
  CHECK((file.st_mode & 0777U) == 0600U);
  enrolling.reviews.away = true;
  const auto again = agent::Enrolment::start(enrolling.agent_setup("k8s-w1"));

  REQUIRE(again);
  CHECK((*again)->credentials() != nullptr);
}

TEST_CASE("an agent waits for an API server that is away, and says what it waits for",
          "[enrolment]") {
  Enrolling enrolling;
  enrolling.reviews.away = true;
  const auto started = agent::Enrolment::start(enrolling.agent_setup("k8s-w1"));
  REQUIRE(started);
  REQUIRE(eventually([&] { return !(*started)->last_error().empty(); }));
  CHECK_THAT((*started)->last_error(), has_text("connection refused"));
  enrolling.reviews.know_agent("tok-w1", kOnW1);
  enrolling.reviews.away = false;

  CHECK(eventually([&] { return (*started)->credentials() != nullptr; }));
}

TEST_CASE("an agent does not take the certificate of another node", "[enrolment]") {
  Enrolling enrolling;
  enrolling.reviews.know_agent("tok-w1", kOnW1);
  const auto started = agent::Enrolment::start(enrolling.agent_setup("k8s-w9"));
  REQUIRE(started);
  REQUIRE(eventually([&] { return !(*started)->last_error().empty(); }));

  CHECK_THAT((*started)->last_error(), has_text("--node-name is k8s-w9"));
  CHECK((*started)->credentials() == nullptr);
}

TEST_CASE("a certificate is renewed at two thirds of its life, not all at once", "[enrolment]") {
  tls::Certificate certificate;
  certificate.not_after = TimePoint(24h);

  CHECK(agent::renewal_of(certificate, 0.5) == TimePoint(16h));
  CHECK(agent::renewal_of(certificate, 0) < TimePoint(15h));
  CHECK(agent::renewal_of(certificate, 1) > TimePoint(17h));
  CHECK(agent::renewal_of(certificate, 1) < TimePoint(18h));
}
