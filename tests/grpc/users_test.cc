// Who may ask what, over the real server, with reviews that a test answers.
#include <fstream>

#include "aggregator/inventory/snapshot.h"
#include "tests/support/fake_reviews.h"
#include "tests/support/kube.h"
#include "tests/support/secure_pipeline.h"

using namespace outflow;
using namespace outflow::test;
using grpc::StatusCode;

namespace {

struct Asked {
  grpc::Status status;
  std::vector<std::string> namespaces;
  std::uint32_t hidden = 0;
};

// An aggregator with the namespaces shop and web, each with a pod that was seen, and one source
// that nobody knows.
struct Guarded {
  Guarded() {
    AggregatorConfig config = secure_config_in(dir, authority);
    config.inventory_file = dir / "cluster.json";
    std::ofstream(config.inventory_file) << list(
        {json({.kind = "Namespace", .name = "shop"}), json({.kind = "Namespace", .name = "web"}),
         pod("shop", "till-1", "10.244.3.17"), pod("web", "front-1", "10.244.3.18")});
    auto made = Pipeline::start(config, kClock, {.ask = reviews.ask()});
    if (!made) FAIL(made.error().what);
    pipeline = *std::move(made);
    StubAgent agent(connect_as(*pipeline, authority.agent("k8s-w1")));
    Report report = sample_report(1);
    report.interfaces[0].name = inventory::calico_interface_name("shop", "till-1");
    if (!agent.send(report).ok()) FAIL("no flows");
  }

  Asked coverage(const std::shared_ptr<grpc::Channel>& channel, const std::string& token = "",
                 const std::string& named = "") {
    grpc::ClientContext context;
    if (!token.empty()) context.AddMetadata("authorization", "Bearer " + token);
    v1::CoverageRequest request;
    if (!named.empty()) request.mutable_scope()->add_namespaces(named);
    v1::CoverageAnswer answer;
    Asked asked;
    asked.status = v1::Query::NewStub(channel)->Coverage(&context, request, &answer);
    for (const auto& item : answer.items()) asked.namespaces.push_back(item.namespace_());
    asked.hidden = answer.context().hidden_namespaces();
    return asked;
  }
  Asked coverage_as(const Issued& who, const std::string& named = "") {
    return coverage(connect_as(*pipeline, who), "", named);
  }

  TempDir dir;
  TestAuthority authority;
  FakeReviews reviews;
  std::unique_ptr<Pipeline> pipeline;
};

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("an answer is cut to the namespaces its asker may see, and counts the others",
          "[access]") {
  Guarded guarded;
  guarded.reviews.allow("ann", "get", "shop");
  const Asked asked = guarded.coverage_as(guarded.authority.user("ann"));

  CHECK(asked.status.error_message().empty());
  CHECK(asked.namespaces == Names{"shop"});
  CHECK(asked.hidden == 1);
}

TEST_CASE("a namespace that may not be seen is refused by name, known or not", "[access]") {
  Guarded guarded;
  guarded.reviews.allow("ann", "get", "shop");
  for (const char* name : {"web", "never-was", "(unattributed)"}) {
    const Asked asked = guarded.coverage_as(guarded.authority.user("ann"), name);

    CHECK(asked.status.error_code() == StatusCode::PERMISSION_DENIED);
    CHECK_THAT(asked.status.error_message(), has_text(name));
  }
  CHECK(guarded.coverage_as(guarded.authority.user("ann"), "shop").namespaces == Names{"shop"});
}

TEST_CASE("the inventory says nothing of what is in a namespace that may not be seen", "[access]") {
  Guarded guarded;
  guarded.reviews.allow("ann", "get", "shop");
  const auto explained = [&](const Issued& who, const char* destination) {
    grpc::ClientContext context;
    v1::ExplainRequest request;
    request.set_destination(destination);
    v1::ExplainAnswer answer;
    const auto status =
        v1::Query::NewStub(connect_as(*guarded.pipeline, who))->Explain(&context, request, &answer);
    CHECK(status.error_message().empty());
    return answer.peer() + "; " + std::to_string(answer.notes_size() > 0);
  };

  const Issued ann = guarded.authority.user("ann");
  CHECK(explained(ann, "10.244.3.18") == explained(ann, "web/never-was"));
  CHECK(explained(ann, "10.244.3.17") != explained(ann, "web/never-was"));
  const Issued eve = guarded.authority.user("eve", {"outflow:admins"});
  CHECK_THAT(explained(eve, "10.244.3.18"), has_text("front-1"));
}

TEST_CASE("who may list namespaces, and an admin, sees all", "[access]") {
  Guarded guarded;
  guarded.reviews.allow("bob", "list");
  for (const Issued& who :
       {guarded.authority.user("bob"), guarded.authority.user("eve", {"outflow:admins"})}) {
    const Asked asked = guarded.coverage_as(who);

    CHECK(asked.namespaces == Names{"shop", "web"});
    CHECK(asked.hidden == 0);
  }
}

TEST_CASE("a token is as good as a certificate", "[access]") {
  Guarded guarded;
  guarded.reviews.know("tok-ann", R"({"username":"ann","groups":["dev"]})");
  guarded.reviews.allow("ann", "get", "web");
  const auto channel = connect_as_nobody(*guarded.pipeline, guarded.authority);

  CHECK(guarded.coverage(channel, "tok-ann").namespaces == Names{"web"});
  CHECK(guarded.coverage(channel, "tok-eve").status.error_code() == StatusCode::UNAUTHENTICATED);
  const Asked nobody = guarded.coverage(channel);
  CHECK(nobody.status.error_code() == StatusCode::UNAUTHENTICATED);
  CHECK_THAT(nobody.status.error_message(), has_text("--token-file"));
}

TEST_CASE("an agent may not ask, not even with a good token", "[access]") {
  Guarded guarded;
  guarded.reviews.know("tok-admin", R"({"username":"eve","groups":["outflow:admins"]})");
  const auto channel = connect_as(*guarded.pipeline, guarded.authority.agent("k8s-w1"));

  CHECK(guarded.coverage(channel, "tok-admin").status.error_code() ==
        StatusCode::PERMISSION_DENIED);
}

TEST_CASE("an API server that is away answers nobody, but for admins", "[access]") {
  Guarded guarded;
  guarded.reviews.away = true;

  CHECK(guarded.coverage_as(guarded.authority.user("ann")).status.error_code() ==
        StatusCode::UNAVAILABLE);
  CHECK(guarded.coverage_as(guarded.authority.user("eve", {"outflow:admins"})).status.ok());
}

TEST_CASE("evidence is added by those who may create it", "[access]") {
  Guarded guarded;
  guarded.reviews.allow("ann", "create");
  const auto import = [&](const std::shared_ptr<grpc::Channel>& channel) {
    grpc::ClientContext context;
    v1::ImportAnswer answer;
    const auto stub = v1::Import::NewStub(channel);
    const auto writer = stub->CalicoLog(&context, &answer);
    v1::CalicoLogChunk chunk;
    chunk.mutable_options()->set_year(2026);
    writer->Write(chunk);
    writer->WritesDone();
    return writer->Finish().error_code();
  };
  const auto as = [&](const Issued& who) { return connect_as(*guarded.pipeline, who); };

  CHECK(import(as(guarded.authority.user("ann"))) == StatusCode::OK);
  CHECK(import(as(guarded.authority.user("bob"))) == StatusCode::PERMISSION_DENIED);
  CHECK(import(as(guarded.authority.agent("k8s-w1"))) == StatusCode::PERMISSION_DENIED);
  CHECK(import(connect_as_nobody(*guarded.pipeline, guarded.authority)) ==
        StatusCode::UNAUTHENTICATED);
}
