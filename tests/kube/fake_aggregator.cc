// An aggregator as far as sets go: answers Query.Sets with the message a file holds, as JSON and
// read anew for every question, and Query.Status with nothing. For tests of what asks one.
//
//   fake_aggregator unix:PATH ANSWER.json      until SIGTERM
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

#include <google/protobuf/util/json_util.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include "common/stop.h"
#include "outflow/v1/query.grpc.pb.h"

namespace {

namespace v1 = outflow::v1;

class FakeQuery final : public v1::Query::Service {
 public:
  explicit FakeQuery(std::string path) : path_(std::move(path)) {}

  grpc::Status Sets(grpc::ServerContext*, const v1::SetsRequest*, v1::SetsAnswer* answer) override {
    std::ifstream file(path_);
    const std::string text((std::istreambuf_iterator<char>(file)),
                           std::istreambuf_iterator<char>());
    const auto read = google::protobuf::util::JsonStringToMessage(text, answer);
    if (read.ok()) return grpc::Status::OK;
    return {grpc::StatusCode::UNAVAILABLE, std::string(read.message())};
  }
  grpc::Status Status(grpc::ServerContext*, const v1::StatusRequest*, v1::StatusAnswer*) override {
    return grpc::Status::OK;
  }

 private:
  const std::string path_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: fake_aggregator unix:PATH ANSWER.json\n", stderr);
    return 2;
  }
  const outflow::StopSignals signals;
  FakeQuery query(argv[2]);
  grpc::ServerBuilder builder;
  builder.AddListeningPort(argv[1], grpc::InsecureServerCredentials());
  builder.RegisterService(&query);
  const auto server = builder.BuildAndStart();
  if (!server) return 2;
  signals.wait();
  return 0;
}
