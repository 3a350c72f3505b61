#include "agent/conntrack.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>

#include "agent/netlink_bytes.h"

namespace outflow::agent {
namespace {

constexpr int kDumpTriesMax = 5;
constexpr std::uint16_t kGet = (NFNL_SUBSYS_CTNETLINK << 8U) | IPCTNL_MSG_CT_GET;
constexpr std::uint16_t kEntry = (NFNL_SUBSYS_CTNETLINK << 8U) | IPCTNL_MSG_CT_NEW;

constexpr std::uint8_t kEchoRequest = 8;      // RFC 792
constexpr std::uint8_t kEchoRequestV6 = 128;  // RFC 4443 4.1

struct Side {
  Ends ends;
  Protocol protocol{};
  std::optional<std::uint8_t> icmp_type;
};

// What an attribute holds, when it is of the size it should be.
std::span<const std::uint8_t> payload_of(const nlattr* attribute, std::size_t size) {
  if (attribute == nullptr || mnl_attr_get_payload_len(attribute) < size) return {};
  return {static_cast<const std::uint8_t*>(mnl_attr_get_payload(attribute)), size};
}

std::optional<std::uint8_t> byte_of(const nlattr* attribute) {
  const auto payload = payload_of(attribute, 1);
  if (payload.empty()) return std::nullopt;
  return payload[0];
}

std::uint16_t port_of(const nlattr* attribute) {
  const auto payload = payload_of(attribute, 2);
  if (payload.empty()) return 0;
  return static_cast<std::uint16_t>((payload[0] << 8U) | payload[1]);
}

std::optional<net::Address> address_of(const nlattr* v4, const nlattr* v6) {
  const auto payload = v4 != nullptr ? payload_of(v4, 4) : payload_of(v6, 16);
  auto address = net::Address::from_bytes(payload);
  if (!address) return std::nullopt;
  return *address;
}

bool has_ports(Protocol protocol) {
  return protocol == Protocol::Tcp || protocol == Protocol::Udp || protocol == Protocol::Sctp;
}

std::optional<Side> read_side(const nlattr* tuple) {
  const auto parts = attributes_in<CTA_TUPLE_PROTO + 1>(tuple);
  const auto ip = attributes_in<CTA_IP_V6_DST + 1>(parts[CTA_TUPLE_IP]);
  const auto proto = attributes_in<CTA_PROTO_ICMPV6_TYPE + 1>(parts[CTA_TUPLE_PROTO]);
  const auto source = address_of(ip[CTA_IP_V4_SRC], ip[CTA_IP_V6_SRC]);
  const auto destination = address_of(ip[CTA_IP_V4_DST], ip[CTA_IP_V6_DST]);
  const auto number = byte_of(proto[CTA_PROTO_NUM]);
  if (!source || !destination || !number) return std::nullopt;
  Side side;
  side.ends.source = *source;
  side.ends.destination = *destination;
  side.protocol = static_cast<Protocol>(*number);
  if (has_ports(side.protocol)) {  // others use the attributes for keys of their own (GRE)
    side.ends.source_port = port_of(proto[CTA_PROTO_SRC_PORT]);
    side.ends.destination_port = port_of(proto[CTA_PROTO_DST_PORT]);
  }
  side.icmp_type = byte_of(
      proto[side.protocol == Protocol::Icmpv6 ? CTA_PROTO_ICMPV6_TYPE : CTA_PROTO_ICMP_TYPE]);
  return side;
}

using TcpFacts = Attributes<CTA_PROTOINFO_TCP_FLAGS_REPLY + 1>;

bool is_living(const Side& original, const TcpFacts& tcp) {
  if (original.protocol == Protocol::Icmp) return original.icmp_type == kEchoRequest;
  if (original.protocol == Protocol::Icmpv6) return original.icmp_type == kEchoRequestV6;
  if (original.protocol != Protocol::Tcp) return true;
  constexpr std::array<int, 3> kOver = {TCP_CONNTRACK_TIME_WAIT, TCP_CONNTRACK_CLOSE,
                                        TCP_CONNTRACK_LAST_ACK};
  const auto state = byte_of(tcp[CTA_PROTOINFO_TCP_STATE]);
  return !state || std::ranges::find(kOver, *state) == kOver.end();
}

// A connection taken up without its SYN is liberal about windows on both sides and knows of no
// window scaling (tcp_new() in nf_conntrack_proto_tcp.c). An offloaded one is liberal, too, but has
// seen the SYN's options; without window scaling it is taken for picked up, which claims less.
bool is_picked_up(const TcpFacts& tcp) {
  for (const int side : {CTA_PROTOINFO_TCP_FLAGS_ORIGINAL, CTA_PROTOINFO_TCP_FLAGS_REPLY}) {
    const auto flags = byte_of(tcp[static_cast<std::size_t>(side)]).value_or(0);
    if ((flags & IP_CT_TCP_FLAG_BE_LIBERAL) == 0) return false;
    if ((flags & IP_CT_TCP_FLAG_WINDOW_SCALE) != 0) return false;
  }
  return true;
}

void read_entry(const nlmsghdr* message, const ConversationSink& sink) {
  const auto attributes = attributes_of<CTA_PROTOINFO + 1>(message, sizeof(nfgenmsg));
  const auto original = read_side(attributes[CTA_TUPLE_ORIG]);
  const auto reply = read_side(attributes[CTA_TUPLE_REPLY]);
  if (!original || !reply) return;
  const auto info = attributes_in<CTA_PROTOINFO_TCP + 1>(attributes[CTA_PROTOINFO]);
  const auto tcp = attributes_in<CTA_PROTOINFO_TCP_FLAGS_REPLY + 1>(info[CTA_PROTOINFO_TCP]);
  if (!is_living(*original, tcp)) return;
  const auto status = payload_of(attributes[CTA_STATUS], 4);  // big endian
  Conversation conversation;
  conversation.original = original->ends;
  conversation.reply = reply->ends;
  conversation.protocol = original->protocol;
  conversation.replied = !status.empty() && (status[3] & IPS_SEEN_REPLY) != 0;
  conversation.picked_up = original->protocol == Protocol::Tcp && is_picked_up(tcp);
  sink(conversation);
}

bool read_message(const nlmsghdr* message, const ConversationSink& sink) {
  if (message->nlmsg_type != kEntry) return true;
  if (mnl_nlmsg_get_payload_len(message) < sizeof(nfgenmsg)) return false;
  read_entry(message, sink);
  return true;
}

Result<DumpStep> dump_once(const ConversationSink& sink) {
  std::array<std::byte, 64> bytes{};
  nlmsghdr* request = mnl_nlmsg_put_header(bytes.data());
  request->nlmsg_type = kGet;
  request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  auto* head = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(request, sizeof(nfgenmsg)));
  head->nfgen_family = AF_UNSPEC;  // both
  head->version = NFNETLINK_V0;
  return ask(NETLINK_NETFILTER, {bytes.data(), request->nlmsg_len},
             [&](const nlmsghdr* message) { return read_message(message, sink); });
}

}  // namespace

bool means_no_conntrack(int error) {
  // nfnetlink says EINVAL to a subsystem that is not there (nfnetlink_rcv_msg()), the socket says
  // EPROTONOSUPPORT when nfnetlink is not.
  return error == EINVAL || error == EOPNOTSUPP || error == EPROTONOSUPPORT ||
         error == EAFNOSUPPORT || error == ENOENT;
}

Result<DumpStep> read_conntrack(std::span<const std::byte> bytes, const ConversationSink& sink) {
  return read_dump(bytes, [&](const nlmsghdr* message) { return read_message(message, sink); });
}

Result<ConntrackDump> dump_conntrack(const ConntrackQuery& query) {
  ConntrackDump dump;
  for (int tries = 0; tries < kDumpTriesMax; ++tries) {
    dump = {};
    const auto keep = [&](const Conversation& conversation) {
      if (!query.addresses.contains(conversation.original.source) &&
          !query.addresses.contains(conversation.reply.source)) {
        return;
      }
      if (dump.conversations.size() < query.conversations_max) {
        dump.conversations.push_back(conversation);
      } else {
        ++dump.beyond_max;
      }
    };
    auto step = dump_once(keep);
    if (!step) return fail(std::move(step).error().within("conntrack"));
    if (means_no_conntrack(step->error)) {
      dump = {};
      dump.absent = true;
      return dump;
    }
    if (step->error == EPERM) return fail("conntrack: not permitted: CAP_NET_ADMIN is missing");
    if (step->error != 0) return fail("conntrack: " + errno_text(step->error));
    dump.interrupted = step->interrupted;
    if (!dump.interrupted) break;
  }
  return dump;
}

}  // namespace outflow::agent
