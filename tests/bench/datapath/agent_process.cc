#include "tests/bench/datapath/agent_process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <limits>
#include <sstream>
#include <string_view>

#include "common/fd.h"
#include "common/result.h"
#include "tests/bench/datapath/measure.h"
#include "tests/netns/world.h"

namespace outflow::bench {
namespace {

constexpr std::uint16_t kHttpPort = 9'443;  // nobody else's in a namespace of our own

std::string text_of(const std::string& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

// `name{...} value`; the value, or none where the line is another's.
std::optional<double> value_in(std::string_view line, std::string_view name) {
  if (!line.starts_with(name) || line.size() <= name.size()) return std::nullopt;
  const char next = line[name.size()];
  const std::size_t space = line.rfind(' ');
  if ((next != '{' && next != ' ') || space == std::string_view::npos) return std::nullopt;
  return std::strtod(std::string(line.substr(space + 1)).c_str(), nullptr);
}

}  // namespace

AgentProcess::AgentProcess(const std::string& dir, const std::string& report_interval,
                           const std::string& attach)
    : dir_(dir) {
  // setpriv becomes the agent: should the bench be killed, the kernel ends both.
  const std::string program = OUTFLOW_BINARY_DIR "/outflow-agent";
  std::vector<std::string> words{"setpriv",
                                 "--pdeathsig=KILL",
                                 program,
                                 "--aggregator=unix:" + dir + "/aggregator",
                                 "--node-name=node",
                                 "--state-dir=" + dir + "/state",
                                 "--bpffs-dir=" + dir + "/bpf",
                                 "--http-listen=127.0.0.1:" + std::to_string(kHttpPort),
                                 "--report-interval=" + report_interval,
                                 "--attach=" + attach};
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 2, (dir + "/log").c_str(),
                                   O_WRONLY | O_CREAT | O_APPEND, 0600);
  const int error = posix_spawnp(&pid_, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  require(error == 0, "cannot start the agent: " + errno_text(error));
  if (!test::eventually([&] { return watches(); })) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    throw std::runtime_error("the agent does not start:\n" + text_of(dir + "/log"));
  }
}

AgentProcess::~AgentProcess() {
  kill(pid_, SIGTERM);
  waitpid(pid_, nullptr, 0);
  umount2((dir_ + "/bpf").c_str(), MNT_DETACH);
}

bool AgentProcess::watches() const {
  return text_of(dir_ + "/log").find("msg=watching") != std::string::npos;
}

std::string AgentProcess::metrics() const {
  const Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(kHttpPort);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const timeval patience{.tv_sec = 5, .tv_usec = 0};
  setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  require(connect(socket.get(), generic, sizeof address) == 0, "/metrics: " + errno_text(errno));
  constexpr std::string_view kRequest = "GET /metrics HTTP/1.0\r\n\r\n";
  require(::send(socket.get(), kRequest.data(), kRequest.size(), MSG_NOSIGNAL) > 0,
          "/metrics: " + errno_text(errno));
  std::string answer;
  std::array<char, 16'384> part{};
  for (;;) {
    const ssize_t size = recv(socket.get(), part.data(), part.size(), 0);
    require(size >= 0, "/metrics: " + errno_text(errno));
    if (size == 0) return answer;
    answer.append(part.data(), static_cast<std::size_t>(size));
  }
}

double AgentProcess::resident_mib() const {
  std::ifstream in("/proc/" + std::to_string(pid_) + "/status");
  for (std::string word; in >> word;) {
    double kib = 0;
    if (word == "VmRSS:" && in >> kib) return kib / 1'024;
  }
  throw std::runtime_error("the agent is gone:\n" + text_of(dir_ + "/log"));
}

std::optional<double> value_of(const std::string& metrics, const std::string& name,
                               const std::string& label) {
  std::optional<double> sum;
  std::istringstream lines(metrics);
  for (std::string line; std::getline(lines, line);) {
    const auto value = value_in(line, name);
    if (value && line.find(label) != std::string::npos) sum = sum.value_or(0) + *value;
  }
  return sum;
}

std::optional<double> quantile_bound(const std::string& metrics, const std::string& name,
                                     double share) {
  constexpr std::string_view kBound = "le=\"";
  std::map<double, double> up_to;  // a bound -> how many are not above it
  std::istringstream lines(metrics);
  for (std::string line; std::getline(lines, line);) {
    const auto value = value_in(line, name + "_bucket");
    const std::size_t at = line.find(kBound);
    if (!value || at == std::string::npos) continue;
    up_to[std::strtod(line.c_str() + at + kBound.size(), nullptr)] += *value;  // "+Inf", too
  }
  if (up_to.empty() || up_to.rbegin()->second == 0) return std::nullopt;
  for (const auto& [bound, count] : up_to) {
    if (count >= share * up_to.rbegin()->second) return bound;
  }
  return std::numeric_limits<double>::infinity();
}

}  // namespace outflow::bench
