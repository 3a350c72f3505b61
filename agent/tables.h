// The pinned maps: what is counted and which interface is called what. The kernel's half of the
// agent's memory; it outlives the process.
//
// One thread at a time writes interfaces (the hooks thread), one reads tuples (the reporter).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bpf/flow.h"
#include "common/fd.h"
#include "common/flow.h"
#include "common/result.h"

namespace outflow::agent {

// How long a peer that spoke first stays the opener of a conversation without ports of its own:
// nf_conntrack_udp_timeout_stream, as long as Calico's conntrack remembers it.
inline constexpr nanoseconds kReplyMemory = std::chrono::seconds(120);

struct NumberedInterface {
  std::uint32_t ifindex = 0;
  std::uint32_t id = 0;    // 1 .. INTERFACE_ID_MAX
  std::uint32_t past = 0;  // INTERFACE_REMEMBERS, ...
  std::string name;
};

class Tables {
 public:
  // The maps pinned in `maps_dir`; every one must be there.
  [[nodiscard]] static Result<Tables> open(const std::string& maps_dir);

  [[nodiscard]] BootId boot() const { return boot_; }
  // Rows the tuple table has room for.
  [[nodiscard]] std::uint32_t flows_max() const;

  // A number no interface had before in this boot, even when the agent dies right after.
  [[nodiscard]] Result<std::uint32_t> allocate_id() const;
  // From the return on, packets of `ifindex` are counted under the id, and its past is heeded.
  [[nodiscard]] Result<void> set_interface(const NumberedInterface& interface) const;
  // Forgets the interface unless its index is another's by now.
  void clear_interface(std::uint32_t ifindex, std::uint32_t id) const;
  [[nodiscard]] Result<std::vector<NumberedInterface>> interfaces() const;

  [[nodiscard]] int flows() const { return flows_.get(); }
  [[nodiscard]] int other_sources() const { return other_sources_.get(); }
  [[nodiscard]] int sources() const { return sources_.get(); }
  [[nodiscard]] int dns() const { return dns_.get(); }
  [[nodiscard]] int dns_counts() const { return dns_counts_.get(); }
  [[nodiscard]] int said() const { return said_.get(); }
  [[nodiscard]] int said_counts() const { return said_counts_.get(); }
  [[nodiscard]] int counts() const { return counts_.get(); }
  [[nodiscard]] int overflow() const { return overflow_.get(); }

 private:
  Fd flows_;
  Fd other_sources_;
  Fd sources_;
  Fd dns_;
  Fd dns_counts_;
  Fd said_;
  Fd said_counts_;
  Fd counts_;
  Fd overflow_;
  Fd interfaces_;
  Fd interface_slots_;
  Fd meta_;
  BootId boot_{};
};

// Makes the one entry of a fresh `meta` map.
[[nodiscard]] Result<void> begin_boot(int meta_map);

}  // namespace outflow::agent
