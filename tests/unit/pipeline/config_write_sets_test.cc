#include <vector>

#include "aggregator/config.h"
#include "tests/support/catch.h"

using namespace outflow;
using outflow::test::has_text;

namespace {

std::variant<AggregatorConfig, CommandLineEnd> read(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), {"outflow-aggregator", "write-sets"});
  return read_aggregator_config(static_cast<int>(arguments.size()), arguments.data());
}
AggregatorConfig accepted(const std::vector<const char*>& arguments) {
  const auto result = read(arguments);
  if (const auto* end = std::get_if<CommandLineEnd>(&result)) FAIL(end->text);
  return std::get<AggregatorConfig>(result);
}
std::string refused(const std::vector<const char*>& arguments) {
  const auto result = read(arguments);
  const auto* const end = std::get_if<CommandLineEnd>(&result);
  REQUIRE(end != nullptr);
  CHECK(end->code == 2);
  return end->text;
}

}  // namespace

TEST_CASE("the writer of sets is careful unless it is told otherwise", "[config]") {
  const AggregatorConfig config = accepted({"--kube", "--namespace", "shop", "-n", "bank"});
  const WriteSetsConfig& sets = config.write_sets;

  CHECK(config.task == Task::WriteSets);
  CHECK(sets.rounds.namespaces == apply::Namespaces{"bank", "shop"});
  CHECK_FALSE(sets.all_namespaces);
  CHECK(sets.interval == std::chrono::seconds(30));
  CHECK_FALSE(sets.rounds.create);
  CHECK_FALSE(sets.rounds.dry_run);
  CHECK_FALSE(sets.force_conflicts);
  CHECK_FALSE(sets.once);
  CHECK_FALSE(sets.rounds.rules.may_empty);
  CHECK(sets.rounds.rules.private_allowed.empty());
  CHECK(sets.rounds.rules.nets_max == 10'000);
  CHECK(sets.rounds.rules.remove_after == std::chrono::minutes(10));
  CHECK(config.http_listen == "127.0.0.1:9445");
}

TEST_CASE("whose sets are written, and where, is always said", "[config]") {
  CHECK_THAT(refused({"--kube"}), has_text("--namespace"));
  CHECK_THAT(refused({"--kube", "--namespace", "shop", "--all-namespaces"}),
             has_text("--all-namespaces"));
  CHECK_THAT(refused({"--namespace", "shop"}), has_text("--kubeconfig"));
  CHECK_THAT(refused({"--kube", "--namespace", "a/b"}), has_text("'a/b'"));
  CHECK(accepted({"--kube", "--all-namespaces"}).write_sets.rounds.namespaces.empty());
}

TEST_CASE("rules of sets are read and bounded", "[config]") {
  const AggregatorConfig config = accepted({"--kubeconfig",
                                            "/k",
                                            "-n",
                                            "shop",
                                            "--interval",
                                            "1s",
                                            "--max-nets",
                                            "5",
                                            "--allow-private",
                                            "10.20.0.0/16,fd00:20::/32",
                                            "--allow-empty",
                                            "--create",
                                            "--force-conflicts",
                                            "--remove-after",
                                            "0s",
                                            "--http-listen",
                                            "127.0.0.1:1",
                                            "--window",
                                            "7d",
                                            "--wildcard-names",
                                            "5",
                                            "--wildcard-days",
                                            "2"});
  CHECK(config.write_sets.window == std::chrono::days(7));
  CHECK(config.write_sets.wildcard_names == 5);
  CHECK(config.write_sets.wildcard_days == 2);
  CHECK(config.write_sets.interval == std::chrono::seconds(1));
  CHECK(config.write_sets.rounds.rules.nets_max == 5);
  CHECK(config.write_sets.rounds.rules.private_allowed.size() == 2);
  CHECK(config.write_sets.rounds.rules.remove_after.count() == 0);
  CHECK(config.http_listen == "127.0.0.1:1");

  const auto why = [](const char* flag, const char* value) {
    return refused({"--kube", "-n", "shop", flag, value});
  };
  CHECK_THAT(why("--interval", "500ms"), has_text("not between 1s and 1h"));
  CHECK_THAT(why("--max-nets", "0"), has_text("--max-nets"));
  CHECK_THAT(why("--allow-private", "0.0.0.0/0"), has_text("is everything"));
  CHECK_THAT(why("--allow-private", "inside"), has_text("--allow-private"));
}

TEST_CASE("a token is shown over TLS, and not beside a certificate", "[config]") {
  CHECK_THAT(refused({"--kube", "-n", "shop", "--token-file", "/t"}), has_text("--tls-ca"));
  CHECK_THAT(refused({"--kube", "-n", "shop", "--token-file", "/t", "--tls-ca", "/a", "--tls-cert",
                      "/c", "--tls-key", "/k"}),
             has_text("not both"));
  const AggregatorConfig config =
      accepted({"--kube", "-n", "shop", "--token-file", "/t", "--tls-ca", "/a", "--server",
                "aggregator:7443", "--tls-server-name", "a"});
  CHECK(config.write_sets.dial.endpoint == "aggregator:7443");
  CHECK(config.write_sets.dial.tls.authorities == "/a");
  CHECK(config.write_sets.dial.tls_server_name == "a");
}

TEST_CASE("a dry run is once, and once serves no metrics", "[config]") {
  const AggregatorConfig config = accepted({"--kube", "-n", "shop", "--dry-run"});

  CHECK(config.write_sets.once);
  CHECK(config.http_listen.empty());
}
