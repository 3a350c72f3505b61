// The whole program but its main(), against a server in the same process.
#include "aggregator/cli/commands.h"

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <nlohmann/json.hpp>

#include "aggregator/cli/exit.h"
#include "outflow/v1/query.grpc.pb.h"
#include "tests/support/catch.h"

namespace outflow::cli {
namespace {

using grpc::ServerContext;

// Gives back what a test put in, and remembers what it was asked.
class FakeQuery final : public v1::Query::Service {
 public:
  // Every answer but coverage says that this node has no agent; "" for none.
  std::string missing_node;
  std::string inventory_as_of = "2026-05-18T11:59:00Z";  // of every answer; "" for none
  template <class Answer>
  grpc::Status give(const Answer& answer, Answer* out) const {
    *out = answer;
    out->mutable_context()->set_inventory_as_of(inventory_as_of);
    if (!missing_node.empty()) out->mutable_context()->add_missing_nodes(missing_node);
    return grpc::Status::OK;
  }

  grpc::Status Coverage(ServerContext*, const v1::CoverageRequest* in,
                        v1::CoverageAnswer* out) override {
    scope = in->scope();
    *out = coverage;
    out->mutable_context()->set_inventory_as_of(inventory_as_of);
    return grpc::Status::OK;
  }
  grpc::Status Fanout(ServerContext* context, const v1::FanoutRequest* in,
                      v1::FanoutAnswer* out) override {
    scope = in->scope();
    while (silent && !context->IsCancelled()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return give(fanout, out);
  }
  grpc::Status Flows(ServerContext*, const v1::FlowsRequest*,
                     grpc::ServerWriter<v1::FlowsAnswer>* out) override {
    v1::FlowsAnswer part;
    part.mutable_context()->set_to("2026-05-18T12:00:00Z");
    part.mutable_context()->set_inventory_as_of(inventory_as_of);
    if (!missing_node.empty()) part.mutable_context()->add_missing_nodes(missing_node);
    out->Write(part);
    part.Clear();
    for (std::uint32_t i = 0; i < 1000; ++i) part.add_items()->set_port(i);
    part.mutable_items(0)->set_protocol(protocol);
    for (int i = 0; i < 3; ++i) out->Write(part);
    return grpc::Status::OK;
  }
  grpc::Status Policy(ServerContext*, const v1::PolicyRequest* in, v1::PolicyAnswer* out) override {
    order = in->order();
    policy_asked = *in;
    return give(policy, out);
  }
  grpc::Status Sets(ServerContext*, const v1::SetsRequest* in, v1::SetsAnswer* out) override {
    sets_asked = *in;
    return give(sets, out);
  }
  grpc::Status New(ServerContext*, const v1::NewRequest* in, v1::NewAnswer* out) override {
    since = in->since_ns();
    return give(news, out);
  }
  grpc::Status Tiers(ServerContext*, const v1::TiersRequest*, v1::TiersAnswer* out) override {
    if (tiers_fail) return {grpc::StatusCode::INVALID_ARGUMENT, "preset: made to fail"};
    return give(tiers, out);
  }
  grpc::Status Doctor(ServerContext*, const v1::DoctorRequest*, v1::DoctorAnswer* out) override {
    return give(doctor, out);
  }
  grpc::Status Baseline(ServerContext*, const v1::BaselineRequest*,
                        v1::BaselineAnswer* out) override {
    return give(v1::BaselineAnswer(), out);
  }
  grpc::Status Plan(ServerContext*, const v1::PlanRequest*, v1::PlanAnswer* out) override {
    return give(v1::PlanAnswer(), out);
  }
  grpc::Status Explain(ServerContext*, const v1::ExplainRequest*, v1::ExplainAnswer* out) override {
    return give(v1::ExplainAnswer(), out);
  }
  grpc::Status Status(ServerContext*, const v1::StatusRequest*, v1::StatusAnswer*) override {
    return {grpc::StatusCode::UNAVAILABLE, "the inventory was not read yet"};
  }

  v1::CoverageAnswer coverage;
  v1::FanoutAnswer fanout;
  v1::PolicyAnswer policy;
  v1::PolicyRequest policy_asked;
  v1::SetsAnswer sets;
  v1::SetsRequest sets_asked;
  v1::NewAnswer news;
  v1::DoctorAnswer doctor;
  v1::Scope scope;
  double order = 0;
  std::int64_t since = 0;
  bool tiers_fail = true;
  v1::TiersAnswer tiers;
  std::string protocol;  // of the first flow
  std::atomic<bool> silent{false};
};

class FakeImport final : public v1::Import::Service {
 public:
  grpc::Status CalicoLog(ServerContext*, grpc::ServerReader<v1::CalicoLogChunk>* in,
                         v1::ImportAnswer* out) override {
    v1::CalicoLogChunk chunk;
    while (in->Read(&chunk)) {
      if (chunk.has_options()) options = chunk.options();
      content += chunk.content();
      largest = std::max(largest, chunk.content().size());
    }
    out->set_lines(7);
    return grpc::Status::OK;
  }

  v1::CalicoLogOptions options;
  std::string content;
  std::size_t largest = 0;
};

class FakeMaintenance final : public v1::Maintenance::Service {
 public:
  grpc::Status Backup(ServerContext*, const v1::BackupRequest*,
                      grpc::ServerWriter<v1::BackupChunk>* out) override {
    v1::BackupChunk chunk;
    for (const char* part : {"one ", "two"}) {
      chunk.set_content(part);
      out->Write(chunk);
    }
    return status;
  }
  grpc::Status status;
};

struct Ran {
  int code = -1;
  std::string out;
  std::string err;
};

struct World {
  World() {
    path = (std::filesystem::temp_directory_path() /
            ("outflow-cli-test-" + std::to_string(::getpid()) + "-" + std::to_string(++count)))
               .string();
    std::filesystem::create_directories(path);
    grpc::ServerBuilder builder;
    builder.AddListeningPort("unix:" + path + "/socket", grpc::InsecureServerCredentials());
    builder.RegisterService(&query);
    builder.RegisterService(&import);
    builder.RegisterService(&maintenance);
    server = builder.BuildAndStart();
    REQUIRE(server);
  }
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  ~World() {
    server->Shutdown(std::chrono::system_clock::now());
    std::filesystem::remove_all(path);
  }

  [[nodiscard]] Ran run(std::vector<std::string> arguments, const std::string& input = "") const {
    arguments.insert(arguments.begin(), {"--server", "unix:" + path + "/socket"});
    std::istringstream in(input);
    std::ostringstream out;
    std::ostringstream err;
    const int code = cli::run(arguments, {in, out, err, false});
    return {code, out.str(), err.str()};
  }

  static inline int count = 0;
  std::string path;
  FakeQuery query;
  FakeImport import;
  FakeMaintenance maintenance;
  std::unique_ptr<grpc::Server> server;
};

Ran run_alone(const std::vector<std::string>& arguments) {
  std::istringstream in;
  std::ostringstream out;
  std::ostringstream err;
  const int code = cli::run(arguments, {in, out, err, false});
  return {code, out.str(), err.str()};
}

void add_namespace(v1::FanoutAnswer& answer, const std::string& name, std::uint64_t external) {
  auto& item = *answer.add_items();
  item.set_namespace_(name);
  item.set_external(external);
  item.set_destinations(external);
}

}  // namespace

TEST_CASE("a wrong call exits 2, says what is wrong on stderr and nothing on stdout",
          "[commands]") {
  const std::vector<std::pair<std::vector<std::string>, std::string>> calls{
      {{}, "Subcommands"},
      {{"fanuot"}, "did you mean 'fanout'"},
      {{"xyzzy"}, "unknown command 'xyzzy'"},
      {{"fanout", "--widnow", "3d"}, "did you mean '--window'"},
      {{"fanout", "-n"}, "--namespace"},
      {{"fanout", "-n", ""}, "--namespace"},
      {{"fanout", "-o", "xml"}, "--output"},
      {{"fanout", "--window", "3"}, "--window: '3' is no duration"},
      {{"fanout", "--window", "-3d"}, "--window"},
      {{"fanout", "--window", "0s"}, "--window"},
      {{"fanout", "--window", "99999999999w"}, "--window"},
      {{"fanout", "-n", "web", "-A"}, "-n and -A exclude each other"},
      {{"fanout", "extra"}, "unexpected argument 'extra'"},
      {{"fanout", "--color", "pink"}, "--color"},
      {{"fanout", "--request-timeout", "soon"}, "--request-timeout"},
      {{"fanout", "--server", "10.0.0.1:7443"}, "--insecure"},
      {{"fanout", "--server", "nonsense"}, "--server"},
      {{"fanout", "--server", "unix:"}, "--server"},
      {{"status", "-n", "web"}, "status takes no --namespace"},
      {{"status", "--window", "7d"}, "status takes no --window"},
      {{"tiers", "--preset", "hope"}, "--preset"},
      {{"plan", "--max-per-day", "0"}, "--max-per-day"},
      {{"plan", "--max-per-day", "-1"}, "--max-per-day"},
      {{"baseline", "--percent", "-1"}, "--percent"},
      {{"baseline", "--percent", "101"}, "--percent"},
      {{"new", "--since", "yesterday"}, "--since"},
      {{"new", "--since", "0s"}, "--since"},
      {{"flows", "--limit", "-1"}, "--limit"},
      {{"flows", "--limit", "99999999999999999999"}, "--limit"},
      {{"explain"}, "DESTINATION"},
      {{"export"}, "DIR"},
      {{"export", "x", "--order", "nan"}, "--order"},
      {{"policy", "--order", "-1"}, "--order"},
      {{"policy", "--dialect", "cilium"}, "--dialect"},
      {{"policy", "--sets", "dead"}, "--sets"},
      {{"policy", "--wildcard-names", "1"}, "--wildcard-names"},
      {{"sets", "--wildcard-days", "0"}, "--wildcard-days"},
      {{"import"}, "calico-log"},
      {{"import", "calico-lgo"}, "did you mean 'calico-log'"},
      {{"import", "calico-log"}, "FILE"},
      {{"import", "calico-log", "/no/such/file"}, "/no/such/file"},
      {{"import", "calico-log", "-", "--at", "now"}, "--at"},
      {{"import", "calico-log", "-", "--boot-time", "12"}, "--boot-time"},
      {{"import", "calico-log", "-", "--year", "26"}, "--year"},
      {{"import", "calico-log", "-", "-n", "web"}, "takes no --namespace"},
      {{"completion", "tcsh"}, "SHELL"},
  };
  for (const auto& [arguments, message] : calls) {
    const Ran ran = run_alone(arguments);
    INFO(message << " <- " << ran.err);
    CHECK(ran.code == kExitError);
    CHECK(ran.out.empty());
    CHECK(ran.err.find(message) != std::string::npos);
  }
}

TEST_CASE("help and version are answers, not errors", "[commands]") {
  CHECK(run_alone({"--version"}).out == "outflow " OUTFLOW_VERSION "\n");
  CHECK(run_alone({"--version"}).code == kExitOk);
  for (const char* command :
       {"status", "coverage", "fanout", "tiers", "flows", "explain", "policy", "export", "baseline",
        "sets", "new", "plan", "import", "doctor", "backup", "completion"}) {
    const Ran ran = run_alone({command, "--help"});
    CHECK(ran.code == kExitOk);
    CHECK(ran.out.find("Examples:\n  ") != std::string::npos);
    CHECK(run_alone({"--help"}).out.find(command) != std::string::npos);
  }
}

TEST_CASE("a server that is not there is one line with its address, exit 2", "[commands]") {
  const Ran ran = run_alone({"status", "--server", "unix:/nonexistent/outflow.sock"});

  CHECK(ran.code == kExitError);
  CHECK(ran.out.empty());
  CHECK(ran.err.find("unix:/nonexistent/outflow.sock") != std::string::npos);
  CHECK(ran.err.find("--server") != std::string::npos);
  CHECK(std::count(ran.err.begin(), ran.err.end(), '\n') == 1);
}

TEST_CASE("a server that is silent is exit 124", "[commands]") {
  World world;
  world.query.silent = true;

  const Ran ran = world.run({"fanout", "--request-timeout", "50ms"});
  world.query.silent = false;

  CHECK(ran.code == kExitTimeout);
  CHECK(ran.err.find("50ms") != std::string::npos);
}

TEST_CASE("what the server refuses is exit 2 with its words", "[commands]") {
  const World world;

  const Ran ran = world.run({"tiers"});

  CHECK(ran.code == kExitError);
  CHECK(ran.err.find("preset: made to fail") != std::string::npos);
}

TEST_CASE("a server that is there and not ready is not called unreachable", "[commands]") {
  const World world;

  const Ran ran = world.run({"status"});

  CHECK(ran.code == kExitError);
  CHECK(ran.err.find("the inventory was not read yet") != std::string::npos);
  CHECK(ran.err.find("cannot reach") == std::string::npos);
}

TEST_CASE("namespaces and window reach the server, before or after the command", "[commands]") {
  World world;

  CHECK(world.run({"-n", "web", "fanout", "-n", "mail,dbaas", "--window", "7d"}).code == kExitOk);

  REQUIRE(world.query.scope.namespaces_size() == 3);
  CHECK(world.query.scope.namespaces(0) == "web");
  CHECK(world.query.scope.namespaces(2) == "dbaas");
  CHECK(world.query.scope.window_ns() == std::chrono::nanoseconds(std::chrono::hours(168)).count());
}

TEST_CASE("fanout is sorted as asked, the largest first by default", "[commands]") {
  World world;
  add_namespace(world.query.fanout, "a", 1);
  add_namespace(world.query.fanout, "b", 3);
  add_namespace(world.query.fanout, "c", 3);
  const auto order = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments{"fanout", "-o", "json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    std::string names;
    const auto answer = nlohmann::json::parse(world.run(arguments).out);
    for (const auto& item : answer["items"]) names += item["namespace"].get<std::string>();
    return names;
  };

  CHECK(order({}) == "bca");
  CHECK(order({"--sort-by", "external"}) == "abc");
  CHECK(order({"--sort-by=-external"}) == "bca");
  CHECK(order({"--sort-by", "-external"}) == "bca");
  CHECK(order({"--sort-by", "namespace"}) == "abc");
  CHECK(world.run({"fanout", "--sort-by", "beauty"}).code == kExitError);
}

TEST_CASE("data is on stdout, with --no-headers rows and nothing else", "[commands]") {
  World world;
  add_namespace(world.query.fanout, "a\x1b[31m", 1);

  const Ran table = world.run({"fanout"});
  const Ran bare = world.run({"fanout", "--no-headers"});

  CHECK(table.out.starts_with("NAMESPACE"));
  CHECK(table.out.find("0/0") != std::string::npos);
  CHECK(table.out.find("window:") != std::string::npos);
  CHECK(table.out.find('\x1b') == std::string::npos);
  CHECK(std::count(bare.out.begin(), bare.out.end(), '\n') == 1);
  CHECK(bare.err.empty());
}

TEST_CASE("colour is for --color=always or a terminal", "[commands]") {
  World world;
  add_namespace(world.query.fanout, "a", 1);

  CHECK(world.run({"fanout"}).out.find('\x1b') == std::string::npos);
  CHECK(world.run({"fanout", "--color", "always"}).out.find('\x1b') != std::string::npos);
}

TEST_CASE("coverage with an unwatched node is exit 5 and names it, without one 0", "[commands]") {
  World world;
  world.query.coverage.add_items()->set_status("idle");
  CHECK(world.run({"coverage"}).code == kExitOk);

  world.query.coverage.mutable_context()->add_missing_nodes("k8s-w3");
  const Ran ran = world.run({"coverage", "-o", "json"});

  CHECK(ran.code == kExitPartial);
  CHECK(ran.err.find("k8s-w3") != std::string::npos);
  CHECK(nlohmann::json::parse(ran.out)["kind"] == "CoverageList");
}

TEST_CASE("every answer that a node without an agent makes partial is exit 5 and names the node",
          "[commands]") {
  World world;
  const std::string folder = world.path + "/egress";
  const std::vector<std::vector<std::string>> calls{
      {"fanout"}, {"tiers"},          {"baseline"},
      {"new"},    {"plan"},           {"flows"},
      {"policy"}, {"export", folder}, {"explain", "198.51.100.7"},
      {"sets"}};
  world.query.tiers_fail = false;
  for (const auto& call : calls) {
    INFO(call.front());
    CHECK(world.run(call).code == kExitOk);
  }

  world.query.missing_node = "k8s-w3";
  for (const auto& call : calls) {
    INFO(call.front());
    const Ran ran = world.run(call);
    CHECK(ran.code == kExitPartial);
    CHECK(ran.err.find("partial (exit 5): k8s-w3 has no agent") != std::string::npos);
    CHECK(ran.out.find("partial") == std::string::npos);
  }
}

TEST_CASE("a namespace nobody knows is said on stderr, and no failure", "[commands]") {
  World world;
  add_namespace(world.query.fanout, "nope", 0);
  world.query.fanout.mutable_context()->add_unknown_namespaces("nope");

  const Ran ran = world.run({"fanout", "-n", "nope"});

  CHECK(ran.code == kExitOk);
  CHECK(ran.err == "neither the inventory nor the evidence knows a namespace nope\n");
}

TEST_CASE("what is worse than a partial answer decides the exit code", "[commands]") {
  World world;
  world.query.missing_node = "k8s-w3";
  world.query.news.add_items()->set_change("new");
  world.query.policy.add_refused()->set_namespace_("mail");

  CHECK(world.run({"new", "--fail-on-new"}).code == kExitDifferences);
  const Ran ran = world.run({"policy"});
  CHECK(ran.code == kExitInsufficient);
  CHECK(ran.err.find("k8s-w3 has no agent") != std::string::npos);
}

TEST_CASE("a doctor's failed check is exit 3, before a node without an agent; a warning is 0",
          "[commands]") {
  World world;
  world.query.doctor.add_items()->set_state("warn");
  world.query.doctor.set_warn(1);
  CHECK(world.run({"doctor"}).code == kExitOk);
  world.query.missing_node = "k8s-w3";
  CHECK(world.run({"doctor"}).code == kExitPartial);
  world.query.doctor.set_fail(1);
  const Ran ran = world.run({"doctor", "-o", "json"});

  CHECK(ran.code == kExitFailed);
  CHECK(nlohmann::json::parse(ran.out)["kind"] == "Doctor");
}

TEST_CASE("a backup is a new file that is whole, or none", "[commands]") {
  World world;
  const std::string path = world.path + "/backup";
  world.maintenance.status = {grpc::StatusCode::ABORTED, "made to fail"};
  CHECK(world.run({"backup", path}).code == kExitError);
  CHECK_FALSE(std::filesystem::exists(path));
  CHECK_FALSE(std::filesystem::exists(path + ".partial"));

  world.maintenance.status = grpc::Status::OK;
  CHECK(world.run({"backup", path}).code == kExitOk);
  std::ifstream in(path);
  CHECK(std::string(std::istreambuf_iterator<char>(in), {}) == "one two");
  CHECK_FALSE(std::filesystem::exists(path + ".partial"));
  const Ran again = world.run({"backup", path});
  CHECK(again.code == kExitError);
  CHECK(again.err.find("there is such a file already") != std::string::npos);
}

TEST_CASE("a server and a cluster exclude each other", "[commands]") {
  const Ran ran = run_alone({"status", "--server", "unix:/none", "--context", "home"});

  CHECK(ran.code == kExitError);
  CHECK(ran.err.find("--server excludes --context") != std::string::npos);
}

TEST_CASE("losses and gaps make coverage partial; elsewhere the horizon says so", "[commands]") {
  World world;
  world.query.coverage.mutable_context()->add_incomplete_nodes("k8s-w2");
  world.query.fanout.mutable_context()->add_incomplete_nodes("k8s-w2");

  CHECK(world.run({"coverage"}).code == kExitPartial);
  CHECK(world.run({"fanout"}).code == kExitOk);
}

TEST_CASE("new --fail-on-new is exit 1 for something new, not for what went away", "[commands]") {
  World world;
  world.query.news.add_items()->set_change("gone");
  CHECK(world.run({"new", "--fail-on-new"}).code == kExitOk);

  world.query.news.add_items()->set_change("new");
  CHECK(world.run({"new", "--fail-on-new", "--since", "2h"}).code == kExitDifferences);
  CHECK(world.query.since == std::chrono::nanoseconds(std::chrono::hours(2)).count());
  CHECK(world.run({"new"}).code == kExitOk);
}

TEST_CASE("flows streamed as JSON are one valid document", "[commands]") {
  const World world;

  const Ran ran = world.run({"flows", "-o", "json"});
  const auto answer = nlohmann::json::parse(ran.out);

  CHECK(ran.code == kExitOk);
  CHECK(answer["items"].size() == 3000);
  CHECK(answer["context"]["to"] == "2026-05-18T12:00:00Z");
  const Ran table = world.run({"flows", "--no-headers"});
  CHECK(std::count(table.out.begin(), table.out.end(), '\n') == 3000);
}

TEST_CASE("export writes what is enough and exits 4 for what was refused", "[commands]") {
  World world;
  auto& file = *world.query.policy.add_items();
  file.set_namespace_("web");
  file.set_path("egress-web.yaml");
  file.set_content("kind: GlobalNetworkPolicy\n");
  const std::string folder = world.path + "/egress";
  CHECK(world.run({"export", folder, "--order", "1200"}).code == kExitOk);
  CHECK(world.query.order == 1200);

  world.query.policy.add_refused()->set_namespace_("mail");
  const Ran ran = world.run({"export", folder});

  CHECK(ran.code == kExitInsufficient);
  CHECK(ran.err.find("refused mail") != std::string::npos);
  CHECK(std::filesystem::exists(folder + "/egress-web.yaml"));
}

TEST_CASE("policy says who reads it, how sets are written, and when names are a class",
          "[commands]") {
  World world;
  CHECK(world.run({"policy"}).code == kExitOk);
  CHECK(world.query.policy_asked.dialect() == "calico-oss");
  CHECK(world.query.policy_asked.sets() == "live");
  CHECK(world.query.policy_asked.wildcard_names() == 4);

  CHECK(world
            .run({"policy", "--dialect", "calico-cloud", "--sets", "inline", "--wildcard-names",
                  "7", "--wildcard-days", "2"})
            .code == kExitOk);
  CHECK(world.query.policy_asked.dialect() == "calico-cloud");
  CHECK(world.query.policy_asked.sets() == "inline");
  CHECK(world.query.policy_asked.wildcard_names() == 7);
  CHECK(world.query.policy_asked.wildcard_days() == 2);
}

TEST_CASE("sets are a table, and as YAML the manifests that policies use", "[commands]") {
  World world;
  for (const bool usable : {true, false, true}) {
    auto& set = *world.query.sets.add_items();
    set.set_namespace_("web");
    set.set_name("outflow-web-a");
    set.set_class_("*.cdn.example.com");
    set.set_content(usable ? "a: 1\n" : "b: 2\n");
    set.set_usable(usable);
    set.set_coverage(0.5);
    set.add_nets();
  }
  const Ran table = world.run({"sets", "-n", "web", "--wildcard-days", "5"});
  const Ran yaml = world.run({"sets", "-o", "yaml"});

  CHECK(table.code == kExitOk);
  CHECK(table.out.find("web        outflow-web-a  *.cdn.example.com     1     0.500  yes") !=
        std::string::npos);
  CHECK(table.out.find("2 of 3 sets may stand in a policy") != std::string::npos);
  CHECK(yaml.out == "a: 1\n---\na: 1\n");
  CHECK(yaml.err.find("1 of 3 sets are not printed") != std::string::npos);
  CHECK(nlohmann::json::parse(world.run({"sets", "-o", "json"}).out)["items"].size() == 3);
}

TEST_CASE("policy prints YAML documents and exits 4 for what was refused", "[commands]") {
  World world;
  world.query.policy.add_items()->set_content("a: 1\n");
  world.query.policy.add_items()->set_content("b: 2\n");
  CHECK(world.run({"policy"}).out == "a: 1\n---\nb: 2\n");

  world.query.policy.add_refused()->set_namespace_("mail");
  CHECK(world.run({"policy"}).code == kExitInsufficient);
}

TEST_CASE("to allow what is insufficient is advised only where it would help", "[commands]") {
  World world;
  auto& refused = *world.query.policy.add_refused();
  refused.set_namespace_("typo");
  refused.mutable_horizon()->set_wanted_days(7);

  CHECK(world.run({"policy"}).err.find("--allow-insufficient") == std::string::npos);
  refused.set_flows(1);
  CHECK(world.run({"policy"}).err.find("--allow-insufficient") != std::string::npos);
  CHECK(world.run({"policy", "--allow-insufficient"}).err.find("takes them") == std::string::npos);
  refused.mutable_horizon()->set_valid_days(7);  // refused for something else
  CHECK(world.run({"policy"}).err.find("--allow-insufficient") == std::string::npos);
}

TEST_CASE("a protocol that has only a number is not shown as a port", "[commands]") {
  World world;
  world.query.protocol = "47";

  CHECK(world.run({"flows"}).out.find(" proto-47 ") != std::string::npos);
  CHECK(nlohmann::json::parse(world.run({"flows", "-o", "json"}).out)["items"][0]["protocol"] ==
        "47");
}

TEST_CASE("more valid days than wanted are shown as enough, and JSON has the number",
          "[commands]") {
  World world;
  add_namespace(world.query.fanout, "a", 1);
  auto& horizon = *world.query.fanout.mutable_items(0)->mutable_horizon();
  horizon.set_valid_days(8);
  horizon.set_wanted_days(7);

  const Ran table = world.run({"fanout"});
  const Ran json = world.run({"fanout", "-o", "json"});

  CHECK(table.out.find("7+/7") != std::string::npos);
  CHECK(table.out.find("8/7") == std::string::npos);
  CHECK(nlohmann::json::parse(json.out)["items"][0]["horizon"]["valid_days"] == 8);
}

TEST_CASE("a namespace without a tier is counted beside the letters", "[commands]") {
  World world;
  world.query.tiers_fail = false;
  world.query.tiers.add_items()->set_tier("A");
  world.query.tiers.add_items()->set_tier("-");

  CHECK(world.run({"tiers"}).out.find("tiers: A 1  B 0  C 0  D 0  no evidence 1\n") !=
        std::string::npos);
}

TEST_CASE("an answer given without an inventory says so, and is partial", "[commands]") {
  World world;
  world.query.inventory_as_of = "";
  world.query.fanout.mutable_context()->set_inventory_stale(true);
  world.query.fanout.mutable_context()->set_inventory_error("/i.json: No such file");

  const Ran ran = world.run({"fanout"});
  CHECK(ran.out.find("inventory: none was read: /i.json: No such file\n") != std::string::npos);
  CHECK(ran.code == kExitPartial);
  CHECK(ran.err.find("partial (exit 5): no inventory was read") != std::string::npos);
}

TEST_CASE("import sends the file in parts, with what the flags say", "[commands]") {
  World world;
  std::string lines;
  while (lines.size() < 200'000) lines += "calico-packet: IN=cali1 OUT=eth0\n";

  const Ran ran = world.run({"import", "calico-log", "-", "--at", "2026-05-18T18:42:44Z", "--year",
                             "2026", "--node", "k8s-w1"},
                            lines);

  CHECK(ran.code == kExitOk);
  CHECK(world.import.content == lines);
  CHECK(world.import.largest <= 65'536);
  CHECK(world.import.options.at_ns() == 1'779'129'764'000'000'000);
  CHECK(world.import.options.year() == 2026);
  CHECK(world.import.options.node() == "k8s-w1");
}

TEST_CASE("output that cannot be written is an error, not a success", "[commands]") {
  const World world;
  std::istringstream in;
  std::ofstream full("/dev/full");
  std::ostringstream err;

  const int code =
      cli::run({"--server", "unix:" + world.path + "/socket", "fanout"}, {in, full, err, false});

  CHECK(code == kExitError);
  CHECK(err.str().find("could not be written") != std::string::npos);
}

TEST_CASE("completion knows every command and flag, and the shell can read it", "[commands]") {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const Ran ran = run_alone({"completion", shell});
    CHECK(ran.code == kExitOk);
    for (const char* word : {"fanout", "calico-log", "sort-by", "allow-insufficient", "study"}) {
      INFO(shell << " " << word);
      CHECK(ran.out.find(word) != std::string::npos);
    }
  }
  const World world;
  const std::string file = world.path + "/completion";
  std::ofstream(file)
      << run_alone({"completion", "bash"}).out
      << "COMP_WORDS=(outflow fan); COMP_CWORD=1; _outflow; echo \"${COMPREPLY[*]}\"\n"
      << "COMP_WORDS=(outflow tiers --preset ''); COMP_CWORD=3; _outflow; "
         "echo \"${COMPREPLY[*]}\"\n";
  std::FILE* const bash = ::popen(("bash " + file).c_str(), "r");
  REQUIRE(bash != nullptr);
  char text[256] = {};
  const std::size_t length = std::fread(text, 1, sizeof text - 1, bash);
  CHECK(::pclose(bash) == 0);
  CHECK(std::string(text, length) == "fanout\ndefault study\n");
}

TEST_CASE("^C ends the program with 130", "[commands]") {
  World world;
  world.query.silent = true;
  const std::string program = std::string(OUTFLOW_BINARY_DIR) + "/outflow";
  const std::string server = "unix:" + world.path + "/socket";
  const pid_t child = ::fork();
  if (child == 0) {
    ::execl(program.c_str(), "outflow", "fanout", "--server", server.c_str(), nullptr);
    ::_exit(99);
  }
  REQUIRE(child > 0);
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  ::kill(child, SIGINT);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  world.query.silent = false;

  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == kExitInterrupted);
}

}  // namespace outflow::cli
