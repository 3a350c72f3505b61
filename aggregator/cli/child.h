// A program run beside us, with its arguments as they are (no shell), in a process group of its own
// and never longer than we: its end is ours to bring, and when we are killed the kernel does.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

#include "common/fd.h"
#include "common/result.h"

namespace outflow::cli {

// What it may say on either stream before we stop listening.
inline constexpr std::size_t kChildOutputMax = 1U << 20U;

class Child {
 public:
  using Deadline = std::chrono::steady_clock::time_point;

  // Looks the program up in PATH. To be called before other threads are started.
  [[nodiscard]] static Result<Child> spawn(const std::vector<std::string>& arguments);
  // TERM, two seconds, KILL; waits for its end.
  ~Child();
  Child(Child&& other) noexcept;
  Child& operator=(Child&&) = delete;
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // The next line of its output without the line break. An Error when there is none by then, or it
  // said more than kChildOutputMax.
  [[nodiscard]] Result<std::string> line(Deadline deadline);
  // All of its output, once it ended well; an Error with what it wrote to stderr when it did not.
  [[nodiscard]] Result<std::string> output(Deadline deadline);
  [[nodiscard]] bool ended();
  // What it wrote to stderr, on one line, at most 1 KiB of it.
  [[nodiscard]] std::string errors() const;

 private:
  Child(std::string name, pid_t pid, Fd process, Fd out, Fd err)
      : name_(std::move(name)),
        pid_(pid),
        process_(std::move(process)),
        out_(std::move(out)),
        err_(std::move(err)) {}
  // False: nothing more will come. An Error when the deadline passed.
  [[nodiscard]] Result<bool> read_more(Deadline deadline);
  [[nodiscard]] bool wait_until(Deadline deadline);
  [[nodiscard]] std::string said() const;

  std::string name_;
  pid_t pid_ = -1;
  Fd process_;  // pidfd
  Fd out_;
  Fd err_;  // a file in memory: it is read when something failed, and never blocks the child
  std::string buffer_;
  std::size_t read_ = 0;
  int status_ = 0;
  bool reaped_ = false;
};

}  // namespace outflow::cli
