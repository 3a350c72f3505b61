#include "agent/netlink.h"

#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <cstring>
#include <vector>

#include "agent/filter_dump.h"
#include "tests/support/catch.h"
#include "tests/unit/agent/netlink_messages.h"

using namespace outflow;
using namespace outflow::agent;
using outflow::test::Messages;

namespace {

void add_link(Messages& messages, std::uint16_t type, int ifindex, const char* name,
              const char* kind, bool peer_elsewhere, unsigned char family = AF_UNSPEC) {
  nlmsghdr* message = messages.begin(type);
  auto* head = static_cast<ifinfomsg*>(mnl_nlmsg_put_extra_header(message, sizeof(ifinfomsg)));
  head->ifi_index = ifindex;
  head->ifi_family = family;
  mnl_attr_put_strz(message, IFLA_IFNAME, name);
  nlattr* info = mnl_attr_nest_start(message, IFLA_LINKINFO);
  mnl_attr_put_str(message, IFLA_INFO_KIND, kind);  // without the ending zero, as kernels do
  mnl_attr_nest_end(message, info);
  if (peer_elsewhere) mnl_attr_put_u32(message, IFLA_LINK_NETNSID, 3);
  messages.end(message);
}

struct RouteParts {
  unsigned char family = AF_INET;
  unsigned char length = 32;
  unsigned char type = RTN_UNICAST;
  const char* destination = "\x0a\xf4\x03\x11";
  std::size_t size = 4;
};

void add_route(Messages& messages, std::uint16_t type, const RouteParts& parts) {
  nlmsghdr* message = messages.begin(type);
  auto* head = static_cast<rtmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(rtmsg)));
  head->rtm_family = parts.family;
  head->rtm_dst_len = parts.length;
  head->rtm_type = parts.type;
  mnl_attr_put(message, RTA_DST, parts.size, parts.destination);
  mnl_attr_put_u32(message, RTA_OIF, 7);
  messages.end(message);
}

struct Read {
  std::vector<NetlinkEvent> events;
  Result<Progress> progress;
};

Read read(std::span<const std::byte> bytes) {
  Read read;
  read.progress =
      read_messages(bytes, [&](const NetlinkEvent& event) { read.events.push_back(event); });
  return read;
}

}  // namespace

TEST_CASE("a link says its kind and where its peer is", "[netlink]") {
  Messages messages;
  add_link(messages, RTM_NEWLINK, 7, "cali814aae5e834", "veth", true);
  add_link(messages, RTM_NEWLINK, 8, "veth0", "veth", false);
  add_link(messages, RTM_NEWLINK, 9, "vxlan.calico", "vxlan", false);
  add_link(messages, RTM_DELLINK, 7, "cali814aae5e834", "veth", true);

  const Read result = read(messages.bytes());

  REQUIRE(result.progress);
  CHECK_FALSE(result.progress->done);
  CHECK(result.events == std::vector<NetlinkEvent>{Link{7, "cali814aae5e834", true, true, 3},
                                                   Link{8, "veth0", true, false},
                                                   Link{9, "vxlan.calico", false, false},
                                                   LinkGone{7}});
}

TEST_CASE("a port that leaves a bridge is not a link that goes", "[netlink]") {
  Messages messages;
  add_link(messages, RTM_DELLINK, 7, "cali1", "veth", true, AF_BRIDGE);

  CHECK(read(messages.bytes()).events.empty());
}

TEST_CASE("host routes tell addresses, other routes do not", "[netlink]") {
  Messages messages;
  add_route(messages, RTM_NEWROUTE, {});
  add_route(messages, RTM_DELROUTE, {});
  add_route(messages, RTM_NEWROUTE,
            {AF_INET6, 128, RTN_UNICAST, "\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x09", 16});
  add_route(messages, RTM_NEWROUTE, {AF_INET, 24, RTN_UNICAST, "\x0a\xf4\x03\0", 4});
  add_route(messages, RTM_NEWROUTE, {AF_INET, 32, RTN_LOCAL, "\x0a\xf4\x03\x01", 4});
  add_route(messages, RTM_NEWROUTE, {AF_INET6, 128, RTN_UNICAST, "\x0a\xf4\x03\x01", 4});

  const Read result = read(messages.bytes());

  CHECK(result.events ==
        std::vector<NetlinkEvent>{HostRoute{7, *net::Address::parse("10.244.3.17"), true},
                                  HostRoute{7, *net::Address::parse("10.244.3.17"), false},
                                  HostRoute{7, *net::Address::parse("fd00::9"), true}});
}

TEST_CASE("the end of a dump, an interruption and an error are told apart", "[netlink]") {
  Messages done;
  done.end(done.begin(NLMSG_DONE));
  CHECK(read(done.bytes()).progress->done);

  Messages interrupted;
  nlmsghdr* message = interrupted.begin(NLMSG_DONE);
  message->nlmsg_flags = NLM_F_DUMP_INTR;
  interrupted.end(message);
  CHECK(read(interrupted.bytes()).progress->interrupted);

  Messages refused;
  message = refused.begin(NLMSG_ERROR);
  static_cast<nlmsgerr*>(mnl_nlmsg_put_extra_header(message, sizeof(nlmsgerr)))->error = -ENODEV;
  refused.end(message);
  const Read result = read(refused.bytes());
  REQUIRE_FALSE(result.progress);
  CHECK(result.progress.error().what.find("No such device") != std::string::npos);

  Messages acknowledged;
  message = acknowledged.begin(NLMSG_ERROR);
  mnl_nlmsg_put_extra_header(message, sizeof(nlmsgerr));
  acknowledged.end(message);
  CHECK(read(acknowledged.bytes()).progress->done);
}

TEST_CASE("messages cut at any byte are an error or fewer events, never more", "[netlink]") {
  Messages messages;
  add_link(messages, RTM_NEWLINK, 7, "cali814aae5e834", "veth", true);
  add_route(messages, RTM_NEWROUTE, {});
  const auto whole = messages.bytes();

  for (std::size_t size = 0; size <= whole.size(); ++size) {
    const std::vector<std::byte> cut(whole.begin(),
                                     whole.begin() + static_cast<std::ptrdiff_t>(size));
    const Read result = read(cut);

    INFO(size);
    CHECK(result.events.size() <= 2);
    if (result.events.size() < 2 && size != 0) {
      // Only a cut at the border of two messages goes unnoticed.
      CHECK((!result.progress || result.events.size() == 1));
    }
  }
}

TEST_CASE("filters of anybody are listed with kind, handle, priority and program", "[netlink]") {
  Messages messages;
  nlmsghdr* message = messages.begin(RTM_NEWTFILTER);
  auto* head = static_cast<tcmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(tcmsg)));
  head->tcm_info = TC_H_MAKE(1U << 16U, 0);  // the head of the list: handle 0
  mnl_attr_put_strz(message, TCA_KIND, "bpf");
  messages.end(message);
  message = messages.begin(RTM_NEWTFILTER);
  head = static_cast<tcmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(tcmsg)));
  head->tcm_handle = 0x0f10;
  head->tcm_info = TC_H_MAKE(1U << 16U, 0);
  mnl_attr_put_strz(message, TCA_KIND, "bpf");
  nlattr* options = mnl_attr_nest_start(message, TCA_OPTIONS);
  mnl_attr_put_strz(message, TCA_BPF_NAME, "from_pod");
  mnl_attr_nest_end(message, options);
  messages.end(message);

  std::vector<FilterFacts> filters;
  const bool more = read_filters(messages.bytes(), filters);

  CHECK(more);
  CHECK(filters == std::vector<FilterFacts>{{"bpf", 0x0f10, 1, "from_pod"}});
}

TEST_CASE("a message that claims more than there is, is an error", "[netlink]") {
  for (const std::uint32_t length : {64U, 0x7fff'ffffU, 0x8000'0000U, 0xffff'fff0U}) {
    Messages messages;
    nlmsghdr* message = messages.begin(RTM_NEWLINK);
    mnl_nlmsg_put_extra_header(message, sizeof(ifinfomsg));
    messages.end(message);
    const auto whole = messages.bytes();
    std::vector<std::byte> bytes(whole.begin(), whole.end());
    std::memcpy(bytes.data(), &length, sizeof length);

    CHECK_FALSE(read(bytes).progress);
  }
}
