#include "agent/netlink_dump.h"

#include <libmnl/libmnl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "agent/netlink_bytes.h"
#include "common/fd.h"

namespace outflow::agent {
namespace {

// The kernel fills dumps up to 32 KiB a message (netlink(7)).
constexpr std::size_t kBufferBytes = 65'536;
constexpr int kReceiveBufferBytes = 4 << 20;
constexpr std::uint32_t kErrnoMax = 4095;  // MAX_ERRNO, linux/err.h

// The errno of an end or error message, 0 for none; nothing when it is cut.
std::optional<int> error_of(const nlmsghdr* message) {
  std::int32_t code = 0;
  if (mnl_nlmsg_get_payload_len(message) < sizeof code) {
    if (message->nlmsg_type == NLMSG_DONE) return 0;
    return std::nullopt;
  }
  std::memcpy(&code, mnl_nlmsg_get_payload(message), sizeof code);
  const std::uint32_t size = code < 0 ? 0U - static_cast<std::uint32_t>(code) : 0U;
  return size > kErrnoMax ? EIO : static_cast<int>(size);
}

void widen(const Fd& fd) {
  // FORCE needs CAP_NET_ADMIN; a dump waits for its reader, so the smaller buffer does, too.
  if (setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBufferBytes,
                 sizeof kReceiveBufferBytes) != 0) {
    setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &kReceiveBufferBytes, sizeof kReceiveBufferBytes);
  }
}

DumpStep refused(int error) {
  return {.done = true, .interrupted = false, .error = error};
}

}  // namespace

Result<DumpStep> read_dump(std::span<const std::byte> bytes, const MessageReader& reader) {
  DumpStep step;
  auto left = static_cast<int>(bytes.size());
  const auto* message = reinterpret_cast<const nlmsghdr*>(bytes.data());
  for (; message_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
    if ((message->nlmsg_flags & NLM_F_DUMP_INTR) != 0) step.interrupted = true;
    if (message->nlmsg_type == NLMSG_ERROR || message->nlmsg_type == NLMSG_DONE) {
      const auto error = error_of(message);
      if (!error) return fail("netlink: a cut error message");
      step.done = true;
      step.error = *error;
    } else if (message->nlmsg_type >= NLMSG_MIN_TYPE && !reader(message)) {
      return fail(
          fmt::format("netlink: a message of type {} is {} bytes long, shorter than its head",
                      message->nlmsg_type, mnl_nlmsg_get_payload_len(message)));
    }
  }
  if (left > 0) return fail(fmt::format("netlink: {} bytes after the last whole message", left));
  return step;
}

Result<DumpStep> ask(int netlink_family, std::span<const std::byte> request,
                     const MessageReader& reader) {
  const Fd fd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, netlink_family));
  if (!fd.valid()) return refused(errno);
  widen(fd);
  if (send(fd.get(), request.data(), request.size(), 0) < 0) return refused(errno);
  std::vector<std::byte> buffer(kBufferBytes);
  bool interrupted = false;
  while (true) {
    const ssize_t size = recv(fd.get(), buffer.data(), buffer.size(), MSG_TRUNC);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return refused(errno);
    if (static_cast<std::size_t>(size) > buffer.size()) {
      return fail(fmt::format("netlink: {} bytes at once, more than any dump's", size));
    }
    auto step = read_dump({buffer.data(), static_cast<std::size_t>(size)}, reader);
    if (!step) return step;
    // An interrupted dump still runs to its end.
    interrupted = interrupted || step->interrupted;
    if (!step->done) continue;
    step->interrupted = interrupted;
    return step;
  }
}

}  // namespace outflow::agent
