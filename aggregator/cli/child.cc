#include "aggregator/cli/child.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <utility>

namespace outflow::cli {
namespace {

using namespace std::chrono_literals;

constexpr auto kTermWait = 2s;
constexpr std::size_t kErrorTextMax = 1024;
constexpr int kCannotRun = 127;  // as a shell says it

int left_ms(Child::Deadline deadline) {
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 1'000'000));
}

// In the child, between fork and exec: only what is safe there (signal-safety(7)).
[[noreturn]] void become(char* const* arguments, int out, int err, pid_t parent) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(kCannotRun);  // we were gone before the kernel was asked
  const int nothing = ::open("/dev/null", O_RDONLY);
  ::dup2(nothing, STDIN_FILENO);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(err, STDERR_FILENO);
  ::execvp(arguments[0], arguments);
  const std::string_view why = errno == ENOENT ? "not found in PATH" : "cannot be run";
  static_cast<void>(::write(STDERR_FILENO, why.data(), why.size()));
  ::_exit(kCannotRun);
}

}  // namespace

Result<Child> Child::spawn(const std::vector<std::string>& arguments) {
  std::vector<char*> words;
  for (const std::string& word : arguments) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  std::array<int, 2> ends{-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail("pipe: " + errno_text(errno));
  Fd out(ends[0]);
  const Fd write_end(ends[1]);
  Fd err(::memfd_create("stderr", MFD_CLOEXEC));
  if (!err.valid()) return fail("memfd_create: " + errno_text(errno));
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return fail("fork: " + errno_text(errno));
  if (pid == 0) become(words.data(), write_end.get(), err.get(), parent);
  ::setpgid(pid, pid);  // both do: whoever comes first
  Fd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  return Child(arguments.front(), pid, std::move(process), std::move(out), std::move(err));
}

Child::Child(Child&& other) noexcept
    : name_(std::move(other.name_)),
      pid_(std::exchange(other.pid_, -1)),
      process_(std::move(other.process_)),
      out_(std::move(other.out_)),
      err_(std::move(other.err_)),
      buffer_(std::move(other.buffer_)),
      read_(other.read_),
      status_(other.status_),
      reaped_(other.reaped_) {}

Child::~Child() {
  if (pid_ < 0 || reaped_) return;
  ::kill(-pid_, SIGTERM);
  if (wait_until(std::chrono::steady_clock::now() + kTermWait)) return;
  ::kill(-pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

bool Child::wait_until(Deadline deadline) {
  for (;;) {
    if (ended()) return true;
    const int left = left_ms(deadline);
    if (left == 0) return false;
    pollfd end{process_.get(), POLLIN, 0};
    // Without a pidfd (before Linux 5.3) nothing wakes us; then it is asked again every 50 ms.
    ::poll(&end, 1, process_.valid() ? left : std::min(left, 50));
  }
}

bool Child::ended() {
  if (!reaped_) reaped_ = ::waitpid(pid_, &status_, WNOHANG) == pid_;
  return reaped_;
}

std::string Child::errors() const {
  std::string text(kErrorTextMax, ' ');
  const ssize_t size = ::pread(err_.get(), text.data(), text.size(), 0);
  text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

std::string Child::said() const {
  const std::string text = errors();
  return text.empty() ? "" : ": " + text;
}

Result<bool> Child::read_more(Deadline deadline) {
  if (read_ > kChildOutputMax) return fail(name_ + " says more than it should");
  pollfd ready{out_.get(), POLLIN, 0};
  int polled = 0;
  do {
    polled = ::poll(&ready, 1, left_ms(deadline));
  } while (polled < 0 && errno == EINTR);
  if (polled == 0) return fail(name_ + " does not answer in time" + said());
  std::array<char, 4096> bytes{};
  const ssize_t size = ::read(out_.get(), bytes.data(), bytes.size());
  if (size < 0) return fail(name_ + ": " + errno_text(errno));
  buffer_.append(bytes.data(), static_cast<std::size_t>(size));
  read_ += static_cast<std::size_t>(size);
  return size > 0;
}

Result<std::string> Child::line(Deadline deadline) {
  for (;;) {
    if (const std::size_t end = buffer_.find('\n'); end != std::string::npos) {
      std::string line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      return line;
    }
    const auto more = read_more(deadline);
    if (!more) return fail(Error(more.error()));
    if (!*more) return fail(name_ + " ended" + said());
  }
}

Result<std::string> Child::output(Deadline deadline) {
  for (;;) {
    const auto more = read_more(deadline);
    if (!more) return fail(Error(more.error()));
    if (!*more) break;
  }
  if (!wait_until(deadline)) return fail(name_ + " does not end" + said());
  if (!WIFEXITED(status_) || WEXITSTATUS(status_) != 0) return fail(name_ + " failed" + said());
  return std::move(buffer_);
}

}  // namespace outflow::cli
