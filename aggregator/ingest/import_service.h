// The Import service of query.proto: takes a file of Calico log lines and hands over what they say.
// Any number of imports may run at once; the sink is called from gRPC's threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <grpcpp/impl/codegen/server_context.h>
#include <grpcpp/impl/codegen/service_type.h>

#include "aggregator/ingest/calico_log.h"
#include "common/result.h"
#include "outflow/v1/query.pb.h"

namespace outflow::ingest {

// What became of the flows handed over.
struct LogAdded {
  std::uint64_t added = 0;              // not kept before
  std::vector<std::string> namespaces;  // sources of all of them, in any order; "" = unknown
};

// Keeps the flows as log evidence; on return they are on disk. Thread-safe. An Error becomes
// UNAVAILABLE: the whole file may be sent again, since what was kept adds nothing twice.
using LogSink = std::function<Result<LogAdded>(std::span<const LogFlow>)>;

inline constexpr std::size_t kLogBatchMax = 4096;  // flows per call of the sink

// What the answer rests on, asked for once the flows are kept. Thread-safe.
using TellContext = std::function<Result<v1::Context>()>;

// Whether this caller may import. Thread-safe.
using MayImport = std::function<grpc::Status(const grpc::ServerContextBase&)>;

[[nodiscard]] std::unique_ptr<grpc::Service> make_import_service(
    LogSink sink, TellContext tell_context,
    MayImport may_import = [](const grpc::ServerContextBase&) { return grpc::Status::OK; });

}  // namespace outflow::ingest
