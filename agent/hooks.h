// Wanted interfaces against hooked ones: hooks what comes, lets go what leaves, repairs what
// somebody removed. For one thread, the watching one.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agent/attachment.h"
#include "agent/facts.h"
#include "agent/netlink.h"
#include "agent/registry.h"
#include "agent/tables.h"

namespace outflow::agent {

// Later than this behind its first sight, an interface may have had traffic before its hook.
inline constexpr nanoseconds kYoungFor = std::chrono::seconds(1);
// How long an interface older than its hook infers: longer than the two hours after which a
// connection that keeps itself alive says something (tcp_keepalive_time, and its 9 probes 75 s
// apart, tcp(7)). Who is silent for longer is met as `tcp_unopened`.
inline constexpr nanoseconds kInferFor = std::chrono::minutes(135);

// An interface older than its hook, with what tells whose older conversations are its own.
struct OldInterface {
  std::uint32_t id = 0;
  std::int32_t peer_nsid = -1;  // Link::peer_nsid
  std::vector<net::Address> addresses;
  SteadyTime hooked_at{};
};

class Hooks {
 public:
  // Hooks of interfaces that still live are taken over with their numbers, of either kind.
  // `clsact_dir` (on the bpffs) has a folder for every clsact qdisc that is ours.
  Hooks(std::vector<std::string> patterns, HookPlan plan, std::string clsact_dir,
        const Tables& tables, Registry& registry);

  // `arrived`: no later than the event did.
  void handle(const NetlinkEvent& event, SteadyTime arrived);
  // Around a full dump: interfaces the dump did not name are gone, those it names first are old.
  void begin_resync();
  void end_resync();
  // The dump failed: what is known stays.
  void abort_resync();
  // Every second: hooks that failed are tried again, hooks that vanished are put back.
  void repair();
  // Pod-like interfaces whose peer is not in another namespace yet. The kernel sends no event when
  // it moves there, so whoever runs us asks again for these.
  [[nodiscard]] std::vector<std::uint32_t> waiting() const;

  // Those nobody looked up in older tables yet, and what to say when that is done: from then on the
  // interface infers, and takes datagrams for inferred, too, where no table `told`.
  [[nodiscard]] std::vector<OldInterface> unseeded() const;
  void seeded(std::uint32_t id, bool told);
  // From the events' arrival to the hooks being on, since the last call.
  [[nodiscard]] std::vector<nanoseconds> take_latencies() { return std::exchange(latencies_, {}); }

  [[nodiscard]] HookSight sight() const;
  [[nodiscard]] std::uint64_t repaired() const { return repaired_; }
  [[nodiscard]] std::uint64_t failed() const { return failed_; }

 private:
  struct Known {
    Link link;
    std::set<net::Address> routes;
    std::set<net::Address> dumped_routes;  // those of the resync that is running
    std::uint32_t id = 0;                  // 0: not hooked
    int failures = 0;
    std::string failure;  // why the last try failed
    int moves = 0;        // back to the head of the chain
    bool seen = true;     // by the resync that is running
    bool old = false;     // it was there before we listened
    bool unseeded = false;
    std::uint32_t past = 0;  // INTERFACE_ bits the kernel heeds
    SteadyTime seen_at{};
    SteadyTime hooked_at{};
  };

  [[nodiscard]] bool wanted(const Link& link) const;
  [[nodiscard]] HookPoint point(const Known& known) const { return {known.link.ifindex, known.id}; }
  [[nodiscard]] std::size_t hooks_in_place(const Known& known) const;
  [[nodiscard]] bool in_place(const Known& known) const {
    return hooks_in_place(known) == kDirections.size();
  }
  void update(const Link& link);
  void gone(std::uint32_t ifindex);
  void route(const HostRoute& found);
  void hook(Known& known);
  void put_back(Known& known);
  void put_ahead(Known& known);
  void hook_failed(Known& known, const std::string& why);
  [[nodiscard]] Result<void> hook_new(Known& known);
  [[nodiscard]] Result<void> attach(const Known& known);
  [[nodiscard]] bool take_over(Known& known);
  void unhook(Known& known);
  void remove_both(HookPoint point, HookKind kind) const;
  void seen_in_part(Known& known);
  [[nodiscard]] bool set_past(Known& known, std::uint32_t past);
  void forget_past(Known& known);
  void publish_routes(const Known& known);
  void forget_strangers();

  const std::vector<std::string> patterns_;
  const HookPlan plan_;
  const std::string clsact_dir_;
  const Tables& tables_;
  Registry& registry_;
  std::map<std::uint32_t, Known> known_;                 // by ifindex
  std::map<std::uint32_t, NumberedInterface> numbered_;  // by an agent before this one
  bool resyncing_ = false;
  std::uint32_t repairs_ = 0;
  SteadyTime now_{};  // of the event or the repair that is handled
  std::vector<nanoseconds> latencies_;
  std::uint64_t repaired_ = 0;
  std::uint64_t failed_ = 0;
};

}  // namespace outflow::agent
