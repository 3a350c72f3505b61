// The commands that care for Outflow itself: doctor, backup.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "aggregator/cli/program.h"
#include "common/fd.h"
#include "common/result.h"

namespace outflow::cli {
namespace {

Outcome<int> run_doctor(Session& session) {
  const auto client = session.connect();
  if (!client) return tl::unexpected<Failure>(client.error());
  const auto answer = client->ask(&v1::Query::StubInterface::Doctor, v1::DoctorRequest());
  if (!answer) return tl::unexpected<Failure>(answer.error());
  print_answer(session, *answer, "Doctor", [](const auto& it) { return view_of(it); });
  return end_of(session, answer->context(), answer->fail() > 0 ? kExitFailed : kExitOk);
}

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t wrote = ::write(fd, bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(wrote));
  }
  return true;
}

// A file that is whole or absent: written beside, renamed at the end, never over another.
class NewFile {
 public:
  explicit NewFile(std::string path) : path_(std::move(path)), beside_(path_ + ".partial") {}
  ~NewFile() {
    if (file_.valid()) ::unlink(beside_.c_str());
  }
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  Outcome<void> open() {
    if (::access(path_.c_str(), F_OK) == 0)
      return give_up(path_ + ": there is such a file already");
    // Who talks to whom is for nobody else's eyes.
    file_ = Fd(::open(beside_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!file_.valid()) return give_up(beside_ + ": " + errno_text(errno));
    return {};
  }
  [[nodiscard]] int fd() const { return file_.get(); }
  Outcome<void> finish() {
    if (::fsync(file_.get()) != 0) return give_up(beside_ + ": " + errno_text(errno));
    if (::link(beside_.c_str(), path_.c_str()) != 0) {
      return give_up(path_ + ": " + errno_text(errno));
    }
    return {};
  }

 private:
  const std::string path_;
  const std::string beside_;
  Fd file_;
};

Outcome<int> run_backup(Session& session, const std::string& path) {
  const auto client = session.connect();
  if (!client) return tl::unexpected<Failure>(client.error());
  NewFile file(path);
  const bool to_stdout = path == "-";
  if (!to_stdout) {
    if (const auto opened = file.open(); !opened) return tl::unexpected<Failure>(opened.error());
  }
  int error = 0;
  std::uint64_t bytes = 0;
  const auto taken = client->backup([&](const std::string& part) {
    bytes += part.size();
    if (write_all(to_stdout ? STDOUT_FILENO : file.fd(), part)) return true;
    error = errno;
    return false;
  });
  if (error != 0) return give_up(path + ": " + errno_text(error));
  if (!taken) return tl::unexpected<Failure>(taken.error());
  if (!to_stdout) {
    if (const auto whole = file.finish(); !whole) return tl::unexpected<Failure>(whole.error());
  }
  session.hint(fmt::format("{} bytes; put back by: outflow-aggregator restore {} --data-dir DIR",
                           bytes, to_stdout ? "FILE" : path));
  return kExitOk;
}

}  // namespace

void add_care_commands(Program& program) {
  CLI::App& doctor =
      add_command(program.root, "doctor", "What is healthy, what is not, and what to do about it",
                  {"outflow doctor", "outflow doctor -o json"});
  program.commands.push_back({&doctor, false, false, run_doctor});

  const auto path = std::make_shared<std::string>();
  CLI::App& backup = add_command(
      program.root, "backup", "All of the aggregator's evidence, as one file, while it goes on",
      {"outflow backup outflow-2026-05-18.backup", "outflow backup - | zstd > outflow.backup.zst"});
  backup.add_option("FILE", *path, "A new file, or - for standard output")->required();
  program.commands.push_back(
      {&backup, false, true, [path](Session& session) { return run_backup(session, *path); }});
}

}  // namespace outflow::cli
