#include "agent/hooks.h"

#include <bpf/bpf.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>

#include <fmt/format.h>

#include "agent/bpffs.h"
#include "agent/pattern.h"
#include "common/log.h"

namespace outflow::agent {
namespace {

template <class... Visitors>
struct Overloaded : Visitors... {
  using Visitors::operator()...;
};
template <class... Visitors>
Overloaded(Visitors...) -> Overloaded<Visitors...>;

// Times an interface's hooks go back to the head of the chain; then somebody else insists on it.
constexpr int kMovesMax = 3;

// Until the older tables are read, an interface remembers who opens, and takes nothing for granted.
constexpr std::uint32_t kUnseeded = INTERFACE_REMEMBERS | INTERFACE_UNTOLD;
// Whether somebody came ahead is asked of every interface once in so many seconds.
constexpr std::uint32_t kAheadEvery = 10;

std::string mark(const std::string& directory, std::uint32_t ifindex) {
  return directory + "/" + std::to_string(ifindex);
}

}  // namespace

Hooks::Hooks(std::vector<std::string> patterns, HookPlan plan, std::string clsact_dir,
             const Tables& tables, Registry& registry)
    : patterns_(std::move(patterns)),
      plan_(std::move(plan)),
      clsact_dir_(std::move(clsact_dir)),
      tables_(tables),
      registry_(registry) {
  const auto numbered = tables.interfaces();
  if (!numbered) {
    log::warn("interfaces hooked before are numbered anew", {{"error", numbered.error().what}});
    return;
  }
  for (const NumberedInterface& entry : *numbered) numbered_[entry.ifindex] = entry;
}

bool Hooks::wanted(const Link& link) const {
  return link.veth && link.peer_elsewhere && matches_any(patterns_, link.name);
}

std::vector<std::uint32_t> Hooks::waiting() const {
  std::vector<std::uint32_t> indexes;
  for (const auto& [ifindex, known] : known_) {
    const Link& link = known.link;
    if (link.veth && !link.peer_elsewhere && matches_any(patterns_, link.name)) {
      indexes.push_back(ifindex);
    }
  }
  return indexes;
}

void Hooks::handle(const NetlinkEvent& event, SteadyTime arrived) {
  now_ = arrived;
  std::visit(
      Overloaded{[this](const Link& link) { update(link); },
                 [this](const LinkGone& link) { gone(link.ifindex); },
                 [this](const HostRoute& found) { route(found); },
                 [this](const TrafficControlGone& hint) {
                   const auto known = known_.find(hint.ifindex);
                   if (known != known_.end() && known->second.id != 0 && !in_place(known->second)) {
                     put_back(known->second);
                   }
                 }},
      event);
}

void Hooks::begin_resync() {
  resyncing_ = true;
  for (auto& [ifindex, known] : known_) {
    known.seen = false;
    known.dumped_routes.clear();
  }
}

void Hooks::abort_resync() {
  for (auto& [ifindex, known] : known_) known.seen = true;
  resyncing_ = false;
}

void Hooks::end_resync() {
  std::vector<std::uint32_t> missing;
  for (const auto& [ifindex, known] : known_) {
    if (!known.seen) missing.push_back(ifindex);
  }
  for (const std::uint32_t ifindex : missing) gone(ifindex);
  forget_strangers();
  for (auto& [ifindex, known] : known_) {
    known.routes = known.dumped_routes;
    publish_routes(known);
  }
  resyncing_ = false;
}

// Interfaces an agent before us hooked, that went while nobody looked.
void Hooks::forget_strangers() {
  for (const auto& [ifindex, entry] : numbered_) {
    // Its name is in the registry, too, unless that agent ended before it wrote it down.
    registry_.hooked(entry.id, entry.name);
    registry_.departed(entry.id);
    for (const HookKind kind : {HookKind::Tcx, HookKind::Clsact}) {
      remove_both({ifindex, entry.id}, kind);
    }
    tables_.clear_interface(ifindex, entry.id);
  }
  numbered_.clear();
  for (const std::string& name : names_in(clsact_dir_)) {
    std::uint32_t ifindex = 0;
    std::from_chars(name.data(), name.data() + name.size(), ifindex);
    if (!known_.contains(ifindex)) ::rmdir(fmt::format("{}/{}", clsact_dir_, name).c_str());
  }
}

void Hooks::update(const Link& link) {
  const auto [position, fresh] = known_.try_emplace(link.ifindex);
  Known& known = position->second;
  if (fresh) {
    known.seen_at = now_;
    known.old = resyncing_;
  }
  // It counts from when it could be hooked: a peer may move to its pod long after it was made.
  if (!fresh && !wanted(known.link) && wanted(link)) known.seen_at = now_;
  const bool renamed = known.id != 0 && known.link.name != link.name;
  known.link = link;
  known.seen = true;
  if (!wanted(link)) {
    if (known.id != 0) unhook(known);
    return;
  }
  if (renamed) registry_.hooked(known.id, link.name);
  if (known.id != 0) return;
  hook(known);
  if (known.id != 0 && !resyncing_) latencies_.push_back(std::chrono::steady_clock::now() - now_);
}

void Hooks::gone(std::uint32_t ifindex) {
  const auto known = known_.find(ifindex);
  if (known == known_.end()) return;
  if (known->second.id != 0) unhook(known->second);
  ::rmdir(mark(clsact_dir_, ifindex).c_str());
  known_.erase(known);
}

void Hooks::route(const HostRoute& found) {
  const auto known = known_.find(found.ifindex);
  if (known == known_.end()) return;
  if (found.added) {
    known->second.routes.insert(found.address);
    known->second.dumped_routes.insert(found.address);
  } else {
    known->second.routes.erase(found.address);
  }
  publish_routes(known->second);
}

void Hooks::publish_routes(const Known& known) {
  if (known.id != 0) registry_.routed(known.id, {known.routes.begin(), known.routes.end()});
}

void Hooks::hook(Known& known) {
  if (auto hooked = hook_new(known); !hooked) {
    hook_failed(known, hooked.error().what);
    return;
  }
  known.failures = 0;
  log::info("hooked", {{"interface", known.link.name}, {"id", std::to_string(known.id)}});
}

// The first failure may only mean that the interface is gone and its event still on the way.
void Hooks::hook_failed(Known& known, const std::string& why) {
  ++failed_;
  known.failure = why;
  if (++known.failures != 2) return;
  log::warn("cannot hook an interface, trying again every second",
            {{"interface", known.link.name}, {"error", why}});
}

// Somebody removed a hook. One that is left proves that this is still the same interface; with none
// it may be another pod's by now, and gets a number of its own.
void Hooks::put_back(Known& known) {
  if (hooks_in_place(known) == 0) unhook(known);
  if (auto again = known.id != 0 ? attach(known) : hook_new(known); !again) {
    hook_failed(known, again.error().what);
    return;
  }
  known.failures = 0;
  ++repaired_;
  seen_in_part(known);
  registry_.count_loss("hook_removed");
  log::warn("somebody removed our hook, it is back; packets in between were not seen",
            {{"interface", known.link.name}, {"id", std::to_string(known.id)}});
}

// Somebody came ahead of us. What that program keeps to itself we would never see, so we go to the
// head again; whom that does not convince stays there, and every second of it is told.
void Hooks::put_ahead(Known& known) {
  bool displaced = false;
  for (const Direction direction : kDirections) {
    displaced = displaced || hook_displaced(plan_, point(known), direction);
  }
  if (!displaced) return;
  registry_.count_loss("hook_displaced");
  if (known.moves == kMovesMax) return;
  ++known.moves;
  remove_both(point(known), plan_.kind);
  if (auto again = attach(known); !again) {
    hook_failed(known, again.error().what);
    return;
  }
  ++repaired_;
  seen_in_part(known);
  log::warn("a program came ahead of ours, which is at the head of the chain again",
            {{"interface", known.link.name}, {"times", std::to_string(known.moves)}});
}

Result<void> Hooks::hook_new(Known& known) {
  if (!take_over(known)) {
    auto id = tables_.allocate_id();
    if (!id) return fail(std::move(id).error());
    const bool late = std::chrono::steady_clock::now() - known.seen_at > kYoungFor;
    known.unseeded = known.old || late;
    known.past = known.unseeded ? kUnseeded : 0;
    if (late && !known.old) registry_.count_loss("hook_late");
    known.old = known.unseeded;  // told once, however often the hooks fail
    // Known before the hook is on, so that its first packet has a number, and the number a name.
    if (auto set = tables_.set_interface({known.link.ifindex, *id, known.past, known.link.name});
        !set) {
      return set;
    }
    known.id = *id;
  }
  known.hooked_at = now_;
  registry_.hooked(known.id, known.link.name);
  publish_routes(known);
  if (auto attached = attach(known); !attached) {
    unhook(known);
    return attached;
  }
  return {};
}

// A live hook of ours proves that this is still the interface the number was given to.
bool Hooks::take_over(Known& known) {
  const auto numbered = numbered_.extract(known.link.ifindex);
  if (numbered.empty()) return false;
  const HookPoint before{known.link.ifindex, numbered.mapped().id};
  for (const HookKind kind : {HookKind::Tcx, HookKind::Clsact}) {
    if (!hook_alive(plan_, before, kind, Direction::FromPod)) continue;
    if (kind != plan_.kind) {
      remove_both(before, kind);
      registry_.count_loss("hook_removed");
    }
    known.id = before.id;
    known.past = numbered.mapped().past;
    // An agent that ended before it had looked them up.
    known.unseeded = known.past != 0 && (known.past & INTERFACE_INFERS) == 0;
    return true;
  }
  remove_both(before, HookKind::Tcx);
  tables_.clear_interface(before.ifindex, before.id);
  return false;
}

Result<void> Hooks::attach(const Known& known) {
  if (plan_.kind == HookKind::Clsact) {
    const auto made = ensure_clsact(known.link.ifindex);
    if (!made) return fail(Error(made.error()));
    if (*made) ::mkdir(mark(clsact_dir_, known.link.ifindex).c_str(), 0700);
    // With none of our filters on it, a qdisc that is there is not the one we made.
    if (!*made && hooks_in_place(known) == 0) {
      ::rmdir(mark(clsact_dir_, known.link.ifindex).c_str());
    }
  }
  for (const Direction direction : kDirections) {
    if (auto attached = attach_hook(plan_, point(known), direction); !attached) return attached;
  }
  return {};
}

std::size_t Hooks::hooks_in_place(const Known& known) const {
  std::size_t alive = 0;
  for (const Direction direction : kDirections) {
    if (hook_alive(plan_, point(known), plan_.kind, direction)) ++alive;
  }
  return alive;
}

// What goes on first comes off last: a pod whose packets are recorded is never deaf to answers.
void Hooks::remove_both(HookPoint point, HookKind kind) const {
  for (auto direction = kDirections.rbegin(); direction != kDirections.rend(); ++direction) {
    remove_hook(plan_, point, kind, *direction);
  }
}

// Connections may have been opened while a hook was off: as on an interface older than its hook.
void Hooks::seen_in_part(Known& known) {
  known.hooked_at = now_;
  known.unseeded = set_past(known, kUnseeded);
}

void Hooks::unhook(Known& known) {
  remove_both(point(known), plan_.kind);
  tables_.clear_interface(known.link.ifindex, known.id);
  registry_.departed(known.id);
  log::info("unhooked", {{"interface", known.link.name}, {"id", std::to_string(known.id)}});
  known.id = 0;
  known.unseeded = false;
  known.past = 0;
}

bool Hooks::set_past(Known& known, std::uint32_t past) {
  if (auto set = tables_.set_interface({known.link.ifindex, known.id, past, known.link.name});
      !set) {
    log::warn("cannot tell the kernel of an interface's past",
              {{"interface", known.link.name}, {"error", set.error().what}});
    return false;
  }
  known.past = past;
  return true;
}

void Hooks::forget_past(Known& known) {
  const nanoseconds since = now_ - known.hooked_at;
  const std::uint32_t untold = since > kReplyMemory ? INTERFACE_UNTOLD : 0;
  const std::uint32_t past = since > kInferFor ? 0 : known.past & ~untold;
  if (past != known.past) static_cast<void>(set_past(known, past));
}

std::vector<OldInterface> Hooks::unseeded() const {
  std::vector<OldInterface> found;
  for (const auto& [ifindex, known] : known_) {
    if (!known.unseeded) continue;
    found.push_back({known.id,
                     known.link.peer_nsid,
                     {known.routes.begin(), known.routes.end()},
                     known.hooked_at});
  }
  return found;
}

void Hooks::seeded(std::uint32_t id, bool told) {
  for (auto& [ifindex, known] : known_) {
    if (known.id != id || !known.unseeded) continue;
    const std::uint32_t untold = told ? 0 : INTERFACE_UNTOLD;
    known.unseeded = !set_past(known, INTERFACE_REMEMBERS | INTERFACE_INFERS | untold);
  }
}

HookSight Hooks::sight() const {
  HookSight sight;
  for (const auto& [ifindex, known] : known_) {
    if (!wanted(known.link)) continue;
    ++sight.seen;
    if (known.failures == 0) {
      sight.hooked += known.id != 0 ? 1 : 0;
      continue;
    }
    ++sight.failed;
    if (sight.failures.size() < kHookFailuresMax) {
      sight.failures.push_back({known.link.name, known.failure});
    }
  }
  return sight;
}

void Hooks::repair() {
  now_ = std::chrono::steady_clock::now();
  ++repairs_;
  for (auto& [ifindex, known] : known_) {
    if (!wanted(known.link)) continue;
    if (known.past != 0 && !known.unseeded) forget_past(known);
    if (known.id == 0) {
      hook(known);
    } else if (!in_place(known)) {
      put_back(known);
    } else if (ifindex % kAheadEvery == repairs_ % kAheadEvery) {
      put_ahead(known);
    }
  }
}

}  // namespace outflow::agent
