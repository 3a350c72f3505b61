// Who may report, with real certificates over the real server.
#include <filesystem>
#include <fstream>

#include "proto/credentials.h"
#include "tests/support/secure_pipeline.h"

using namespace outflow;
using namespace outflow::test;
using namespace std::chrono_literals;
using grpc::StatusCode;

namespace {

// Longer than a handshake on a busy machine takes; a connection that will never stand uses it up.
constexpr auto kConnect = 20s;

bool connects(const std::shared_ptr<grpc::Channel>& channel, std::chrono::seconds time = kConnect) {
  return channel->WaitForConnected(std::chrono::system_clock::now() + time);
}

}  // namespace

TEST_CASE("an agent with a certificate of its node reports", "[tls]") {
  const TempDir dir;
  const TestAuthority authority;
  const auto pipeline = started(secure_config_in(dir, authority));
  StubAgent agent(connect_as(*pipeline, authority.agent("k8s-w1")));

  CHECK(agent.send(sample_report(1)).error_message().empty());
}

TEST_CASE("an agent may not report for another node", "[tls]") {
  const TempDir dir;
  const TestAuthority authority;
  const auto pipeline = started(secure_config_in(dir, authority));
  StubAgent agent(connect_as(*pipeline, authority.agent("k8s-w2")));

  const auto status = agent.send(sample_report(1));
  CHECK(status.error_code() == StatusCode::PERMISSION_DENIED);
  CHECK_THAT(status.error_message(), has_text("k8s-w2 may not report for k8s-w1"));
}

TEST_CASE("neither nobody nor a user may report", "[tls]") {
  const TempDir dir;
  const TestAuthority authority;
  const auto pipeline = started(secure_config_in(dir, authority));
  StubAgent nobody(connect_as_nobody(*pipeline, authority));
  StubAgent user(connect_as(*pipeline, authority.user("ann", {"outflow:admins"})));

  CHECK(nobody.send(sample_report(1)).error_code() == StatusCode::UNAUTHENTICATED);
  CHECK(user.send(sample_report(1)).error_code() == StatusCode::PERMISSION_DENIED);
}

TEST_CASE("a certificate of another authority, or one that has expired, makes no connection",
          "[tls]") {
  const TempDir dir;
  const TestAuthority authority;
  const TestAuthority other("somebody else");
  const auto pipeline = started(secure_config_in(dir, authority));
  Issued foreign = other.agent("k8s-w1");
  foreign.authority_pem = authority.certificate_pem();
  const Issued expired =
      authority.issue({.common_name = "a", .uris = {"outflow://agent/k8s-w1"}, .valid_to = -1min});
  for (const Issued& who : {foreign, expired}) {
    StubAgent agent(connect_as(*pipeline, who));

    CHECK(agent.send(sample_report(1)).error_code() == StatusCode::UNAVAILABLE);
  }
}

TEST_CASE("a server of another authority is not spoken to", "[tls]") {
  const TempDir dir;
  const TestAuthority authority;
  const TestAuthority other("somebody else");
  const auto pipeline = started(secure_config_in(dir, authority));
  Issued believer = authority.agent("k8s-w1");
  believer.authority_pem = other.certificate_pem();
  StubAgent agent(connect_as(*pipeline, believer));

  CHECK(agent.send(sample_report(1)).error_code() == StatusCode::UNAVAILABLE);
}

TEST_CASE("an agent's certificate is no server's", "[tls]") {
  const TempDir dir;
  const TestAuthority authority;
  AggregatorConfig config = config_in(dir);
  config.tls = authority.issue({.common_name = "localhost", .addresses = {"127.0.0.1"}})
                   .write_to(dir, "server");
  const auto pipeline = started(config);
  const auto opened = tls::Credentials::open(authority.agent("k8s-w1").write_to(dir, "agent"));
  REQUIRE(opened);

  CHECK_FALSE(connects(connect(target_of(*pipeline), (*opened)->channel()), 1s));
}

TEST_CASE("our own channel credentials reach our own server, and name the other end", "[tls]") {
  const TempDir dir;
  const TestAuthority authority;
  const auto pipeline = started(secure_config_in(dir, authority));
  const auto opened = tls::Credentials::open(authority.agent("k8s-w1").write_to(dir, "agent"));
  REQUIRE(opened);
  const auto expecting = [&](const std::string& name) {
    grpc::ChannelArguments arguments;
    tls::expect_server_name(name, arguments);
    return grpc::CreateCustomChannel(target_of(*pipeline), (*opened)->channel(), arguments);
  };
  StubAgent agent(connect(target_of(*pipeline), (*opened)->channel()));

  CHECK(agent.send(sample_report(1)).error_message().empty());
  CHECK(connects(expecting("outflow-aggregator.outflow-system.svc")));
  CHECK_FALSE(connects(expecting("somebody.else.svc"), 1s));
}

TEST_CASE("a second stream of a node ends the first", "[tls]") {
  const TempDir dir;
  const TestAuthority authority;
  const auto pipeline = started(secure_config_in(dir, authority));
  StubAgent first(connect_as(*pipeline, authority.agent("k8s-w1")));
  StubAgent second(connect_as(*pipeline, authority.agent("k8s-w1")));
  StubAgent other(connect_as(*pipeline, authority.agent("k8s-w2")));
  REQUIRE(first.send(sample_report(1)).ok());
  REQUIRE(other.send(sample_report(1, 1, "k8s-w2")).ok());
  REQUIRE(second.send(sample_report(2)).ok());

  CHECK(first.send(sample_report(3)).error_code() == StatusCode::CANCELLED);
  CHECK(second.send(sample_report(3)).ok());
  CHECK(other.send(sample_report(2, 1, "k8s-w2")).ok());
}

TEST_CASE("new files are used for the next handshake, without a restart", "[tls]") {
  const TempDir dir;
  const TestAuthority before("before");
  const TestAuthority after("after");
  const auto pipeline = started(secure_config_in(dir, before));
  REQUIRE(connects(connect_as_nobody(*pipeline, before)));
  const auto written = after.server().write_to(dir, "server");

  CHECK(eventually([&] { return connects(connect_as_nobody(*pipeline, after), 1s); }));
}

TEST_CASE("files that are swapped as kubelet does are taken, both at once", "[tls]") {
  const TempDir dir;
  const TestAuthority authority;
  const auto mount = [&](const std::string& version, std::chrono::seconds valid_to) {
    std::filesystem::create_directory(dir / version);
    const Issued issued = authority.issue({.common_name = "a", .valid_to = valid_to});
    std::ofstream(dir / (version + "/tls.crt")) << issued.certificate_pem;
    std::ofstream(dir / (version + "/tls.key")) << issued.key_pem;
    std::ofstream(dir / (version + "/ca.crt")) << issued.authority_pem;
    std::filesystem::create_directory_symlink(version, dir / "..new");
    std::filesystem::rename(dir / "..new", dir / "..data");
  };
  mount("..1", 1h);
  for (const char* name : {"tls.crt", "tls.key", "ca.crt"}) {
    std::filesystem::create_symlink(std::string("..data/") + name, dir / name);
  }
  const auto opened =
      tls::Credentials::open({dir / "tls.crt", dir / "tls.key", dir / "ca.crt"}, 1h);
  REQUIRE(opened);
  const TimePoint before = (*opened)->not_after();
  const auto generation = (*opened)->generation();
  mount("..2", 5h);

  CHECK((*opened)->reload());
  CHECK((*opened)->not_after() > before + 3h);
  CHECK((*opened)->generation() == generation);  // gRPC has not taken it yet
  CHECK((*opened)->reload());
  CHECK((*opened)->generation() == generation + 1);
}

TEST_CASE("a pair that does not match is not taken, and the old one stays in use", "[tls]") {
  const TempDir dir;
  const TestAuthority authority;
  const auto files = authority.server().write_to(dir, "server");
  const auto opened = tls::Credentials::open(files, 1h);
  REQUIRE(opened);
  const TimePoint end = (*opened)->not_after();
  std::ofstream(files.key) << authority.server().key_pem;

  CHECK_FALSE((*opened)->reload());
  CHECK((*opened)->not_after() == end);
  static_cast<void>(authority.server().write_to(dir, "server"));
  CHECK((*opened)->reload());
}

TEST_CASE("what cannot be used at the start is refused with file and reason", "[tls]") {
  const TempDir dir;
  const TestAuthority authority;
  const auto good = authority.server().write_to(dir, "good");
  const auto other = authority.server().write_to(dir, "other");
  const auto expired =
      authority.issue({.common_name = "old", .valid_to = -1min}).write_to(dir, "expired");
  std::ofstream(dir / "text") << "no certificate\n";
  struct Row {
    tls::Files files;
    std::string file;
    std::string reason;
  };
  for (const Row& row : std::vector<Row>{
           {{good.certificate, other.key, good.authorities}, other.key, "not the certificate's"},
           {{good.certificate, dir / "none", good.authorities}, "/none", "No such file"},
           {{good.certificate, dir / "text", good.authorities}, "/text", "no PEM private key"},
           {{dir / "text", good.key, good.authorities}, "/text", "no PEM certificate"},
           {{good.certificate, good.key, dir / "text"}, "/text", "no PEM certificate"},
           {expired, expired.certificate, "expired at"}}) {
    const auto opened = tls::Credentials::open(row.files);

    REQUIRE_FALSE(opened);
    CHECK_THAT(opened.error().what, has_text(row.file));
    CHECK_THAT(opened.error().what, has_text(row.reason));
  }
}
