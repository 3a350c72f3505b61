#include "agent/netlink.h"

#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <optional>

#include <fmt/format.h>

#include "agent/netlink_bytes.h"

namespace outflow::agent {
namespace {

constexpr std::size_t kNameMax = 15;  // IFNAMSIZ - 1

// Strings in attributes may or may not end in a zero byte.
std::string text_of(const nlattr* attribute) {
  const auto* text = static_cast<const char*>(mnl_attr_get_payload(attribute));
  return {text, strnlen(text, mnl_attr_get_payload_len(attribute))};
}

std::optional<std::uint32_t> number_of(const nlattr* attribute) {
  if (attribute == nullptr || mnl_attr_get_payload_len(attribute) < sizeof(std::uint32_t)) {
    return std::nullopt;
  }
  return mnl_attr_get_u32(attribute);
}

bool is_veth(const nlattr* link_info) {
  if (link_info == nullptr) return false;
  const auto info = attributes_in<IFLA_INFO_KIND + 1>(link_info);
  return info[IFLA_INFO_KIND] != nullptr && text_of(info[IFLA_INFO_KIND]) == "veth";
}

void read_link(const nlmsghdr* message, const EventSink& sink) {
  const auto* head = static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(message));
  // Bridges report their ports as links of their own family: nothing new for us, and a port leaving
  // a bridge is an RTM_DELLINK that deletes no link.
  if (head->ifi_index <= 0 || head->ifi_family != AF_UNSPEC) return;
  const auto ifindex = static_cast<std::uint32_t>(head->ifi_index);
  if (message->nlmsg_type == RTM_DELLINK) {
    sink(LinkGone{ifindex});
    return;
  }
  const auto attributes = attributes_of<IFLA_LINK_NETNSID + 1>(message, sizeof *head);
  if (attributes[IFLA_IFNAME] == nullptr) return;
  Link link;
  link.ifindex = ifindex;
  link.name = text_of(attributes[IFLA_IFNAME]);
  link.veth = is_veth(attributes[IFLA_LINKINFO]);
  const auto nsid = number_of(attributes[IFLA_LINK_NETNSID]);
  link.peer_elsewhere = attributes[IFLA_LINK_NETNSID] != nullptr;
  if (nsid) link.peer_nsid = static_cast<std::int32_t>(*nsid);
  if (!link.name.empty() && link.name.size() <= kNameMax) sink(link);
}

void read_route(const nlmsghdr* message, const EventSink& sink) {
  const auto* head = static_cast<const rtmsg*>(mnl_nlmsg_get_payload(message));
  const std::size_t size = head->rtm_family == AF_INET ? 4 : 16;
  if (head->rtm_family != AF_INET && head->rtm_family != AF_INET6) return;
  if (head->rtm_type != RTN_UNICAST || head->rtm_dst_len != size * 8) return;
  if ((head->rtm_flags & RTM_F_CLONED) != 0) return;
  const auto attributes = attributes_of<RTA_OIF + 1>(message, sizeof *head);
  const auto ifindex = number_of(attributes[RTA_OIF]);
  const nlattr* destination = attributes[RTA_DST];
  if (!ifindex || destination == nullptr || mnl_attr_get_payload_len(destination) != size) return;
  const auto address = net::Address::from_bytes(
      {static_cast<const std::uint8_t*>(mnl_attr_get_payload(destination)), size});
  if (address) sink(HostRoute{*ifindex, *address, message->nlmsg_type == RTM_NEWROUTE});
}

void read_traffic_control(const nlmsghdr* message, const EventSink& sink) {
  const auto* head = static_cast<const tcmsg*>(mnl_nlmsg_get_payload(message));
  if (head->tcm_ifindex > 0) {
    sink(TrafficControlGone{static_cast<std::uint32_t>(head->tcm_ifindex)});
  }
}

struct Reader {
  std::uint16_t type;
  std::size_t head;
  void (*read)(const nlmsghdr*, const EventSink&);
};
constexpr std::array<Reader, 6> kReaders{{{RTM_NEWLINK, sizeof(ifinfomsg), read_link},
                                          {RTM_DELLINK, sizeof(ifinfomsg), read_link},
                                          {RTM_NEWROUTE, sizeof(rtmsg), read_route},
                                          {RTM_DELROUTE, sizeof(rtmsg), read_route},
                                          {RTM_DELQDISC, sizeof(tcmsg), read_traffic_control},
                                          {RTM_DELTFILTER, sizeof(tcmsg), read_traffic_control}}};

// NLMSG_ERROR: an acknowledgement when the code is 0.
Result<void> read_error(const nlmsghdr* message) {
  int code = 0;
  if (mnl_nlmsg_get_payload_len(message) < sizeof code) return fail("netlink: a cut error message");
  std::memcpy(&code, mnl_nlmsg_get_payload(message), sizeof code);
  if (code == 0) return {};
  return fail("netlink: " + errno_text(code == std::numeric_limits<int>::min() ? EIO : code));
}

}  // namespace

Result<Progress> read_messages(std::span<const std::byte> bytes, const EventSink& sink) {
  Progress progress;
  auto left = static_cast<int>(bytes.size());
  const auto* message = reinterpret_cast<const nlmsghdr*>(bytes.data());
  for (; message_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
    if ((message->nlmsg_flags & NLM_F_DUMP_INTR) != 0) progress.interrupted = true;
    if (message->nlmsg_type == NLMSG_ERROR) {
      if (auto code = read_error(message); !code) return fail(std::move(code).error());
      progress.done = true;
    }
    if (message->nlmsg_type == NLMSG_DONE) progress.done = true;
    for (const Reader& reader : kReaders) {
      if (reader.type != message->nlmsg_type) continue;
      if (mnl_nlmsg_get_payload_len(message) < reader.head) {
        return fail(fmt::format("netlink: a message of type {} is {} bytes long, its head is {}",
                                message->nlmsg_type, mnl_nlmsg_get_payload_len(message),
                                reader.head));
      }
      reader.read(message, sink);
    }
  }
  if (left > 0) return fail(fmt::format("netlink: {} bytes after the last whole message", left));
  return progress;
}

}  // namespace outflow::agent
