#include "aggregator/ingest/import_service.h"

#include <set>

#include <grpcpp/grpcpp.h>

#include "outflow/v1/query.grpc.pb.h"
#include "tests/support/catch.h"

namespace outflow::ingest {
namespace {

constexpr std::int64_t kAtNs = 1'779'129'764'000'000'000;
const std::string kLine =
    "calico-packet: IN=cali1 OUT=ens18 SRC=10.0.0.1 DST=192.0.2.1 LEN=60 ID=1 PROTO=TCP SPT=4 "
    "DPT=22 WINDOW=64240 RES=0x00 SYN URGP=0 \n";

// A server on a real socket whose sink keeps what is new, as a store does.
class Server {
 public:
  Server() {
    service_ = make_import_service(
        [this](std::span<const LogFlow> flows) -> Result<LogAdded> {
          if (failing) return fail("disk full");
          LogAdded added{0, {"web", ""}};
          for (const LogFlow& flow : flows) added.added += kept_.insert(flow.digest).second ? 1 : 0;
          batches.push_back(flows.size());
          return added;
        },
        []() -> Result<v1::Context> {
          v1::Context context;
          context.set_inventory_as_of("2026-05-18T18:00:00Z");
          return context;
        });
    int port = 0;
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(service_.get());
    server_ = builder.BuildAndStart();
    stub_ = v1::Import::NewStub(grpc::CreateChannel("127.0.0.1:" + std::to_string(port),
                                                    grpc::InsecureChannelCredentials()));
  }
  ~Server() { server_->Shutdown(); }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  grpc::Status import(const std::vector<v1::CalicoLogChunk>& chunks, v1::ImportAnswer* answer) {
    grpc::ClientContext context;
    answer->Clear();
    auto writer = stub_->CalicoLog(&context, answer);
    for (const auto& chunk : chunks) {
      if (!writer->Write(chunk)) break;
    }
    writer->WritesDone();
    return writer->Finish();
  }

  std::vector<std::size_t> batches;
  bool failing = false;

 private:
  std::set<Digest> kept_;
  std::unique_ptr<grpc::Service> service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<v1::Import::Stub> stub_;
};

v1::CalicoLogChunk options(std::int64_t at_ns) {
  v1::CalicoLogChunk chunk;
  chunk.mutable_options()->set_at_ns(at_ns);
  return chunk;
}

v1::CalicoLogChunk content(const std::string& bytes) {
  v1::CalicoLogChunk chunk;
  chunk.set_content(bytes);
  return chunk;
}

TEST_CASE("importing the same file twice adds nothing", "[import]") {
  Server server;
  v1::ImportAnswer answer;
  const std::string file = kLine + kLine + "hello\n\n";
  const std::vector<v1::CalicoLogChunk> chunks{options(kAtNs), content(file.substr(0, 50)),
                                               content(file.substr(50))};

  REQUIRE(server.import(chunks, &answer).ok());
  CHECK(answer.lines() == 4);
  CHECK(answer.imported() == 2);
  CHECK(answer.repeated_lines() == 0);
  REQUIRE(answer.skipped_size() == 1);
  CHECK(answer.skipped(0).reason() == "no-message");
  REQUIRE(answer.unreadable_size() == 1);
  CHECK(answer.unreadable(0).reason() == "unknown-form");
  CHECK(answer.unreadable(0).count() == 1);
  REQUIRE(answer.examples_size() == 1);
  CHECK(answer.examples(0) == "line 3: unknown-form: hello");
  REQUIRE(answer.items_size() == 1);
  CHECK(answer.items(0) == "web");
  CHECK(answer.context().inventory_as_of() == "2026-05-18T18:00:00Z");

  REQUIRE(server.import(chunks, &answer).ok());
  CHECK(answer.imported() == 0);
  CHECK(answer.repeated_lines() == 2);
}

TEST_CASE("the sink gets many flows in batches", "[import]") {
  Server server;
  v1::ImportAnswer answer;
  std::string file;
  for (std::size_t i = 0; i < kLogBatchMax + 1; ++i) file += kLine;

  REQUIRE(server.import({options(kAtNs), content(file)}, &answer).ok());
  CHECK(server.batches == std::vector<std::size_t>{kLogBatchMax, 1});
  CHECK(answer.imported() == kLogBatchMax + 1);
}

TEST_CASE("an import that cannot be right is an invalid argument with its reason", "[import]") {
  v1::CalicoLogChunk year = options(0);
  year.mutable_options()->set_year(1969);
  v1::CalicoLogChunk node = options(0);
  node.mutable_options()->set_node("a b");
  const struct {
    std::vector<v1::CalicoLogChunk> chunks;
    std::string message;
  } rows[] = {
      {{}, "the first message holds no options"},
      {{content(kLine)}, "the first message holds no options"},
      {{options(kAtNs), options(kAtNs)}, "options: given twice"},
      {{options(-1)}, "options: a time before 1970"},
      {{year}, "options.year: 1969 is not in 1970..2261"},
      {{node}, "options.node: not a node name"},
      {{options(0), content(kLine)},
       "line 1: a bare message carries no time: say when it was written with --at"},
      {{options(0), content("hello")},
       "none of 1 lines is of a known form; line 1: unknown-form: hello"},
      {{options(0), content("{\"data\":")}, "after entry 0: the JSON answer ends in the middle"},
  };
  Server server;
  for (const auto& row : rows) {
    v1::ImportAnswer answer;
    const grpc::Status status = server.import(row.chunks, &answer);

    CHECK(status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
    CHECK(status.error_message() == row.message);
  }
  CHECK(server.batches.empty());
}

TEST_CASE("a store that cannot keep the flows is unavailable, and the file may come again",
          "[import]") {
  Server server;
  v1::ImportAnswer answer;
  server.failing = true;
  const grpc::Status status = server.import({options(kAtNs), content(kLine)}, &answer);

  CHECK(status.error_code() == grpc::StatusCode::UNAVAILABLE);
  CHECK(status.error_message() == "keep the log's flows: disk full");

  server.failing = false;
  REQUIRE(server.import({options(kAtNs), content(kLine)}, &answer).ok());
  CHECK(answer.imported() == 1);
}

}  // namespace
}  // namespace outflow::ingest
