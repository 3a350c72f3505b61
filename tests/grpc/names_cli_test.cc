// What pods were told by DNS, through the real services and the real program `outflow`: an address
// is the name its pod was told, and stays a bare address where the pod was told none.
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <fstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "aggregator/inventory/snapshot.h"
#include "tests/support/whole_pipeline.h"

using namespace outflow;
using namespace outflow::test;
using Json = nlohmann::json;

namespace {

constexpr const char* kInventory = R"({"kind": "List", "items": [
  {"kind": "Node", "metadata": {"name": "k8s-w1"}},
  {"kind": "Namespace", "metadata": {"name": "recruiter"}},
  {"kind": "Namespace", "metadata": {"name": "mail"}},
  {"kind": "Service", "metadata": {"namespace": "kube-system", "name": "kube-dns"},
   "spec": {"type": "ClusterIP", "clusterIP": "10.96.0.10", "clusterIPs": ["10.96.0.10"],
            "ports": [{"port": 53, "protocol": "UDP"}]}},
  {"kind": "Pod", "metadata": {"namespace": "recruiter", "name": "bot-1"},
   "spec": {"nodeName": "k8s-w1"},
   "status": {"phase": "Running", "podIP": "10.244.3.17", "podIPs": [{"ip": "10.244.3.17"}]}},
  {"kind": "Pod", "metadata": {"namespace": "mail", "name": "post-1"},
   "spec": {"nodeName": "k8s-w1"},
   "status": {"phase": "Running", "podIP": "10.244.3.18", "podIPs": [{"ip": "10.244.3.18"}]}}]})";

constexpr const char* kNvidia = "integrate.api.nvidia.com";
constexpr std::uint64_t kBot = 5;
constexpr std::uint64_t kPost = 6;

net::Address ip(const char* text) {
  return *net::Address::parse(text);
}

// Ten seconds of a node whose agent reads names.
Report report_of(std::uint64_t sequence) {
  Report report = sample_report(sequence, 0);
  report.reads_names = true;
  report.interfaces = {{.id = kBot,
                        .name = inventory::calico_interface_name("recruiter", "bot-1"),
                        .addresses = {ip("10.244.3.17")}},
                       {.id = kPost,
                        .name = inventory::calico_interface_name("mail", "post-1"),
                        .addresses = {ip("10.244.3.18")}}};
  return report;
}

void dial(Report& report, std::uint64_t interface, const char* destination) {
  Flow flow;
  flow.key = {interface, ip(destination), 443, Protocol::Tcp};
  flow.source = ip(interface == kBot ? "10.244.3.17" : "10.244.3.18");
  const TimePoint when = report.interval.start + std::chrono::seconds(5);
  flow.stats = {.packets = 9,
                .bytes = 900,
                .attempts = 1,
                .established = 1,
                .refused = 0,
                .flags = 0,
                .first_seen = when,
                .last_seen = when};
  report.flows.push_back(flow);
}

void tell(Report& report, const char* name, const char* address) {
  NameAnswer answer;
  answer.interface_id = kBot;
  answer.name = name;
  answer.address = ip(address);
  answer.resolver = ip("10.96.0.10");
  answer.ttl_s = 60;
  answer.answers = 1;
  answer.first_answered = report.interval.start + std::chrono::seconds(4);
  answer.last_answered = answer.first_answered;
  report.answers.push_back(answer);
}

struct Ran {
  int code = -1;
  std::string out;
  std::string err;
};

// The aggregator with two pods: one dials a name whose pool has two addresses, the other one of
// these and one that nobody was told, both without asking.
class Told {
 public:
  Told() {
    AggregatorConfig config = config_in(dir_);
    config.inventory_file = dir_ / "cluster.json";
    std::ofstream(config.inventory_file) << kInventory;
    pipeline_ = started(config);
    StubAgent agent(target_of(*pipeline_));
    REQUIRE(agent.send(report_of(1)).ok());
    Report first = report_of(2);
    tell(first, kNvidia, "99.83.136.103");
    dial(first, kBot, "99.83.136.103");
    dial(first, kPost, "99.83.136.103");
    dial(first, kPost, "149.154.167.220");
    REQUIRE(agent.send(first).ok());
    Report second = report_of(3);
    tell(second, kNvidia, "75.2.113.119");
    dial(second, kBot, "75.2.113.119");
    second.said.push_back({kBot, ip("75.2.113.119"), 443, kNvidia, 0, 1,
                           second.flows[0].stats.first_seen, second.flows[0].stats.last_seen});
    second.skipped = {{"dns_ring_full", 2}};
    REQUIRE(agent.send(second).ok());
  }

  [[nodiscard]] Ran run(const std::string& question) const {
    const std::string errors = dir_ / "stderr";
    const std::string command =
        fmt::format("'{}/outflow' --server 127.0.0.1:{} {} 2>'{}'", OUTFLOW_BINARY_DIR,
                    pipeline_->port(), question, errors);
    FILE* pipe = ::popen(command.c_str(), "r");
    REQUIRE(pipe != nullptr);
    Ran ran;
    std::array<char, 65536> buffer{};
    for (std::size_t size = 1; size > 0;) {
      size = std::fread(buffer.data(), 1, buffer.size(), pipe);
      ran.out.append(buffer.data(), size);
    }
    const int status = ::pclose(pipe);
    ran.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    std::ifstream in(errors);
    ran.err.assign(std::istreambuf_iterator<char>(in), {});
    return ran;
  }
  [[nodiscard]] Json ask(const std::string& question) const {
    const Ran ran = run(question + " -o json");
    INFO(ran.err);
    REQUIRE(ran.code == 0);
    return Json::parse(ran.out);
  }

 private:
  TempDir dir_;
  std::unique_ptr<Pipeline> pipeline_;
};

Json item_of(const Json& answer, const std::string& name) {
  for (const auto& item : answer.at("items")) {
    if (item.at("namespace") == name) return item;
  }
  FAIL("no item of " << name);
  return {};
}

bool noted(const Json& answer, const std::string& part) {
  for (const auto& note : answer.at("notes")) {
    if (note.get<std::string>().find(part) != std::string::npos) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("fan-out counts a pool as one name, and a bare address as raw", "[names]") {
  const Told told;

  const Json named = told.ask("fanout");
  const Json raw = told.ask("fanout --raw");

  CHECK(item_of(named, "recruiter").at("names") == 1);
  CHECK(item_of(named, "recruiter").at("raw_addresses") == 0);
  CHECK(item_of(named, "mail").at("names") == 1);
  CHECK(item_of(named, "mail").at("raw_addresses") == 1);
  CHECK(item_of(raw, "recruiter").at("names") == 0);
  CHECK(item_of(raw, "recruiter").at("raw_addresses") == 2);
  CHECK(item_of(raw, "recruiter").at("external") == 2);
  CHECK(item_of(raw, "mail").at("raw_addresses") == 2);
}

TEST_CASE("flows carry the name, on whose word, and what the pod said", "[names]") {
  const Told told;

  const Json flows = told.ask("flows -n recruiter");

  REQUIRE(flows.at("items").size() == 2);
  for (const auto& flow : flows.at("items")) {
    CHECK(flow.at("peer_kind") == "name");
    CHECK(flow.at("peer") == kNvidia);
    CHECK(flow.at("naming") == "named");
    CHECK(flow.at("names").at(0).at("basis") == "pod");
    const bool said = flow.at("destination") == "75.2.113.119";
    CHECK(flow.at("said").size() == (said ? 1U : 0U));
  }
}

TEST_CASE(
    "a name known from another pod only is said to be, and an address nobody was told has none",
    "[names]") {
  const Told told;

  const Json given = told.ask("explain 99.83.136.103");
  const Json name = told.ask(std::string("explain ") + kNvidia);
  const Json mail = told.ask("explain 99.83.136.103 -n mail");

  CHECK(item_of(given, "recruiter").at("peer") == kNvidia);
  CHECK(item_of(given, "recruiter").at("naming") == "named");
  CHECK(item_of(given, "mail").at("names").at(0).at("basis") == "node");
  CHECK_FALSE(noted(given, "the name was told to other pods only"));
  REQUIRE(given.at("names").size() == 1);
  CHECK(given.at("names").at(0).at("resolver") == "10.96.0.10");
  CHECK(given.at("names").at(0).at("trusted") == true);
  CHECK(given.at("names").at(0).at("namespaces") == Json::array({"recruiter"}));
  CHECK(name.at("names").size() == 2);
  CHECK(name.at("items").size() == 3);
  CHECK(noted(mail, "the name was told to other pods only"));
  CHECK(noted(mail, std::string("not asked about, too: ") + kNvidia + " (recruiter)"));
  const Json bare = told.ask("explain 149.154.167.220");
  CHECK(bare.at("peer_kind") == "external");
  CHECK(bare.at("names").empty());
  CHECK(noted(bare, "raw address in no published or own range"));
}

TEST_CASE("lost names are hinted at beside every answer that names", "[names]") {
  const Told told;

  for (const char* question : {"fanout", "explain 99.83.136.103", "policy"}) {
    INFO(question);
    CHECK_THAT(told.run(question).err,
               has_text("Names may be missing, flows are not: dns_ring_full 2 in the window"));
  }
  CHECK_THAT(told.run("explain 99.83.136.103").out, has_text("integrate.api.nvidia.com"));
}
