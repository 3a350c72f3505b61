// An agent as a real process on a node of namespaces, and an aggregator that only remembers what it
// was sent.
#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <grpcpp/grpcpp.h>

#include "common/flow.h"
#include "common/mutex.h"
#include "outflow/v1/flow.grpc.pb.h"
#include "tests/support/netns.h"
#include "tests/support/temp_dir.h"

namespace outflow::test {

// Merges each batch once, as an aggregator must; refuses what an aggregator would refuse.
class Collector final : public v1::FlowIngest::Service {
 public:
  explicit Collector(const std::string& socket_path);
  ~Collector() override;

  [[nodiscard]] std::vector<outflow::Report> reports() const;

 private:
  grpc::Status Report(grpc::ServerContext* context,
                      grpc::ServerReaderWriter<v1::Acknowledgement, v1::Batch>* stream) override;

  mutable Mutex mutex_;
  std::set<std::pair<BootId, std::uint64_t>> seen_ GUARDED_BY(mutex_);
  std::vector<outflow::Report> reports_ GUARDED_BY(mutex_);
  std::unique_ptr<grpc::Server> server_;
};

class World {
 public:
  World();
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // Returns when it watches. Extra flags come last.
  void start_agent(const std::vector<std::string>& flags = {});
  void stop_agent();  // SIGTERM, and its end
  void kill_agent();  // SIGKILL
  // Runs the program to its end and gives its exit code; its words are in log().
  int run_agent(const std::vector<std::string>& flags);
  [[nodiscard]] std::string log() const;

  [[nodiscard]] std::string state_file() const { return dir / "state/state"; }
  [[nodiscard]] std::string bpffs() const { return dir / "bpf"; }
  // Rows in the pinned table of tuples.
  [[nodiscard]] std::size_t tuples() const;

  // Packets the collector knows of to this port, from interfaces of this name ("": any).
  [[nodiscard]] FlowStats to_port(std::uint16_t port, const std::string& interface = "") const;
  [[nodiscard]] std::uint64_t loss(const std::string& reason) const;

  TempDir dir;
  Node node;
  std::unique_ptr<Collector> collector;

 private:
  pid_t spawn(const std::vector<std::string>& flags) const;
  void must_run() const;
  pid_t agent_ = -1;
};

// True once it holds; looks again for up to ten seconds.
[[nodiscard]] bool eventually(const std::function<bool()>& holds);

}  // namespace outflow::test
