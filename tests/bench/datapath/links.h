// Programs on the hooks of real interfaces, as the agent puts them there: tcx, at the head.
#pragma once

#include <cstdint>
#include <vector>

#include "common/fd.h"
#include "tests/support/netns.h"

namespace outflow::bench {

struct Hook {
  std::uint32_t ifindex = 0;
  bool to_pod = false;  // tc egress; else ingress
  int program = -1;
};

// Goes off its interface with this object, at once.
class Link {
 public:
  explicit Link(Fd fd) : fd_(std::move(fd)) {}
  Link(Link&&) = default;
  Link& operator=(Link&&) = default;
  ~Link();

 private:
  Fd fd_;
};

// Whether this kernel can; 6.6 and later.
[[nodiscard]] bool has_tcx();
[[nodiscard]] std::vector<Link> attach(const test::Namespace& space,
                                       const std::vector<Hook>& hooks);

}  // namespace outflow::bench
