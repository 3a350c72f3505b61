#include "agent/boot.h"

#include <bpf/bpf.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

#include <fmt/format.h>

#include "agent/agent.h"
#include "agent/attachment.h"
#include "agent/bpffs.h"
#include "agent/files.h"
#include "agent/reporter.h"
#include "common/log.h"

namespace outflow::agent {
namespace {

// Every hook an agent left on this node, of either kind. Without tables only pins and marks tell.
void remove_hooks(const Places& places) {
  const auto tables = Tables::open(places.maps);
  for (const std::string& name : names_in(places.links)) {
    const std::string path = fmt::format("{}/{}", places.links, name);
    if (const Fd link(bpf_obj_get(path.c_str())); link.valid()) bpf_link_detach(link.get());
    ::unlink(path.c_str());
  }
  if (tables) {
    if (const auto numbered = tables->interfaces()) {
      for (const NumberedInterface& entry : *numbered) remove_stray_filters(entry.ifindex);
    }
  }
  for (const std::string& name : names_in(places.clsact)) {
    std::uint32_t ifindex = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), ifindex);
    if (error == std::errc() && end == name.data() + name.size()) {
      remove_stray_filters(ifindex);
      remove_clsact_if_empty(ifindex);
    }
    ::rmdir(fmt::format("{}/{}", places.clsact, name).c_str());
  }
}

// The pinned tables have a state that says what of them has been handed on.
bool known_to_state(const Places& places) {
  const auto state = load_state(places.state);
  if (!state) {
    log::error("the state is unreadable, a new boot begins", {{"error", state.error().what}});
    ::unlink(places.state.c_str());
    return false;
  }
  const auto tables = Tables::open(places.maps);
  return *state && tables && (*state)->boot == tables->boot();
}

// Tables that nothing writes to any more: what they counted becomes the last batches of their boot,
// which the state then holds and the next boot's agent sends first.
Result<void> hand_on_rest(const Config& config, const Places& places, const Probe& probe) {
  const auto tables = Tables::open(places.maps);
  if (!tables) return fail(Error(tables.error()));
  const SystemClock clock;
  Registry registry(places.interfaces, tables->boot());
  auto reporter = Reporter::open(
      {.node = config.node_name, .state_path = places.state, .reads_names = config.dns_names},
      *tables, probe, registry, clock);
  if (!reporter) return fail(std::move(reporter).error());
  auto batches = reporter->report(false);
  if (!batches) return fail(std::move(batches).error());
  return {};
}

}  // namespace

Result<Claims> claim(const Config& config, const Places& places) {
  if (auto made = ensure_bpffs(config.bpffs_dir); !made) {
    return fail(std::move(made).error().within("--bpffs-dir"));
  }
  for (const std::string* folder : {&places.maps, &places.links, &places.clsact}) {
    if (::mkdir(folder->c_str(), 0700) != 0 && errno != EEXIST) {
      return fail("--bpffs-dir: " + *folder + ": " + errno_text(errno));
    }
  }
  if (auto made = make_directories(config.state_dir); !made) {
    return fail(std::move(made).error().within("--state-dir"));
  }
  auto bpffs = lock_directory(config.bpffs_dir);
  if (!bpffs) return fail(std::move(bpffs).error().within("--bpffs-dir"));
  auto state = lock_directory(config.state_dir);
  if (!state) return fail(std::move(state).error().within("--state-dir"));
  return Claims{std::move(*bpffs), std::move(*state)};
}

Result<Loaded> load(const Config& config, const Places& places) {
  auto probe = Probe::open(places.maps, config.tuples_max, config.tls_names);
  if (!probe) return fail(std::move(probe).error());
  const PinState pins = probe->pins();
  const bool known = known_to_state(places);
  if (pins == PinState::Usable && known) {
    if (auto loaded = probe->load_adopting(); !loaded) return fail(std::move(loaded).error());
    return Loaded{std::move(*probe)};
  }
  if (auto loaded = probe->load_new(); !loaded) return fail(std::move(loaded).error());
  bool lost = false;
  if (pins != PinState::None) {
    remove_hooks(places);
    const auto rest = pins == PinState::Resized && known
                          ? hand_on_rest(config, places, *probe)
                          : fail(pins == PinState::Unusable ? "they are of another layout"
                                                            : "no state belongs to them");
    lost = !rest;
    log::warn("the pinned tables are not used on, a new boot begins",
              {{"not_yet_sent", rest ? "handed on" : "lost, " + rest.error().what},
               {"tuples_max", std::to_string(config.tuples_max)}});
    remove_map_pins(places.maps);
  }
  if (auto pinned = probe->pin(); !pinned) return fail(std::move(pinned).error());
  return Loaded{std::move(*probe), lost};
}

Result<void> uninstall(const Config& config) {
  const Places places(config);
  auto claimed = claim(config, places);
  if (!claimed) return fail(std::move(claimed).error());
  remove_hooks(places);
  remove_map_pins(places.maps);
  for (const std::string* folder : {&places.links, &places.clsact, &places.maps}) {
    ::rmdir(folder->c_str());
  }
  claimed->bpffs.reset();  // a lock in it would keep it mounted
  remove_bpffs(config.bpffs_dir);
  ::unlink(places.state.c_str());
  ::unlink(places.interfaces.c_str());
  ::rmdir(config.state_dir.c_str());
  return {};
}

}  // namespace outflow::agent
