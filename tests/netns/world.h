// An agent as a real process on a node of namespaces, and an aggregator that only remembers what it
// was sent.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <grpcpp/grpcpp.h>

#include "bpf/flow.h"
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

  // Returns when it watches. Extra flags come last. OUTFLOW_TEST_ATTACH in the environment is its
  // --attach unless the flags have one.
  void start_agent(const std::vector<std::string>& flags = {});
  void stop_agent();  // SIGTERM, and its end
  void kill_agent();  // SIGKILL
  // It stands still between the two: nothing is drained, no event is heard.
  void pause_agent();
  void resume_agent();
  // Runs the program to its end and gives its exit code; its words are in log().
  int run_agent(const std::vector<std::string>& flags);
  [[nodiscard]] std::string log() const;

  [[nodiscard]] std::string state_file() const { return dir / "state/state"; }
  [[nodiscard]] std::string bpffs() const { return dir / "bpf"; }
  // Rows in a pinned map; of the table of tuples.
  [[nodiscard]] std::size_t rows(const std::string& map) const;
  [[nodiscard]] std::size_t tuples() const { return rows("flows"); }
  // Packets at the pods' egress hooks by what became of them, since the pinned maps are.
  [[nodiscard]] std::vector<std::uint64_t> counts() const;
  // Everything is accounted for: packets seen are recorded, overflowed, skipped or lost, and what
  // was recorded or overflowed has been reported or told as lost. For one boot's maps.
  [[nodiscard]] bool accounted() const;
  // How often an interface was hooked, by the log. (Its number is given before, so
  // rows("interfaces") is ahead.)
  [[nodiscard]] std::size_t times_hooked() const;
  // What the agent holds: its file descriptors, and its pinned links.
  [[nodiscard]] std::size_t open_files() const;
  [[nodiscard]] std::size_t links() const;

  // Packets the collector knows of to this port, from interfaces of this name ("": any).
  [[nodiscard]] FlowStats to_port(std::uint16_t port, const std::string& interface = "") const;
  [[nodiscard]] std::uint64_t loss(const std::string& reason) const;
  [[nodiscard]] std::uint64_t skipped(const std::string& reason) const;
  // What the collector knows of the interface's tuples, by "192.0.2.1 53 UDP".
  [[nodiscard]] std::map<std::string, FlowStats> tuples_of(const std::string& interface) const;
  // Ids under which an interface of this name was reported, and every address it had.
  [[nodiscard]] std::set<std::uint64_t> ids(const std::string& interface) const;
  [[nodiscard]] std::set<std::string> addresses(const std::string& interface) const;

  // Agents that are started from now on have the capabilities that the documentation asks for and
  // no others; so the file system for their pins is mounted for them, as a node's is.
  void limit_capabilities();

  TempDir dir;
  Node node;
  std::unique_ptr<Collector> collector;

 private:
  pid_t spawn(const std::vector<std::string>& flags) const;
  void must_run() const;
  void end_agent(int signal);
  pid_t agent_ = -1;
  bool limited_ = false;
};

// True once it holds; looks again for up to `patience`.
[[nodiscard]] bool eventually(const std::function<bool()>& holds,
                              std::chrono::seconds patience = std::chrono::seconds(10));

}  // namespace outflow::test
