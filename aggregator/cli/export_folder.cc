#include "aggregator/cli/export_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <set>
#include <sstream>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "common/fd.h"
#include "common/result.h"

namespace outflow::cli {
namespace {

constexpr std::string_view kManifestHead =
    "# Files written by `outflow export`; it replaces and removes only these. Keep it in git.\n";
constexpr std::size_t kFileBytesMax = 64U << 20U;  // more than any policy a cluster takes

// The folder, held open: every name below is looked up in it and nowhere else.
class Folder {
 public:
  static Outcome<Folder> open(const std::string& path) {
    std::error_code error;
    std::filesystem::create_directories(path, error);
    if (error) return give_up(fmt::format("{}: {}", path, error.message()));
    Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd.valid()) return give_up(fmt::format("{}: {}", path, errno_text(errno)));
    return Folder(path, std::move(fd));
  }

  // nullopt when there is none. A symbolic link or anything but a file is refused: it leads
  // elsewhere.
  [[nodiscard]] Outcome<std::optional<std::string>> read(const std::string& name) const {
    const Fd file(
        ::openat(fd_.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!file.valid() && errno == ENOENT) return std::optional<std::string>();
    if (!file.valid())
      return failure(name, errno == ELOOP ? "is a symbolic link" : errno_text(errno));
    struct stat facts {};
    if (::fstat(file.get(), &facts) != 0) return failure(name, errno_text(errno));
    if (!S_ISREG(facts.st_mode)) return failure(name, "is not a file");
    if (facts.st_size > static_cast<off_t>(kFileBytesMax)) return failure(name, "is too large");
    std::string content(static_cast<std::size_t>(facts.st_size), '\0');
    std::size_t have = 0;
    while (have < content.size()) {
      const ssize_t got = ::read(file.get(), content.data() + have, content.size() - have);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return failure(name, errno_text(errno));
      if (got == 0) break;
      have += static_cast<std::size_t>(got);
    }
    content.resize(have);
    return std::optional<std::string>(std::move(content));
  }

  // By a temporary file beside it, synced before the rename: a reader sees the old or the new one.
  [[nodiscard]] Outcome<void> write(const std::string& name, const std::string& content) const {
    const std::string temporary = "." + name + ".outflow-tmp";
    ::unlinkat(fd_.get(), temporary.c_str(), 0);  // what a killed export left
    const Fd file(::openat(fd_.get(), temporary.c_str(),
                           O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
    if (!file.valid()) return failure(name, errno_text(errno));
    std::string_view left = content;
    while (!left.empty()) {
      const ssize_t put = ::write(file.get(), left.data(), left.size());
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return abandon(name, temporary);
      left.remove_prefix(static_cast<std::size_t>(put));
    }
    if (::fsync(file.get()) != 0) return abandon(name, temporary);
    if (::renameat(fd_.get(), temporary.c_str(), fd_.get(), name.c_str()) != 0) {
      return abandon(name, temporary);
    }
    return {};
  }

  [[nodiscard]] Outcome<void> remove(const std::string& name) const {
    if (::unlinkat(fd_.get(), name.c_str(), 0) == 0 || errno == ENOENT) return {};
    return failure(name, errno_text(errno));
  }

  [[nodiscard]] Outcome<void> sync() const {
    if (::fsync(fd_.get()) != 0) return failure(".", errno_text(errno));
    return {};
  }

 private:
  Folder(std::string path, Fd fd) : path_(std::move(path)), fd_(std::move(fd)) {}

  [[nodiscard]] tl::unexpected<Failure> failure(const std::string& name,
                                                const std::string& why) const {
    return give_up(fmt::format("{}/{}: {}", path_, name, why));
  }
  [[nodiscard]] tl::unexpected<Failure> abandon(const std::string& name,
                                                const std::string& temporary) const {
    const int code = errno;
    ::unlinkat(fd_.get(), temporary.c_str(), 0);
    return failure(name, errno_text(code));
  }

  std::string path_;
  Fd fd_;
};

using Names = std::set<std::string>;

// Lines that are no names of ours are passed over: somebody's edit must not lead us outside.
Names read_names(const std::string& manifest) {
  Names names;
  std::istringstream lines(manifest);
  for (std::string line; std::getline(lines, line);) {
    if (is_export_name(line)) names.insert(line);
  }
  return names;
}

std::string manifest_of(const Names& names) {
  return fmt::format("{}{}{}", kManifestHead, fmt::join(names, "\n"), names.empty() ? "" : "\n");
}

std::string kustomization_of(const Names& names) {
  std::string text =
      "# Written by `outflow export`.\napiVersion: kustomize.config.k8s.io/v1beta1\n"
      "kind: Kustomization\nresources:\n";
  for (const auto& name : names) text += "  - " + name + "\n";
  return text;
}

// What one export does to the folder, found out before anything is changed.
struct Work {
  Names owned_before;
  Names owned_after;
  std::vector<ExportFile> replace;
  ExportResult result;
};

Outcome<void> take_file(const Folder& folder, const ExportFile& file, Work& work) {
  const auto present = folder.read(file.name);
  if (!present) return tl::unexpected<Failure>(present.error());
  const bool same = *present && **present == file.content;
  if (*present && !same && work.owned_before.count(file.name) == 0) {
    return give_up(
        fmt::format("{} is there and was not written by `outflow export` ({} does not "
                    "list it): move it away first; nothing was written",
                    file.name, kManifestName));
  }
  (same ? work.result.unchanged : work.result.written).push_back(file.name);
  if (!same) work.replace.push_back(file);
  work.owned_after.insert(file.name);
  return {};
}

Outcome<void> take_kustomization(const Folder& folder, Work& work) {
  Names resources = work.owned_after;
  resources.erase(kKustomizationName);
  if (resources.empty()) return {};
  const auto present = folder.read(kKustomizationName);
  if (!present) return tl::unexpected<Failure>(present.error());
  if (*present && work.owned_before.count(kKustomizationName) == 0) {
    work.result.kustomization_foreign = true;
    return {};
  }
  return take_file(folder, {kKustomizationName, kustomization_of(resources)}, work);
}

Outcome<Work> plan_work(const Folder& folder, const ExportPlan& plan) {
  Work work;
  const auto manifest = folder.read(kManifestName);
  if (!manifest) return tl::unexpected<Failure>(manifest.error());
  if (*manifest) work.owned_before = read_names(**manifest);
  for (const auto& file : plan.files) {
    if (!is_export_name(file.name) || file.name == kKustomizationName) {
      return give_up(fmt::format("the aggregator named a file '{}': refused", file.name));
    }
    if (auto taken = take_file(folder, file, work); !taken) {
      return tl::unexpected<Failure>(taken.error());
    }
  }
  for (const auto& name : work.owned_before) {
    if (work.owned_after.count(name) > 0 || name == kKustomizationName) continue;
    const bool stays =
        !plan.complete || std::find(plan.keep.begin(), plan.keep.end(), name) != plan.keep.end();
    if (stays) {
      work.owned_after.insert(name);
    } else {
      work.result.removed.push_back(name);
    }
  }
  if (auto taken = take_kustomization(folder, work); !taken) {
    return tl::unexpected<Failure>(taken.error());
  }
  if (work.owned_before.count(kKustomizationName) > 0 && work.owned_after.empty()) {
    work.result.removed.emplace_back(kKustomizationName);
  }
  return work;
}

}  // namespace

bool is_export_name(const std::string& name) {
  constexpr std::string_view kEnding = ".yaml";
  constexpr std::size_t kNameBytesMax = 200;  // leaves room for the temporary file's name
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return name.size() > kEnding.size() && name.size() <= kNameBytesMax && name.ends_with(kEnding) &&
         letter(name.front()) && std::all_of(name.begin(), name.end(), [&](char c) {
           return letter(c) || c == '.' || c == '-';
         });
}

Outcome<ExportResult> write_folder(const std::string& path, const ExportPlan& plan) {
  const auto folder = Folder::open(path);
  if (!folder) return tl::unexpected<Failure>(folder.error());
  auto work = plan_work(*folder, plan);
  if (!work) return tl::unexpected<Failure>(work.error());
  // The manifest first and last: an export that is killed in between still knows its files.
  Names both = work->owned_before;
  both.insert(work->owned_after.begin(), work->owned_after.end());
  const auto apply = [&]() -> Outcome<void> {
    if (auto done = folder->write(kManifestName, manifest_of(both)); !done) return done;
    for (const auto& file : work->replace) {
      if (auto done = folder->write(file.name, file.content); !done) return done;
    }
    for (const auto& name : work->result.removed) {
      if (auto done = folder->remove(name); !done) return done;
    }
    if (auto done = folder->write(kManifestName, manifest_of(work->owned_after)); !done)
      return done;
    return folder->sync();
  };
  if (const auto done = apply(); !done) return tl::unexpected<Failure>(done.error());
  return std::move(work->result);
}

}  // namespace outflow::cli
