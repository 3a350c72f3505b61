#include "agent/tables.h"

#include <bpf/bpf.h>
#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace outflow::agent {
namespace {

Result<Fd> open_pin(const std::string& path) {
  Fd fd(bpf_obj_get(path.c_str()));
  if (!fd.valid()) return fail("open " + path + ": " + errno_text(errno));
  return fd;
}

// All zero when the kernel does not say.
bpf_map_info info_of(int map) {
  bpf_map_info info{};
  std::uint32_t size = sizeof info;
  return bpf_obj_get_info_by_fd(map, &info, &size) == 0 ? info : bpf_map_info{};
}

}  // namespace

Result<Tables> Tables::open(const std::string& maps_dir) {
  Tables tables;
  const std::pair<const char*, Fd*> pins[] = {{"flows", &tables.flows_},
                                              {"other_sources", &tables.other_sources_},
                                              {"sources", &tables.sources_},
                                              {"dns", &tables.dns_},
                                              {"dns_counts", &tables.dns_counts_},
                                              {"said", &tables.said_},
                                              {"said_counts", &tables.said_counts_},
                                              {"counts", &tables.counts_},
                                              {"overflow", &tables.overflow_},
                                              {"interfaces", &tables.interfaces_},
                                              {"interface_slots", &tables.interface_slots_},
                                              {"meta", &tables.meta_}};
  for (const auto& [name, fd] : pins) {
    auto opened = open_pin(maps_dir + "/" + name);
    if (!opened) return fail(std::move(opened).error());
    *fd = std::move(*opened);
  }
  const std::uint32_t zero = 0;
  struct meta meta {};
  if (bpf_map_lookup_elem(tables.meta_.get(), &zero, &meta) != 0) {
    return fail("read meta: " + errno_text(errno));
  }
  std::copy(std::begin(meta.boot), std::end(meta.boot), tables.boot_.begin());
  return tables;
}

std::uint32_t Tables::flows_max() const {
  return info_of(flows_.get()).max_entries;
}

Result<std::uint32_t> Tables::allocate_id() const {
  const std::uint32_t zero = 0;
  struct meta meta {};
  if (bpf_map_lookup_elem(meta_.get(), &zero, &meta) != 0) {
    return fail("read meta: " + errno_text(errno));
  }
  const std::uint32_t id = meta.next_interface_id++;
  if (id == 0 || id > INTERFACE_ID_MAX) return fail("no interface number is left");
  if (bpf_map_update_elem(meta_.get(), &zero, &meta, BPF_EXIST) != 0) {
    return fail("write meta: " + errno_text(errno));
  }
  return id;
}

Result<void> Tables::set_interface(const NumberedInterface& interface) const {
  interface_entry entry{};
  entry.number = interface.id | interface.past;
  std::memcpy(entry.name, interface.name.data(),
              std::min(interface.name.size(), sizeof entry.name - 1));
  if (bpf_map_update_elem(interfaces_.get(), &interface.ifindex, &entry, BPF_ANY) != 0) {
    return fail("write interfaces: " + errno_text(errno));
  }
  const std::uint32_t number = interface.ifindex & (INTERFACE_SLOTS - 1);
  interface_slot slot{};
  slot.ifindex = interface.ifindex;
  slot.number = entry.number;
  if (bpf_map_update_elem(interface_slots_.get(), &number, &slot, BPF_ANY) != 0) {
    return fail("write interface_slots: " + errno_text(errno));
  }
  return {};
}

void Tables::clear_interface(std::uint32_t ifindex, std::uint32_t id) const {
  interface_entry entry{};
  if (bpf_map_lookup_elem(interfaces_.get(), &ifindex, &entry) != 0 ||
      (entry.number & INTERFACE_ID_MAX) != id) {
    return;
  }
  const std::uint32_t number = ifindex & (INTERFACE_SLOTS - 1);
  interface_slot slot{};
  if (bpf_map_lookup_elem(interface_slots_.get(), &number, &slot) == 0 && slot.ifindex == ifindex) {
    slot = {};
    bpf_map_update_elem(interface_slots_.get(), &number, &slot, BPF_ANY);
  }
  bpf_map_delete_elem(interfaces_.get(), &ifindex);
}

Result<std::vector<NumberedInterface>> Tables::interfaces() const {
  std::vector<NumberedInterface> found;
  std::uint32_t ifindex = 0;
  const void* previous = nullptr;
  while (bpf_map_get_next_key(interfaces_.get(), previous, &ifindex) == 0) {
    interface_entry entry{};
    if (bpf_map_lookup_elem(interfaces_.get(), &ifindex, &entry) == 0) {
      found.push_back({ifindex, entry.number & INTERFACE_ID_MAX, entry.number & ~INTERFACE_ID_MAX,
                       std::string(entry.name, strnlen(entry.name, sizeof entry.name))});
    }
    previous = &ifindex;
  }
  if (errno != ENOENT) return fail("read interfaces: " + errno_text(errno));
  return found;
}

Result<void> begin_boot(int meta_map) {
  struct meta meta {};
  meta.layout = OUTFLOW_LAYOUT;
  meta.next_interface_id = 1;
  if (getrandom(meta.boot, sizeof meta.boot, 0) != sizeof meta.boot) {
    return fail("getrandom: " + errno_text(errno));
  }
  const std::uint32_t zero = 0;
  if (bpf_map_update_elem(meta_map, &zero, &meta, BPF_ANY) != 0) {
    return fail("write meta: " + errno_text(errno));
  }
  return {};
}

}  // namespace outflow::agent
