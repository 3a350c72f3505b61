// gRPC's own log lines, as lines of ours. gRPC writes one for every handshake that fails, so
// anybody who reaches the port could fill a disk: they go through a log::LineBudget.
#pragma once

namespace outflow {

// Called once, in main, before any thread.
void take_grpc_log();

}  // namespace outflow
