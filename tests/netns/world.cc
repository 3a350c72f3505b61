#include "tests/netns/world.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>

#include "bpf/flow.h"
#include "proto/wire.h"

namespace outflow::test {

Collector::Collector(const std::string& socket_path) {
  grpc::ServerBuilder builder;
  builder.AddListeningPort("unix:" + socket_path, grpc::InsecureServerCredentials());
  builder.RegisterService(this);
  server_ = builder.BuildAndStart();
  if (!server_) throw std::runtime_error("cannot listen on " + socket_path);
}

Collector::~Collector() {
  server_->Shutdown(std::chrono::system_clock::now());
}

grpc::Status Collector::Report(grpc::ServerContext*,
                               grpc::ServerReaderWriter<v1::Acknowledgement, v1::Batch>* stream) {
  v1::Batch batch;
  while (stream->Read(&batch)) {
    auto report = wire::to_report(batch);
    if (!report) return {grpc::StatusCode::INVALID_ARGUMENT, report.error().what};
    {
      const MutexLock lock(mutex_);
      if (seen_.insert({report->boot, report->sequence}).second) {
        reports_.push_back(std::move(*report));
      }
    }
    v1::Acknowledgement answer;
    answer.set_sequence(batch.sequence());
    stream->Write(answer);
  }
  return grpc::Status::OK;
}

std::vector<outflow::Report> Collector::reports() const {
  const MutexLock lock(mutex_);
  return reports_;
}

World::World() : collector(std::make_unique<Collector>(dir / "aggregator")) {}

World::~World() {
  if (agent_ > 0) kill_agent();
  umount2(bpffs().c_str(), MNT_DETACH);
}

pid_t World::spawn(const std::vector<std::string>& flags) const {
  std::vector<std::string> words{OUTFLOW_BINARY_DIR "/outflow-agent",
                                 "--aggregator=unix:" + (dir / "aggregator"),
                                 "--node-name=node",
                                 "--state-dir=" + (dir / "state"),
                                 "--bpffs-dir=" + bpffs(),
                                 "--http-listen",
                                 ""};
  const bool slow = std::any_of(flags.begin(), flags.end(), [](const std::string& flag) {
    return flag.starts_with("--report-interval");
  });
  if (!slow) words.push_back("--report-interval=200ms");
  words.insert(words.end(), flags.begin(), flags.end());
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t pid = -1;
  node.space.run([&] {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 2, (dir / "log").c_str(),
                                     O_WRONLY | O_CREAT | O_APPEND, 0600);
    const int error = posix_spawn(&pid, arguments[0], &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) throw std::runtime_error("cannot start the agent");
  });
  return pid;
}

void World::start_agent(const std::vector<std::string>& flags) {
  const std::size_t before = log().size();
  agent_ = spawn(flags);
  bool watching = false;
  static_cast<void>(eventually([&] {
    watching = log().find("msg=watching", before) != std::string::npos;
    return watching || waitpid(agent_, nullptr, WNOHANG) == agent_;
  }));
  if (!watching) throw std::runtime_error("the agent does not start:\n" + log());
}

// To kill() as root, -1 is every process of the machine.
void World::must_run() const {
  if (agent_ <= 0) throw std::runtime_error("the agent does not run");
}

void World::stop_agent() {
  must_run();
  kill(agent_, SIGTERM);
  waitpid(agent_, nullptr, 0);
  agent_ = -1;
}

void World::kill_agent() {
  must_run();
  kill(agent_, SIGKILL);
  waitpid(agent_, nullptr, 0);
  agent_ = -1;
}

int World::run_agent(const std::vector<std::string>& flags) {
  int status = 0;
  waitpid(spawn(flags), &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::string World::log() const {
  std::ifstream in(dir / "log");
  return {std::istreambuf_iterator<char>(in), {}};
}

std::size_t World::tuples() const {
  const Fd map(bpf_obj_get((bpffs() + "/maps/flows").c_str()));
  std::size_t rows = 0;
  flow_key key{};
  const void* previous = nullptr;
  while (map.valid() && bpf_map_get_next_key(map.get(), previous, &key) == 0) {
    ++rows;
    previous = &key;
  }
  return rows;
}

FlowStats World::to_port(std::uint16_t port, const std::string& interface) const {
  FlowStats sum;
  for (const outflow::Report& report : collector->reports()) {
    std::map<std::uint64_t, std::string> names;
    for (const Interface& known : report.interfaces) names[known.id] = known.name;
    for (const Flow& flow : report.flows) {
      if (flow.key.destination_port != port) continue;
      if (interface.empty() || names[flow.key.interface_id] == interface) sum.merge(flow.stats);
    }
  }
  return sum;
}

std::uint64_t World::loss(const std::string& reason) const {
  std::uint64_t sum = 0;
  for (const outflow::Report& report : collector->reports()) {
    for (const Counter& counter : report.losses)
      sum += counter.reason == reason ? counter.count : 0;
  }
  return sum;
}

bool eventually(const std::function<bool()>& holds) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (std::chrono::steady_clock::now() < until) {
    if (holds()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return holds();
}

}  // namespace outflow::test
