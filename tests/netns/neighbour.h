// Somebody else's BPF program on a pod's interface, by tcx or clsact, before or after others.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "common/fd.h"
#include "tests/support/netns.h"

struct neighbour_bpf;

namespace outflow::test {

class Neighbour {
 public:
  // `program`: watches, accepts, drops or redirects (to an interface of the node).
  explicit Neighbour(const std::string& program, std::uint32_t redirect_to = 0);
  ~Neighbour();
  Neighbour(const Neighbour&) = delete;
  Neighbour& operator=(const Neighbour&) = delete;

  // On what the pod sends. By tcx until this object goes.
  void attach_tcx(const Node& node, const std::string& interface, bool at_head);
  // By clsact with this priority, for as long as the qdisc lives; made unless it is there.
  void attach_clsact(const Node& node, const std::string& interface, std::uint32_t priority);

  [[nodiscard]] std::uint64_t shown() const;  // UDP packets

 private:
  neighbour_bpf* object_;
  int program_ = -1;
  Fd link_;
};

}  // namespace outflow::test
