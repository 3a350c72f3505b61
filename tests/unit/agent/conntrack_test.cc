#include "agent/conntrack.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <vector>

#include "tests/support/catch.h"
#include "tests/unit/agent/netlink_messages.h"

using namespace outflow;
using namespace outflow::agent;
using outflow::test::Messages;

namespace {

constexpr std::uint16_t kEntryType = (NFNL_SUBSYS_CTNETLINK << 8U) | IPCTNL_MSG_CT_NEW;

net::Address address(const char* text) {
  return *net::Address::parse(text);
}

// What an entry says beside its ends, as the kernel would.
struct EntryParts {
  Protocol protocol = Protocol::Tcp;
  std::uint32_t status = IPS_SEEN_REPLY | IPS_CONFIRMED;
  int tcp_state = TCP_CONNTRACK_ESTABLISHED;  // -1: none said
  std::uint8_t tcp_flags = IP_CT_TCP_FLAG_WINDOW_SCALE | IP_CT_TCP_FLAG_SACK_PERM;
  int icmp_type = -1;
};

void put_address(nlmsghdr* message, std::uint16_t v4, std::uint16_t v6, const net::Address& said) {
  mnl_attr_put(message, said.is_v4() ? v4 : v6, said.packed().size(), said.packed().data());
}

void put_tuple(nlmsghdr* message, std::uint16_t type, const Ends& ends, const EntryParts& parts) {
  nlattr* tuple = mnl_attr_nest_start(message, type);
  nlattr* ip = mnl_attr_nest_start(message, CTA_TUPLE_IP);
  put_address(message, CTA_IP_V4_SRC, CTA_IP_V6_SRC, ends.source);
  put_address(message, CTA_IP_V4_DST, CTA_IP_V6_DST, ends.destination);
  mnl_attr_nest_end(message, ip);
  nlattr* proto = mnl_attr_nest_start(message, CTA_TUPLE_PROTO);
  mnl_attr_put_u8(message, CTA_PROTO_NUM, static_cast<std::uint8_t>(parts.protocol));
  if (parts.icmp_type >= 0) {
    const bool v6 = parts.protocol == Protocol::Icmpv6;
    mnl_attr_put_u16(message, v6 ? CTA_PROTO_ICMPV6_ID : CTA_PROTO_ICMP_ID, htons(7));
    mnl_attr_put_u8(message, v6 ? CTA_PROTO_ICMPV6_TYPE : CTA_PROTO_ICMP_TYPE,
                    static_cast<std::uint8_t>(parts.icmp_type));
  } else {
    mnl_attr_put_u16(message, CTA_PROTO_SRC_PORT, htons(ends.source_port));
    mnl_attr_put_u16(message, CTA_PROTO_DST_PORT, htons(ends.destination_port));
  }
  mnl_attr_nest_end(message, proto);
  mnl_attr_nest_end(message, tuple);
}

void put_tcp(nlmsghdr* message, const EntryParts& parts) {
  nlattr* info = mnl_attr_nest_start(message, CTA_PROTOINFO);
  nlattr* tcp = mnl_attr_nest_start(message, CTA_PROTOINFO_TCP);
  mnl_attr_put_u8(message, CTA_PROTOINFO_TCP_STATE, static_cast<std::uint8_t>(parts.tcp_state));
  const nf_ct_tcp_flags flags{.flags = parts.tcp_flags, .mask = 0};
  mnl_attr_put(message, CTA_PROTOINFO_TCP_FLAGS_ORIGINAL, sizeof flags, &flags);
  mnl_attr_put(message, CTA_PROTOINFO_TCP_FLAGS_REPLY, sizeof flags, &flags);
  mnl_attr_nest_end(message, tcp);
  mnl_attr_nest_end(message, info);
}

const Ends kToService{address("10.244.3.17"), address("10.96.0.10"), 40'000, 5432};
const Ends kFromServer{address("10.244.3.18"), address("10.244.3.17"), 5432, 40'000};

void add_entry(Messages& messages, const EntryParts& parts, const Ends& original = kToService,
               const Ends& reply = kFromServer) {
  nlmsghdr* message = messages.begin(kEntryType);
  mnl_nlmsg_put_extra_header(message, sizeof(nfgenmsg));
  put_tuple(message, CTA_TUPLE_ORIG, original, parts);
  put_tuple(message, CTA_TUPLE_REPLY, reply, parts);
  mnl_attr_put_u32(message, CTA_STATUS, htonl(parts.status));
  if (parts.tcp_state >= 0 && parts.protocol == Protocol::Tcp) put_tcp(message, parts);
  messages.end(message);
}

struct Read {
  std::vector<Conversation> conversations;
  Result<DumpStep> step;
};

Read read(std::span<const std::byte> bytes) {
  Read read;
  read.step =
      read_conntrack(bytes, [&](const Conversation& said) { read.conversations.push_back(said); });
  return read;
}

std::vector<Conversation> read_one(const EntryParts& parts) {
  Messages messages;
  add_entry(messages, parts);
  return read(messages.bytes()).conversations;
}

}  // namespace

TEST_CASE("an entry gives both directions, before and after DNAT", "[conntrack]") {
  Messages messages;
  add_entry(messages, {});
  messages.end(messages.begin(NLMSG_DONE));

  const Read result = read(messages.bytes());

  REQUIRE(result.step);
  CHECK(result.step->done);
  CHECK(result.step->error == 0);
  CHECK(result.conversations ==
        std::vector<Conversation>{{kToService, kFromServer, Protocol::Tcp, true, false}});
}

TEST_CASE("IPv6 ends are read like IPv4 ones", "[conntrack]") {
  const Ends original{address("fd00::17"), address("fd00::18"), 40'000, 8080};
  const Ends reply{address("fd00::18"), address("fd00::17"), 8080, 40'000};
  Messages messages;
  add_entry(messages, {.protocol = Protocol::Udp, .status = IPS_CONFIRMED}, original, reply);

  CHECK(read(messages.bytes()).conversations ==
        std::vector<Conversation>{{original, reply, Protocol::Udp, false, false}});
}

TEST_CASE("connections that are over are no conversations", "[conntrack]") {
  for (const int over : {TCP_CONNTRACK_TIME_WAIT, TCP_CONNTRACK_CLOSE, TCP_CONNTRACK_LAST_ACK}) {
    CHECK(read_one({.tcp_state = over}).empty());
  }
  for (const int living :
       {-1, static_cast<int>(TCP_CONNTRACK_SYN_SENT), static_cast<int>(TCP_CONNTRACK_FIN_WAIT),
        static_cast<int>(TCP_CONNTRACK_CLOSE_WAIT)}) {
    CHECK(read_one({.tcp_state = living}).size() == 1);
  }
}

TEST_CASE("a connection that conntrack took up in its middle is told", "[conntrack]") {
  constexpr std::uint8_t kLiberal = IP_CT_TCP_FLAG_BE_LIBERAL;

  CHECK(read_one({.tcp_flags = kLiberal | IP_CT_TCP_FLAG_SACK_PERM})[0].picked_up);
  // Offloaded by a flow table: liberal, but its SYN was seen.
  CHECK_FALSE(read_one({.tcp_flags = kLiberal | IP_CT_TCP_FLAG_WINDOW_SCALE})[0].picked_up);
  CHECK_FALSE(read_one({.tcp_flags = 0})[0].picked_up);
  CHECK_FALSE(read_one({.tcp_state = -1})[0].picked_up);
}

TEST_CASE("of ICMP only echo is a conversation, and its id is no port", "[conntrack]") {
  const auto echo = read_one({.protocol = Protocol::Icmp, .icmp_type = 8});
  const auto echo6 = read_one({.protocol = Protocol::Icmpv6, .icmp_type = 128});

  REQUIRE(echo.size() == 1);
  CHECK(echo[0].original.source_port == 0);
  CHECK(echo[0].original.destination_port == 0);
  CHECK(echo6.size() == 1);
  CHECK(read_one({.protocol = Protocol::Icmp, .icmp_type = 13}).empty());   // timestamp
  CHECK(read_one({.protocol = Protocol::Icmpv6, .icmp_type = 8}).empty());  // IPv4's number
  CHECK(read_one({.protocol = Protocol::Icmp}).empty());
}

TEST_CASE("a protocol without ports we know has ports 0", "[conntrack]") {
  constexpr auto kGre = static_cast<Protocol>(47);

  const auto gre = read_one({.protocol = kGre});

  REQUIRE(gre.size() == 1);
  CHECK(gre[0].protocol == kGre);
  CHECK(gre[0].original.destination_port == 0);
  CHECK(read_one({.protocol = Protocol::Sctp})[0].original.destination_port == 5432);
}

TEST_CASE("an entry that lacks a direction is passed over", "[conntrack]") {
  Messages messages;
  nlmsghdr* message = messages.begin(kEntryType);
  mnl_nlmsg_put_extra_header(message, sizeof(nfgenmsg));
  put_tuple(message, CTA_TUPLE_ORIG, kToService, {});
  messages.end(message);

  const Read result = read(messages.bytes());

  CHECK(result.step);
  CHECK(result.conversations.empty());
}

TEST_CASE("what a kernel's conntrack really said is read", "[conntrack]") {
  // TCP to a ClusterIP, TCP and UDP to a pod, of both families, an echo and GRE; one was closed.
  std::ifstream file(OUTFLOW_SOURCE_DIR "/tests/fuzz/corpus/conntrack_fuzz/recorded",
                     std::ios::binary);
  const std::vector<char> text(std::istreambuf_iterator<char>(file), {});

  const Read result = read(std::as_bytes(std::span(text)));

  REQUIRE(result.step);
  CHECK(result.step->done);
  CHECK(result.conversations.size() == 7);
  const auto has = [&](const char* destination, std::uint16_t port, Protocol protocol,
                       bool replied) {
    return std::ranges::count_if(result.conversations, [&](const Conversation& said) {
      return said.original.destination == address(destination) &&
             said.original.destination_port == port && said.protocol == protocol &&
             said.replied == replied && !said.picked_up;
    });
  };
  CHECK(has("10.96.0.10", 5432, Protocol::Tcp, true) == 1);
  CHECK(has("10.244.3.18", 8080, Protocol::Tcp, true) == 1);
  CHECK(has("fd00::18", 8080, Protocol::Tcp, true) == 1);
  CHECK(has("10.244.3.18", 53, Protocol::Udp, true) == 1);
  CHECK(has("10.244.3.18", 54, Protocol::Udp, false) == 1);
  CHECK(has("10.244.3.18", 0, Protocol::Icmp, true) == 1);
  CHECK(has("10.244.3.18", 0, static_cast<Protocol>(47), false) == 1);
}

TEST_CASE("entries cut at any byte are an error or fewer, never more", "[conntrack]") {
  Messages messages;
  add_entry(messages, {});
  add_entry(messages, {.protocol = Protocol::Udp});
  const auto whole = messages.bytes();

  for (std::size_t size = 0; size < whole.size(); ++size) {
    const std::vector<std::byte> cut(whole.begin(),
                                     whole.begin() + static_cast<std::ptrdiff_t>(size));
    const Read result = read(cut);

    INFO(size);
    CHECK(result.conversations.size() <= 1);
    // Only a cut at the border of two messages goes unnoticed.
    CHECK((!result.step || size == 0 || result.conversations.size() == 1));
  }
}

TEST_CASE("attributes cut at any byte lead to no other conversation", "[conntrack]") {
  Messages messages;
  add_entry(messages, {});
  const auto whole = messages.bytes();
  const Conversation right{kToService, kFromServer, Protocol::Tcp, true, false};

  for (std::uint32_t size = 0; size < whole.size(); ++size) {
    std::vector<std::byte> cut(whole.begin(), whole.begin() + size);
    if (size >= sizeof size)
      std::memcpy(cut.data(), &size, sizeof size);  // its length says so, too
    const Read result = read(cut);

    INFO(size);
    for (const Conversation& said : result.conversations) {
      CHECK(said.original == right.original);
      CHECK(said.reply == right.reply);
    }
    const std::size_t head = sizeof(nlmsghdr) + sizeof(nfgenmsg);
    CHECK(result.step.has_value() == (size == 0 || size >= head));
  }
}

TEST_CASE("the end, an interruption and a refusal of a dump are told apart", "[conntrack]") {
  Messages interrupted;
  nlmsghdr* message = interrupted.begin(kEntryType);
  message->nlmsg_flags = NLM_F_DUMP_INTR;
  mnl_nlmsg_put_extra_header(message, sizeof(nfgenmsg));
  interrupted.end(message);
  const auto going_on = read(interrupted.bytes()).step;
  REQUIRE(going_on);
  CHECK(going_on->interrupted);
  CHECK_FALSE(going_on->done);

  // An error message, or a dump that gives up and says why at its end.
  for (const std::uint16_t type : {std::uint16_t{NLMSG_ERROR}, std::uint16_t{NLMSG_DONE}}) {
    for (const auto& [said, error] :
         {std::pair{0, 0}, {-EPERM, EPERM}, {-EINVAL, EINVAL}, {-0x7fff'ffff - 1, EIO}}) {
      Messages messages;
      message = messages.begin(type);
      static_cast<nlmsgerr*>(mnl_nlmsg_put_extra_header(message, sizeof(nlmsgerr)))->error = said;
      messages.end(message);
      const auto step = read(messages.bytes()).step;
      REQUIRE(step);
      CHECK(step->done);
      CHECK(step->error == error);
    }
  }

  Messages cut;
  cut.end(cut.begin(NLMSG_ERROR));
  CHECK_FALSE(read(cut.bytes()).step);
}

TEST_CASE("no conntrack is told from one that may not be asked", "[conntrack]") {
  CHECK(means_no_conntrack(EINVAL));           // nfnetlink has no such subsystem
  CHECK(means_no_conntrack(EPROTONOSUPPORT));  // no nfnetlink
  CHECK_FALSE(means_no_conntrack(0));
  CHECK_FALSE(means_no_conntrack(EPERM));
  CHECK_FALSE(means_no_conntrack(ENOBUFS));
}
