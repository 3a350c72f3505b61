#include "agent/bpffs.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

namespace outflow::agent {
namespace {

namespace fs = std::filesystem;

bool on_bpffs(const std::string& path) {
  struct statfs info {};
  return statfs(path.c_str(), &info) == 0 && info.f_type == BPF_FS_MAGIC;
}

Result<void> mount_bpffs(const std::string& path) {
  if (mount("bpf", path.c_str(), "bpf", 0, "mode=0700") == 0) return {};
  return fail("mount a bpffs at " + path + ": " + errno_text(errno));
}

std::string nearest_existing(const std::string& path) {
  fs::path at(path);
  std::error_code error;
  while (!fs::exists(at, error) && at.has_relative_path()) at = at.parent_path();
  return at.string();
}

}  // namespace

Result<void> ensure_bpffs(const std::string& path) {
  std::error_code error;
  if (!on_bpffs(nearest_existing(path))) {
    fs::create_directories(path, error);
    // sysfs takes no directories: /sys/fs/bpf itself is then where the bpffs belongs.
    const std::string at = error ? nearest_existing(path) : path;
    if (auto mounted = mount_bpffs(at); !mounted) return mounted;
  }
  fs::create_directories(path, error);
  if (error) return fail("make " + path + ": " + error.message());
  if (!on_bpffs(path)) return fail(path + " is not on a bpffs");
  return {};
}

Result<Fd> lock_directory(const std::string& path) {
  Fd fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return fail("open " + path + ": " + errno_text(errno));
  if (flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return fd;
  if (errno == EWOULDBLOCK) return fail(path + " is in use by another outflow-agent");
  return fail("lock " + path + ": " + errno_text(errno));
}

std::vector<std::string> names_in(const std::string& path) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entry(path, error), end; !error && entry != end;
       entry.increment(error)) {
    names.push_back(entry->path().filename().string());
  }
  return names;
}

void remove_bpffs(const std::string& path) {
  struct stat here {};
  struct stat above {};
  if (!on_bpffs(path) || stat(path.c_str(), &here) != 0) return;
  // The root of a bpffs always has maps.debug and progs.debug.
  const std::vector<std::string> names = names_in(path);
  const bool empty = std::all_of(names.begin(), names.end(),
                                 [](const std::string& name) { return name.ends_with(".debug"); });
  if (stat((path + "/..").c_str(), &above) == 0 && here.st_dev != above.st_dev && empty) {
    umount(path.c_str());
  }
  std::error_code error;
  fs::remove(path, error);
}

}  // namespace outflow::agent
