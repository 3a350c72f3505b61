#include "tests/netns/world.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>

#include "proto/wire.h"

namespace outflow::test {
namespace {

std::size_t names_in(const std::string& path) {
  std::error_code error;
  const std::filesystem::directory_iterator entries(path, error);
  return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

std::size_t times(const std::string& text, const std::string& word) {
  std::size_t found = 0;
  for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++found;
  return found;
}

}  // namespace

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
  if (agent_ > 0) end_agent(SIGKILL);
  umount2(bpffs().c_str(), MNT_DETACH);
}

void World::limit_capabilities() {
  std::filesystem::create_directory(bpffs());
  if (mount("bpf", bpffs().c_str(), "bpf", 0, nullptr) != 0) {
    throw std::runtime_error("cannot mount a bpffs");
  }
  limited_ = true;
}

pid_t World::spawn(const std::vector<std::string>& flags) const {
  std::vector<std::string> words{std::string(OUTFLOW_BINARY_DIR) + "/outflow-agent",
                                 "--aggregator=unix:" + (dir / "aggregator"),
                                 "--node-name=node",
                                 "--state-dir=" + (dir / "state"),
                                 "--bpffs-dir=" + bpffs(),
                                 "--http-listen",
                                 ""};
  const auto given = [&flags](const std::string& name) {
    return std::any_of(flags.begin(), flags.end(),
                       [&](const std::string& flag) { return flag.starts_with(name); });
  };
  if (!given("--report-interval")) words.push_back("--report-interval=200ms");
  const char* attach = std::getenv("OUTFLOW_TEST_ATTACH");  // NOLINT(concurrency-mt-unsafe)
  if (attach != nullptr && !given("--attach")) words.push_back(std::string("--attach=") + attach);
  words.insert(words.end(), flags.begin(), flags.end());
  if (limited_) {
    words.insert(words.begin(),
                 {"/usr/bin/setpriv", "--bounding-set=-all,+bpf,+perfmon,+net_admin", "--"});
  }
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

void World::end_agent(int signal) {
  kill(agent_, signal);
  waitpid(agent_, nullptr, 0);
  agent_ = -1;
}

void World::stop_agent() {
  must_run();
  end_agent(SIGTERM);
}

void World::kill_agent() {
  must_run();
  end_agent(SIGKILL);
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

void World::pause_agent() {
  must_run();
  kill(agent_, SIGSTOP);
  int status = 0;
  waitpid(agent_, &status, WUNTRACED);
  if (!WIFSTOPPED(status)) throw std::runtime_error("the agent ended:\n" + log());
}

void World::resume_agent() {
  must_run();
  kill(agent_, SIGCONT);
}

std::size_t World::rows(const std::string& map_name) const {
  const Fd map(bpf_obj_get((bpffs() + "/maps/" + map_name).c_str()));
  bpf_map_info info{};
  std::uint32_t size = sizeof info;
  if (!map.valid() || bpf_obj_get_info_by_fd(map.get(), &info, &size) != 0) return 0;
  std::size_t rows = 0;
  std::vector<char> key(info.key_size);
  const void* previous = nullptr;
  while (bpf_map_get_next_key(map.get(), previous, key.data()) == 0) {
    ++rows;
    previous = key.data();
  }
  return rows;
}

std::size_t World::times_hooked() const {
  return times(log(), "msg=hooked ");
}

std::size_t World::open_files() const {
  must_run();
  return names_in("/proc/" + std::to_string(agent_) + "/fd");
}

std::size_t World::links() const {
  return names_in(bpffs() + "/links");
}

bool eventually(const std::function<bool()>& holds, std::chrono::seconds patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  while (std::chrono::steady_clock::now() < until) {
    if (holds()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return holds();
}

}  // namespace outflow::test
