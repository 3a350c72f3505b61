#include "aggregator/kube/exec_plugin.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>

#include "aggregator/inventory/json_value.h"
#include "common/fd.h"
#include "common/file.h"
#include "common/text.h"

extern "C" char** environ;

namespace outflow::kube {
namespace {

using inventory::JsonValue;
using inventory::printable;

constexpr std::array<std::string_view, 2> kVersions{"client.authentication.k8s.io/v1",
                                                    "client.authentication.k8s.io/v1beta1"};

std::string json_text(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<std::uint8_t>(c);
    if (c == '"' || c == '\\') {
      quoted += {'\\', c};
    } else if (byte < ' ') {
      quoted += "\\u00";
      quoted += {kHex[byte >> 4U], kHex[byte & 15U]};
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

std::string base64(std::string_view data) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < data.size(); i += 3) {
    std::uint32_t bits = 0;
    const std::size_t given = std::min<std::size_t>(3, data.size() - i);
    for (std::size_t k = 0; k < 3; ++k) {
      bits = (bits << 8U) | (k < given ? static_cast<std::uint8_t>(data[i + k]) : 0U);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      text += k <= given ? kAlphabet[(bits >> (18 - 6 * k)) & 63U] : '=';
    }
  }
  return text;
}

struct Pipe {
  Fd read;
  Fd write;
};
Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail(errno_text(errno));
  return Pipe{Fd(ends[0]), Fd(ends[1])};
}

// The environment of the plugin: ours, what the kubeconfig adds, and what is wanted of it.
std::vector<std::string> environment(const Login& login) {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    variables[std::string(text.substr(0, equals))] = text.substr(equals + 1);
  }
  for (const auto& [name, value] : login.exec->env) variables[name] = value;
  variables["KUBERNETES_EXEC_INFO"] = exec_info(login);
  std::vector<std::string> all;
  for (const auto& [name, value] : variables) {
    all.push_back(name);
    all.back().append("=").append(value);
  }
  return all;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (std::string& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

// A process in a group of its own, so that what it started ends with it.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (pid_ > 0) {
      end();
      static_cast<void>(wait());
    }
  }
  void end() const { ::kill(-pid_, SIGKILL); }
  int wait() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return status;
  }

 private:
  pid_t pid_;
};

Result<pid_t> spawn(const Login& login, const Pipe& out, const Pipe& err) {
  std::vector<std::string> argv{login.exec->command};
  argv.insert(argv.end(), login.exec->args.begin(), login.exec->args.end());
  std::vector<std::string> env = environment(login);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&files, out.write.get(), 1);
  posix_spawn_file_actions_adddup2(&files, err.write.get(), 2);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
  posix_spawnattr_setpgroup(&attributes, 0);
  sigset_t none;
  sigemptyset(&none);  // our threads block the signals main waits for
  posix_spawnattr_setsigmask(&attributes, &none);
  pid_t pid = -1;
  const int code = ::posix_spawnp(&pid, login.exec->command.c_str(), &files, &attributes,
                                  pointers(argv).data(), pointers(env).data());
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  if (code != 0) {
    const std::string hint =
        login.exec->install_hint.empty() ? "" : " (" + printable(login.exec->install_hint) + ")";
    return fail(errno_text(code) + hint);
  }
  return pid;
}

struct Output {
  std::string out;
  std::string err;  // its end
};

// False when nothing more comes.
bool take(const Fd& fd, std::string& text) {
  std::array<char, 4096> buffer{};
  const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
  if (got <= 0) return got < 0 && (errno == EINTR || errno == EAGAIN);
  text.append(buffer.data(), static_cast<std::size_t>(got));
  return true;
}

// Until both ends are closed.
Result<Output> collect(Pipe& out, Pipe& err, std::chrono::milliseconds time) {
  const auto deadline = std::chrono::steady_clock::now() + time;
  Output output;
  while (out.read.valid() || err.read.valid()) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return fail("took longer than " + to_text(nanoseconds(time)));
    std::array<pollfd, 2> ready{pollfd{out.read.get(), POLLIN, 0},
                                pollfd{err.read.get(), POLLIN, 0}};
    if (::poll(ready.data(), ready.size(), static_cast<int>(left.count())) < 0) continue;
    if (ready[0].revents != 0 && !take(out.read, output.out)) out.read.reset();
    if (ready[1].revents != 0 && !take(err.read, output.err)) err.read.reset();
    if (output.out.size() > kExecOutputMax) {
      return fail("printed more than " + std::to_string(kExecOutputMax >> 10U) + " KiB");
    }
    if (output.err.size() > kExecErrorsShown) {
      output.err.erase(0, output.err.size() - kExecErrorsShown);
    }
  }
  return output;
}

std::string said(const std::string& err) {
  return err.empty() ? "" : "; it said: " + printable(err);
}

}  // namespace

Result<ExecCredential> read_exec_credential(std::string_view json, const std::string& api_version) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (const auto code = parser.parse(json.data(), json.size()).get(root)) {
    return fail(std::string("printed no JSON: ") + simdjson::error_message(code));
  }
  inventory::Complaint complaint;
  const JsonValue value(root, "", complaint);
  if (value["kind"].text() != "ExecCredential") value["kind"].complain("is not ExecCredential");
  if (value["apiVersion"].text() != api_version) {
    value["apiVersion"].complain("is not the " + api_version + " of the kubeconfig");
  }
  const JsonValue status = value["status"];
  ExecCredential credential;
  credential.token = status["token"].text();
  credential.client_certificate = status["clientCertificateData"].text();
  credential.client_key = status["clientKeyData"].text();
  if (const std::string text = status["expirationTimestamp"].text(); !text.empty()) {
    const auto time = parse_time(text);
    if (!time) status["expirationTimestamp"].complain(time.error().what);
    if (time) credential.expires = *time;
  }
  if (credential.client_certificate.empty() != credential.client_key.empty()) {
    status.complain("clientCertificateData and clientKeyData go together");
  }
  if (credential.token.empty() && credential.client_certificate.empty()) {
    status.complain("has neither a token nor a certificate");
  }
  if (!complaint.text().empty()) return fail("its ExecCredential: " + complaint.text());
  return credential;
}

std::string exec_info(const Login& login) {
  std::string spec = "\"interactive\":false";
  if (login.exec->provide_cluster_info) {
    spec += ",\"cluster\":{\"server\":" + json_text(login.server);
    if (!login.tls_server_name.empty()) {
      spec += ",\"tls-server-name\":" + json_text(login.tls_server_name);
    }
    if (login.insecure_skip_verify) spec += ",\"insecure-skip-tls-verify\":true";
    std::string ca = login.ca.data;
    if (ca.empty() && !login.ca.file.empty()) {
      ca = read_file(login.ca.file, kExecOutputMax).value_or("");
    }
    if (!ca.empty()) spec += ",\"certificate-authority-data\":" + json_text(base64(ca));
    spec += "}";
  }
  return R"({"apiVersion":)" + json_text(login.exec->api_version) +
         R"(,"kind":"ExecCredential","spec":{)" + spec + "}}";
}

Result<ExecCredential> run_exec_plugin(const Login& login, std::chrono::milliseconds time) {
  const std::string step = "exec plugin " + printable(login.exec->command);
  const std::string& version = login.exec->api_version;
  if (std::find(kVersions.begin(), kVersions.end(), version) == kVersions.end()) {
    return fail(step + ": apiVersion '" + printable(version) + "' is none we know");
  }
  auto out = make_pipe();
  auto err = make_pipe();
  if (!out || !err) return fail((!out ? out : err).error().what);
  const auto pid = spawn(login, *out, *err);
  if (!pid) return fail(step + ": " + pid.error().what);
  Child child(*pid);
  out->write.reset();
  err->write.reset();
  const auto output = collect(*out, *err, time);
  if (!output) return fail(step + " " + output.error().what);
  const int status = child.wait();
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    const std::string how = WIFEXITED(status)
                                ? "exited with " + std::to_string(WEXITSTATUS(status))
                                : "was ended by signal " + std::to_string(WTERMSIG(status));
    return fail(step + " " + how + said(output->err));
  }
  auto credential = read_exec_credential(output->out, version);
  if (!credential) return fail(step + ": " + credential.error().what + said(output->err));
  return credential;
}

}  // namespace outflow::kube
