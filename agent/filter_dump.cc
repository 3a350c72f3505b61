#include "agent/filter_dump.h"

#include <libmnl/libmnl.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "agent/netlink_bytes.h"
#include "common/fd.h"

namespace outflow::agent {
namespace {

// The program of a filter, out of its options; "" when they do not name one.
std::string program_of(const char* options, std::size_t size) {
  std::string name;
  const auto* option = reinterpret_cast<const nlattr*>(options);
  for (; attribute_ok(option, options + size); option = mnl_attr_next(option)) {
    if (mnl_attr_get_type(option) == TCA_BPF_NAME) {
      const auto* text = static_cast<const char*>(mnl_attr_get_payload(option));
      name.assign(text, strnlen(text, mnl_attr_get_payload_len(option)));
    }
  }
  return name;
}

void read_filter(const nlmsghdr* message, std::vector<FilterFacts>& filters) {
  const auto* head = static_cast<const tcmsg*>(mnl_nlmsg_get_payload(message));
  FilterFacts filter;
  filter.handle = head->tcm_handle;
  filter.priority = TC_H_MAJ(head->tcm_info) >> 16U;
  if (filter.handle == 0) return;  // the head of a list of filters, not one of them
  const auto* attribute =
      static_cast<const nlattr*>(mnl_nlmsg_get_payload_offset(message, sizeof *head));
  for (; attribute_ok(attribute, end_of(message)); attribute = mnl_attr_next(attribute)) {
    const auto* payload = static_cast<const char*>(mnl_attr_get_payload(attribute));
    const std::size_t size = mnl_attr_get_payload_len(attribute);
    if (mnl_attr_get_type(attribute) == TCA_KIND) {
      filter.kind.assign(payload, strnlen(payload, size));
    } else if (mnl_attr_get_type(attribute) == TCA_OPTIONS) {
      filter.program = program_of(payload, size);
    }
  }
  filters.push_back(std::move(filter));
}

}  // namespace

bool read_filters(std::span<const std::byte> bytes, std::vector<FilterFacts>& filters) {
  auto left = static_cast<int>(bytes.size());
  const auto* message = reinterpret_cast<const nlmsghdr*>(bytes.data());
  for (; message_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
    if (message->nlmsg_type == NLMSG_DONE || message->nlmsg_type == NLMSG_ERROR) return false;
    if (message->nlmsg_type == RTM_NEWTFILTER &&
        mnl_nlmsg_get_payload_len(message) >= sizeof(tcmsg)) {
      read_filter(message, filters);
    }
  }
  return true;
}

Result<std::vector<FilterFacts>> filters_on(std::uint32_t ifindex, bool ingress) {
  const Fd fd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (!fd.valid()) return fail("list filters: socket: " + errno_text(errno));
  std::array<std::byte, 64> bytes{};
  nlmsghdr* request = mnl_nlmsg_put_header(bytes.data());
  request->nlmsg_type = RTM_GETTFILTER;
  request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  auto* head = static_cast<tcmsg*>(mnl_nlmsg_put_extra_header(request, sizeof(tcmsg)));
  head->tcm_ifindex = static_cast<int>(ifindex);
  const std::uint32_t side = ingress ? TC_H_MIN_INGRESS : TC_H_MIN_EGRESS;
  head->tcm_parent = TC_H_MAKE(TC_H_CLSACT, side);
  std::vector<FilterFacts> filters;
  if (send(fd.get(), bytes.data(), request->nlmsg_len, 0) < 0) {
    return fail("list filters: " + errno_text(errno));
  }
  std::vector<std::byte> buffer(32'768);
  while (true) {
    const ssize_t size = recv(fd.get(), buffer.data(), buffer.size(), 0);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return fail("list filters: " + errno_text(errno));
    if (!read_filters({buffer.data(), static_cast<std::size_t>(size)}, filters)) return filters;
  }
}

}  // namespace outflow::agent
