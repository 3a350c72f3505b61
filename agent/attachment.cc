#include "agent/attachment.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "agent/filter_dump.h"
#include "common/fd.h"

namespace outflow::agent {
namespace {

// linux/bpf.h of 6.6; the build machine's may be older.
constexpr std::uint32_t kTcxIngress = 46;
constexpr std::uint32_t kTcxEgress = 47;
constexpr std::uint32_t kBefore = 1U << 3U;  // without a relative program: the head of the chain
constexpr int kProgramQuery = 16;
constexpr int kLinkCreate = 28;
struct LinkCreate {
  std::uint32_t program;
  std::uint32_t ifindex;
  std::uint32_t attach_type;
  std::uint32_t flags;
  std::uint32_t relative;
  std::uint32_t padding;
  std::uint64_t expected_revision;
};
struct ProgramQuery {
  std::uint32_t ifindex;
  std::uint32_t attach_type;
  std::uint32_t query_flags;
  std::uint32_t attach_flags;
  std::uint64_t program_ids;  // room for `count` of them, in the order they run
  std::uint32_t count;
  std::uint32_t padding;
  std::uint64_t room[4];
};
struct TcxLinkInfo {
  std::uint32_t type;
  std::uint32_t id;
  std::uint32_t program_id;
  std::uint32_t padding;
  std::uint32_t ifindex;  // 0 once the link is detached or its interface gone
  std::uint32_t attach_type;
  std::uint64_t room[8];  // later kernels may say more
};

// Ours among the filters of an interface. Priority 1 runs first; another classifier that holds the
// priority with a kind of its own makes us take the next.
constexpr std::uint32_t kFilterHandle = 0x0f10;
constexpr std::array<std::uint32_t, 3> kFilterPriorities{1, 2, 3};

std::uint32_t tcx_type(Direction direction) {
  return direction == Direction::FromPod ? kTcxIngress : kTcxEgress;
}

bpf_tc_attach_point tc_point(Direction direction) {
  return direction == Direction::FromPod ? BPF_TC_INGRESS : BPF_TC_EGRESS;
}

const char* name_of(Direction direction) {
  return direction == Direction::FromPod ? "from_pod" : "to_pod";
}

// The fd of a new link, or -1 with errno.
int create_tcx(int program, std::uint32_t ifindex, Direction direction) {
  LinkCreate create{};
  create.program = static_cast<std::uint32_t>(program);
  create.ifindex = ifindex;
  create.attach_type = tcx_type(direction);
  create.flags = kBefore;
  return static_cast<int>(syscall(__NR_bpf, kLinkCreate, &create, sizeof create));
}

std::string pin_path(const HookPlan& plan, HookPoint point, Direction direction) {
  return plan.links_dir + "/" + pin_name(point.id, direction);
}

// The pinned link while it is on the interface, else an invalid Fd.
Fd live_link(const HookPlan& plan, HookPoint point, Direction direction) {
  Fd link(bpf_obj_get(pin_path(plan, point, direction).c_str()));
  if (!link.valid()) return Fd();
  TcxLinkInfo info{};
  std::uint32_t size = sizeof info;
  if (bpf_obj_get_info_by_fd(link.get(), &info, &size) != 0) return Fd();
  if (info.ifindex != point.ifindex || info.attach_type != tcx_type(direction)) return Fd();
  return link;
}

Result<void> attach_tcx(const HookPlan& plan, HookPoint point, Direction direction) {
  if (const Fd link = live_link(plan, point, direction); link.valid()) {
    const int error = bpf_link_update(link.get(), plan.program(direction), nullptr);
    if (error == 0) return {};
    return fail(fmt::format("tcx {}: update: {}", name_of(direction), errno_text(error)));
  }
  const std::string path = pin_path(plan, point, direction);
  unlink(path.c_str());
  const Fd link(create_tcx(plan.program(direction), point.ifindex, direction));
  if (!link.valid()) {
    return fail(fmt::format("tcx {}: {}", name_of(direction), errno_text(errno)));
  }
  // An agent that dies before this line takes the link with it, and the next one starts clean.
  if (const int error = bpf_obj_pin(link.get(), path.c_str()); error != 0) {
    return fail(fmt::format("tcx {}: pin {}: {}", name_of(direction), path, errno_text(error)));
  }
  return {};
}

bpf_tc_hook tc_hook(std::uint32_t ifindex, Direction direction) {
  bpf_tc_hook hook{};
  hook.sz = sizeof hook;
  hook.ifindex = static_cast<int>(ifindex);
  hook.attach_point = tc_point(direction);
  return hook;
}

bpf_tc_opts tc_options(std::uint32_t priority) {
  bpf_tc_opts options{};
  options.sz = sizeof options;
  options.handle = kFilterHandle;
  options.priority = priority;
  return options;
}

// libbpf names a filter by its program's name and id: "from_pod:[17]".
bool is_ours(const FilterFacts& filter, Direction direction) {
  return filter.kind == "bpf" && filter.handle == kFilterHandle &&
         filter.program.starts_with(fmt::format("{}:[", name_of(direction)));
}

// The priority of our filter, or 0. By its name and handle: a program's own id would take
// CAP_SYS_ADMIN to look up.
Result<std::uint32_t> our_priority(std::uint32_t ifindex, Direction direction) {
  const auto filters = filters_on(ifindex, direction == Direction::FromPod);
  if (!filters) return fail(Error(filters.error()));
  for (const FilterFacts& filter : *filters) {
    if (is_ours(filter, direction)) return filter.priority;
  }
  return 0;
}

void detach_filter(std::uint32_t ifindex, Direction direction, std::uint32_t priority) {
  const bpf_tc_hook hook = tc_hook(ifindex, direction);
  const bpf_tc_opts options = tc_options(priority);
  bpf_tc_detach(&hook, &options);
}

Result<void> attach_clsact(const HookPlan& plan, HookPoint point, Direction direction) {
  const bpf_tc_hook hook = tc_hook(point.ifindex, direction);
  const auto ours = our_priority(point.ifindex, direction);
  if (!ours) return fail(Error(ours.error()));
  const std::uint32_t present = *ours;
  int error = -ENOENT;
  for (const std::uint32_t priority : kFilterPriorities) {
    if (present != 0 && present != priority) continue;
    bpf_tc_opts options = tc_options(priority);
    options.prog_fd = plan.program(direction);
    options.flags = present != 0 ? BPF_TC_F_REPLACE : 0;
    error = bpf_tc_attach(&hook, &options);
    if (error == 0) return {};
    if (error != -EINVAL && error != -EEXIST) break;
  }
  return fail(fmt::format("clsact {}: {}", name_of(direction), errno_text(error)));
}

}  // namespace

bool kernel_has_tcx(int program) {
  // No interface has this index: a kernel with tcx looks for it, one without refuses the type.
  const Fd link(create_tcx(program, 0x7fff'fffe, Direction::FromPod));
  return link.valid() || errno == ENODEV;
}

bool hook_alive(const HookPlan& plan, HookPoint point, HookKind kind, Direction direction) {
  if (kind == HookKind::Tcx) return live_link(plan, point, direction).valid();
  const auto priority = our_priority(point.ifindex, direction);
  return !priority || *priority != 0;
}

bool hook_displaced(const HookPlan& plan, HookPoint point, Direction direction) {
  if (plan.kind == HookKind::Clsact) {
    const auto filters = filters_on(point.ifindex, direction == Direction::FromPod);
    return filters && !filters->empty() && !is_ours(filters->front(), direction);
  }
  bpf_prog_info own{};
  std::uint32_t size = sizeof own;
  if (bpf_obj_get_info_by_fd(plan.program(direction), &own, &size) != 0) return false;
  std::array<std::uint32_t, 64> ids{};  // BPF_MPROG_MAX
  ProgramQuery query{};
  query.ifindex = point.ifindex;
  query.attach_type = tcx_type(direction);
  query.program_ids = reinterpret_cast<std::uintptr_t>(ids.data());
  query.count = ids.size();
  if (syscall(__NR_bpf, kProgramQuery, &query, sizeof query) != 0) return false;
  return query.count > 0 && ids[0] != own.id;
}

Result<void> attach_hook(const HookPlan& plan, HookPoint point, Direction direction) {
  return plan.kind == HookKind::Tcx ? attach_tcx(plan, point, direction)
                                    : attach_clsact(plan, point, direction);
}

void remove_hook(const HookPlan& plan, HookPoint point, HookKind kind, Direction direction) {
  if (kind == HookKind::Tcx) {
    // Dropping the last reference detaches too, but some time later; detaching is done on return.
    if (const Fd link = live_link(plan, point, direction); link.valid()) {
      bpf_link_detach(link.get());
    }
    unlink(pin_path(plan, point, direction).c_str());
    return;
  }
  const auto priority = our_priority(point.ifindex, direction);
  if (priority && *priority != 0) detach_filter(point.ifindex, direction, *priority);
}

Result<bool> ensure_clsact(std::uint32_t ifindex) {
  bpf_tc_hook hook = tc_hook(ifindex, Direction::FromPod);
  const int error = bpf_tc_hook_create(&hook);
  if (error == 0) return true;
  if (error == -EEXIST) return false;
  return fail("clsact qdisc: " + errno_text(error));
}

void remove_clsact_if_empty(std::uint32_t ifindex) {
  for (const bool ingress : {true, false}) {
    const auto filters = filters_on(ifindex, ingress);
    if (!filters || !filters->empty()) return;
  }
  bpf_tc_hook hook = tc_hook(ifindex, Direction::FromPod);
  hook.attach_point = static_cast<bpf_tc_attach_point>(BPF_TC_INGRESS | BPF_TC_EGRESS);
  bpf_tc_hook_destroy(&hook);
}

bool remove_stray_filters(std::uint32_t ifindex) {
  bool found = false;
  for (const Direction direction : kDirections) {
    const auto priority = our_priority(ifindex, direction);
    if (!priority || *priority == 0) continue;
    detach_filter(ifindex, direction, *priority);
    found = true;
  }
  return found;
}

std::string pin_name(std::uint32_t id, Direction direction) {
  return fmt::format("{}_{}", id, name_of(direction));
}

std::uint32_t id_of_pin(const std::string& name) {
  std::uint32_t id = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), id);
  if (error != std::errc()) return 0;
  const std::string_view rest(end, static_cast<std::size_t>(name.data() + name.size() - end));
  return rest == "_from_pod" || rest == "_to_pod" ? id : 0;
}

}  // namespace outflow::agent
