#include "aggregator/inventory/file_feed.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "aggregator/inventory/kube_json.h"
#include "common/fd.h"

namespace outflow::inventory {
namespace {

// A cluster of 100,000 pods prints about this much; more is a mistake, and would not fit.
constexpr std::size_t kFileBytesMax = std::size_t{1} << 30U;
constexpr std::size_t kChunkBytes = std::size_t{1} << 20U;
// Some file systems keep whole seconds: within one, two writes of one length look the same.
constexpr nanoseconds kSettleTime = std::chrono::seconds(2);

Result<std::string> read_all(int fd) {
  std::string text;
  while (text.size() <= kFileBytesMax) {
    const std::size_t old_size = text.size();
    text.resize(old_size + kChunkBytes);
    const ssize_t got = ::read(fd, text.data() + old_size, kChunkBytes);
    if (got < 0 && errno != EINTR) return fail(errno_text(errno));
    text.resize(old_size + static_cast<std::size_t>(got < 0 ? 0 : got));
    if (got == 0) return text;
  }
  return fail(fmt::format("larger than {} bytes", kFileBytesMax));
}

}  // namespace

Result<bool> FileFeed::poll(Current& current) {
  auto changed = read();
  if (!changed) {
    Error error = std::move(changed).error().within(path_);
    current.set_error(error.what);
    return fail(std::move(error));
  }
  if (*changed == nullptr) return false;
  current.set(std::move(*changed));
  return true;
}

Result<std::shared_ptr<const Snapshot>> FileFeed::read() {
  // Non-blocking: opening a FIFO must not hang the feed.
  const Fd fd(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status {};
  if (!fd.valid() || ::fstat(fd.get(), &status) != 0) {
    const int code = errno;
    last_.reset();  // when it comes back it is read, be it the same file
    return fail(errno_text(code));
  }
  if (!S_ISREG(status.st_mode)) {
    last_.reset();
    return fail("not a regular file");
  }
  const auto changed =
      TimePoint(std::chrono::seconds(status.st_mtim.tv_sec) + nanoseconds(status.st_mtim.tv_nsec));
  // Taken before reading: what is written meanwhile shows at the next poll.
  const Stamp stamp{status.st_dev, status.st_ino, status.st_size, changed};
  const bool same_stamp = last_ && last_->stamp == stamp;
  if (same_stamp && last_->settled) return unchanged();

  const auto text = read_all(fd.get());
  if (!text) {
    last_.reset();
    return fail(text.error());
  }
  const std::size_t hash = std::hash<std::string_view>()(*text);
  const bool settled = clock_.now() - changed >= kSettleTime;
  if (same_stamp && last_->hash == hash) {
    last_->settled = settled;
    return unchanged();
  }
  auto model = read_model(*text);
  last_ = Read{stamp, hash, settled, model ? "" : model.error().what};
  if (!model) return fail(last_->error);
  return std::make_shared<const Snapshot>(std::move(*model), changed);
}

Result<std::shared_ptr<const Snapshot>> FileFeed::unchanged() const {
  if (!last_->error.empty()) return fail(last_->error);
  return nullptr;
}

}  // namespace outflow::inventory
