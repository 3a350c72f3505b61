// The two hooks on one interface: tcx links pinned by the interface's id, or clsact filters of our
// own handle and priority. What others attached is never touched.
//
// The agent's programs return -1 (TC_ACT_UNSPEC, TCX_NEXT), so whoever comes after us still
// decides.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "common/result.h"

namespace outflow::agent {

enum class HookKind { Tcx, Clsact };

// Seen from the pod. What leaves the pod enters the host at the veth: FromPod is TC *ingress*, and
// attachment.cc is the only place that says so.
enum class Direction { FromPod, ToPod };
// To the pod first: an answer must not come back unseen to a packet that was seen.
inline constexpr std::array<Direction, 2> kDirections{Direction::ToPod, Direction::FromPod};

// What hooks are made of; valid for the life of the Probe.
struct HookPlan {
  HookKind kind = HookKind::Tcx;
  std::string links_dir;  // on a bpffs; the pins of tcx links
  int from_pod = -1;      // program fds
  int to_pod = -1;

  [[nodiscard]] int program(Direction direction) const {
    return direction == Direction::FromPod ? from_pod : to_pod;
  }
};

// True when the kernel knows tcx (6.6); `program` is any loaded TC program.
[[nodiscard]] bool kernel_has_tcx(int program);

// Which interface, and the id its pins are named by.
struct HookPoint {
  std::uint32_t ifindex = 0;
  std::uint32_t id = 0;
};

// True while a hook of ours of this kind and direction is on the interface, or the kernel could not
// be asked: the proof that it is still the interface the id was given to.
[[nodiscard]] bool hook_alive(const HookPlan& plan, HookPoint point, HookKind kind,
                              Direction direction);

// Whether some other program runs ahead of the hook, which then sees only what that one passes on.
[[nodiscard]] bool hook_displaced(const HookPlan& plan, HookPoint point, Direction direction);
// Attaches one hook, or gives the one already there the plan's program.
[[nodiscard]] Result<void> attach_hook(const HookPlan& plan, HookPoint point, Direction direction);

// Removes a hook of ours, whether its interface still exists or not. Nothing there is no error.
void remove_hook(const HookPlan& plan, HookPoint point, HookKind kind, Direction direction);

// True when the clsact qdisc was not there before.
[[nodiscard]] Result<bool> ensure_clsact(std::uint32_t ifindex);
// Removes the clsact qdisc when no filter of anybody is on it.
void remove_clsact_if_empty(std::uint32_t ifindex);
// Removes filters of ours left on the interface by any agent, told by handle, priority and the name
// of their program. True when there was one.
bool remove_stray_filters(std::uint32_t ifindex);

// "<id>_from_pod"; the id of such a name, or 0.
[[nodiscard]] std::string pin_name(std::uint32_t id, Direction direction);
[[nodiscard]] std::uint32_t id_of_pin(const std::string& name);

}  // namespace outflow::agent
