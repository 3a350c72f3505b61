// The one way to the aggregator: gRPC to --server, every failure turned into an exit code and one
// line that says what to do.
#pragma once

#include <functional>
#include <istream>
#include <memory>
#include <string>

#include "aggregator/cli/exit.h"
#include "aggregator/cli/reach.h"
#include "common/clock.h"
#include "outflow/v1/query.grpc.pb.h"
#include "proto/dial.h"

namespace outflow::cli {

struct Server {
  std::string endpoint = "127.0.0.1:7443";  // HOST:PORT or unix:PATH
  bool insecure = false;
  nanoseconds timeout{0};  // 0: none
  tls::Files tls;
  std::string tls_server_name;
  std::string token_file;  // a bearer token, read for every question; "" = none
  Reach reach;  // through a cluster: what was found there; `endpoint` is its `server` then
};

class Client {
 public:
  [[nodiscard]] static Outcome<Client> open(const Server& server);

  template <class Request, class Answer>
  [[nodiscard]] Outcome<Answer> ask(grpc::Status (v1::Query::StubInterface::*method)(
                                        grpc::ClientContext*, const Request&, Answer*),
                                    const Request& request) const {
    grpc::ClientContext context;
    prepare(context);
    Answer answer;
    const grpc::Status status = (query_.get()->*method)(&context, request, &answer);
    if (!status.ok()) return tl::unexpected<Failure>(failure_of(status));
    return answer;
  }

  // Gives the parts as they come; `take` returns false to stop.
  [[nodiscard]] Outcome<void> flows(const v1::FlowsRequest& request,
                                    const std::function<bool(const v1::FlowsAnswer&)>& take) const;

  // Sends `file` in parts of kChunkBytes, so that its size does not matter.
  [[nodiscard]] Outcome<v1::ImportAnswer> import_calico_log(const v1::CalicoLogOptions& options,
                                                            std::istream& file) const;

  // Gives the bytes of a backup as they come; `take` returns false to stop. They are a whole backup
  // only when this is no Failure.
  [[nodiscard]] Outcome<void> backup(const std::function<bool(const std::string&)>& take) const;
  static constexpr std::size_t kChunkBytes = 64U << 10U;

 private:
  Client(Server server, Dialled dialled);
  void prepare(grpc::ClientContext& context) const;
  [[nodiscard]] Failure failure_of(const grpc::Status& status) const;

  Server server_;
  Dialled dialled_;
  std::string bearer_;
  std::unique_ptr<v1::Query::StubInterface> query_;
  std::unique_ptr<v1::Import::StubInterface> import_;
  std::unique_ptr<v1::Maintenance::StubInterface> maintenance_;
};

}  // namespace outflow::cli
