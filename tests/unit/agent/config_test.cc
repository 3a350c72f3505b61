#include "agent/config.h"

#include <stdlib.h>

#include "tests/support/catch.h"

using namespace outflow;
using namespace outflow::agent;

namespace {

std::variant<Config, Exit> read(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "outflow-agent");
  return read_config(static_cast<int>(arguments.size()), arguments.data());
}

}  // namespace

TEST_CASE("without flags the agent has its defaults", "[config]") {
  const auto config = std::get<Config>(read({}));

  CHECK(config.aggregator == "127.0.0.1:7443");
  CHECK_FALSE(config.node_name.empty());
  CHECK(config.interface_patterns == std::vector<std::string>{"cali*"});
  CHECK(config.attach == AttachMode::Auto);
  CHECK(config.tuples_max == 65'536);
  CHECK(config.report_interval == std::chrono::seconds(10));
  CHECK(config.dns_names);
  CHECK(config.state_dir == "/var/lib/outflow-agent");
  CHECK(config.bpffs_dir == "/sys/fs/bpf/outflow");
  CHECK(config.http_listen == "127.0.0.1:9443");
}

TEST_CASE("a flag wins over its variable, a variable over the default", "[config]") {
  ::setenv("OUTFLOW_NODE_NAME", "from-environment", 1);
  ::setenv("OUTFLOW_INTERFACE_PATTERN", "cali*,lxc*", 1);
  const auto of_environment = std::get<Config>(read({}));
  const auto of_flag = std::get<Config>(read({"--node-name", "from-flag"}));
  ::unsetenv("OUTFLOW_NODE_NAME");
  ::unsetenv("OUTFLOW_INTERFACE_PATTERN");

  CHECK(of_environment.node_name == "from-environment");
  CHECK(of_environment.interface_patterns == std::vector<std::string>{"cali*", "lxc*"});
  CHECK(of_flag.node_name == "from-flag");
}

TEST_CASE("names that pods say are read unless told otherwise", "[config]") {
  CHECK(std::get<Config>(read({})).tls_names);
  CHECK_FALSE(std::get<Config>(read({"--tls-names=off"})).tls_names);
  ::setenv("OUTFLOW_TLS_NAMES", "off", 1);
  const auto of_environment = std::get<Config>(read({}));
  ::unsetenv("OUTFLOW_TLS_NAMES");
  CHECK_FALSE(of_environment.tls_names);
}

TEST_CASE("a bad value ends with code 2 and the flag's name", "[config]") {
  const std::pair<const char*, const char*> cases[] = {
      {"--aggregator", "192.0.2.1:7443"},
      {"--aggregator", "nowhere"},
      {"--node-name", "two words"},
      {"--interface-pattern", "cali["},
      {"--attach", "xdp"},
      {"--tls-names", "yes"},
      {"--tuples-max", "0"},
      {"--tuples-max", "1048577"},
      {"--tuples-max", "many"},
      {"--dns-names", "maybe"},
      {"--report-interval", "10"},
      {"--report-interval", "1ms"},
      {"--report-interval", "2h"},
      {"--state-dir", "relative"},
      {"--bpffs-dir", ""},
      {"--log-level", "loud"},
  };
  for (const auto& [flag, value] : cases) {
    const auto end = read({flag, value});

    INFO(flag << " " << value);
    REQUIRE(std::holds_alternative<Exit>(end));
    CHECK(std::get<Exit>(end).code == 2);
    CHECK(std::get<Exit>(end).text.find(flag) != std::string::npos);
  }
  CHECK(std::get<Exit>(read({"--no-such-flag"})).code == 2);
}

TEST_CASE("plaintext to another machine needs --insecure", "[config]") {
  const auto config = std::get<Config>(read({"--aggregator", "192.0.2.1:7443", "--insecure"}));

  CHECK(config.aggregator == "192.0.2.1:7443");
}

TEST_CASE("help and version are answers, not errors", "[config]") {
  const auto help = std::get<Exit>(read({"--help"}));
  const auto version = std::get<Exit>(read({"--version"}));

  CHECK(help.code == 0);
  CHECK(help.text.find("--interface-pattern") != std::string::npos);
  CHECK(version.code == 0);
  CHECK(version.text == std::string("outflow-agent ") + OUTFLOW_VERSION + "\n");
}

TEST_CASE("with TLS the aggregator may be anywhere, and an enrolment needs no certificate",
          "[config]") {
  const auto files = std::get<Config>(read({"--aggregator", "outflow-aggregator:7443", "--tls-ca",
                                            "a", "--tls-cert", "c", "--tls-key", "k"}));
  const auto enrolled =
      std::get<Config>(read({"--aggregator", "outflow-aggregator:7443", "--tls-ca", "a",
                             "--enroll-token", "t", "--state-dir", "/s"}));
  CHECK(files.tls.certificate == "c");
  CHECK(enrolled.tls_dir == "/s/tls");

  const auto refused = [](const std::vector<const char*>& arguments, const std::string& why) {
    const auto end = std::get<Exit>(read(arguments));
    CHECK(end.code == 2);
    CHECK_THAT(end.text, outflow::test::has_text(why));
  };
  refused({"--aggregator", "outflow-aggregator:7443"}, "--tls-ca");
  refused({"--tls-cert", "c"}, "--tls-cert needs --tls-key");
  refused({"--enroll-token", "t"}, "--enroll-token needs --tls-ca");
  refused({"--enroll-token", "t", "--tls-ca", "a", "--tls-cert", "c", "--tls-key", "k"},
          "exclude each other");
  refused({"--enroll-token", "t", "--tls-ca", "a", "--aggregator", "unix:/s"}, "Unix socket");
  refused({"--tls-dir", "/d"}, "--tls-dir needs --enroll-token");
}
