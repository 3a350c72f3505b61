#include "agent/interfaces.h"

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

namespace outflow::agent {
namespace {

// Room for the bursts of a node that starts 500 pods at once; an overrun is healed by a dump.
constexpr int kReceiveBufferBytes = 4 << 20;
constexpr int kDumpTriesMax = 5;

Result<Fd> open_socket(const char* what) {
  Fd fd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (!fd.valid()) return fail(std::string(what) + ": socket: " + errno_text(errno));
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return fail(std::string(what) + ": bind: " + errno_text(errno));
  }
  return fd;
}

}  // namespace

Result<Interfaces> Interfaces::open() {
  auto events = open_socket("netlink subscription");
  if (!events) return fail(std::move(events).error());
  // FORCE needs CAP_NET_ADMIN; without it the smaller buffer only means more dumps.
  if (setsockopt(events->get(), SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBufferBytes,
                 sizeof kReceiveBufferBytes) != 0) {
    setsockopt(events->get(), SOL_SOCKET, SO_RCVBUF, &kReceiveBufferBytes,
               sizeof kReceiveBufferBytes);
  }
  for (const int group : {RTNLGRP_LINK, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE, RTNLGRP_TC}) {
    if (setsockopt(events->get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) != 0) {
      return fail("netlink subscription: " + errno_text(errno));
    }
  }
  auto requests = open_socket("netlink requests");
  if (!requests) return fail(std::move(requests).error());
  return Interfaces(std::move(*events), std::move(*requests));
}

Result<bool> Interfaces::request(std::span<const std::byte> message, const EventSink& sink) {
  if (send(requests_.get(), message.data(), message.size(), 0) < 0) {
    return fail("netlink request: " + errno_text(errno));
  }
  bool interrupted = false;
  while (true) {
    const ssize_t size = recv(requests_.get(), buffer_.data(), buffer_.size(), 0);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return fail("netlink answer: " + errno_text(errno));
    auto progress = read_messages({buffer_.data(), static_cast<std::size_t>(size)}, sink);
    if (!progress) return fail(std::move(progress).error());
    // An interrupted dump still runs to its end, and must be read to it.
    interrupted = interrupted || progress->interrupted;
    if (progress->done) return !interrupted;
  }
}

Result<void> Interfaces::dump_type(std::uint16_t type, std::uint8_t family, const EventSink& sink) {
  for (int tries = 0; tries < kDumpTriesMax; ++tries) {
    std::array<std::byte, 64> bytes{};
    nlmsghdr* message = mnl_nlmsg_put_header(bytes.data());
    message->nlmsg_type = type;
    message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    if (type == RTM_GETLINK) {
      auto* head = static_cast<ifinfomsg*>(mnl_nlmsg_put_extra_header(message, sizeof(ifinfomsg)));
      head->ifi_family = family;
    } else {
      auto* head = static_cast<rtmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(rtmsg)));
      head->rtm_family = family;
    }
    auto whole = request({bytes.data(), message->nlmsg_len}, sink);
    if (!whole) return fail(std::move(whole).error());
    if (*whole) return {};
  }
  return fail("netlink dump: interrupted too often");
}

Result<void> Interfaces::dump(const EventSink& sink) {
  if (auto links = dump_type(RTM_GETLINK, AF_UNSPEC, sink); !links) return links;
  if (auto routes = dump_type(RTM_GETROUTE, AF_INET, sink); !routes) return routes;
  return dump_type(RTM_GETROUTE, AF_INET6, sink);
}

Result<void> Interfaces::query(std::uint32_t ifindex, const EventSink& sink) {
  std::array<std::byte, 64> bytes{};
  nlmsghdr* message = mnl_nlmsg_put_header(bytes.data());
  message->nlmsg_type = RTM_GETLINK;
  message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
  auto* head = static_cast<ifinfomsg*>(mnl_nlmsg_put_extra_header(message, sizeof(ifinfomsg)));
  head->ifi_index = static_cast<int>(ifindex);
  auto whole = request({bytes.data(), message->nlmsg_len}, sink);
  if (!whole) return fail(std::move(whole).error());
  return {};
}

Result<bool> Interfaces::receive(const EventSink& sink) {
  while (true) {
    const ssize_t size = recv(events_.get(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return true;
    if (size < 0 && errno == ENOBUFS) return false;
    if (size < 0) return fail("netlink subscription: " + errno_text(errno));
    auto read = read_messages({buffer_.data(), static_cast<std::size_t>(size)}, sink);
    if (!read) return fail(std::move(read).error());
  }
}

}  // namespace outflow::agent
