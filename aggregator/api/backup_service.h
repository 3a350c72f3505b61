// Answers the Maintenance service of query.proto: a backup of the store while it goes on.
//
// One at a time (RESOURCE_EXHAUSTED otherwise), because each keeps what the store deletes meanwhile
// on the disk. For the same reason a client that takes nothing for kBackupStall is given up.
#pragma once

#include <functional>
#include <memory>

#include <grpcpp/impl/codegen/service_type.h>
#include <grpcpp/server_context.h>

#include "aggregator/store/store.h"
#include "common/clock.h"

namespace outflow::api {

inline constexpr nanoseconds kBackupStall = std::chrono::seconds(60);

// OK, or why a caller gets no backup. Thread-safe; may block.
using MayBackUp = std::function<grpc::Status(const grpc::ServerContextBase&)>;

// Store and clock outlive the service.
[[nodiscard]] std::unique_ptr<grpc::Service> make_backup_service(
    const store::Store& store, const Clock& clock,
    MayBackUp may = [](const grpc::ServerContextBase&) { return grpc::Status::OK; },
    nanoseconds stall = kBackupStall);

}  // namespace outflow::api
