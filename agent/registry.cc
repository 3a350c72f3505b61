#include "agent/registry.h"

#include <algorithm>
#include <utility>

#include "agent/files.h"
#include "agent/state.pb.h"
#include "common/log.h"

namespace outflow::agent {

Registry::Registry(std::string path, const BootId& boot) : path_(std::move(path)), boot_(boot) {
  const auto content = read_file(path_);
  if (!content || !*content) return;
  v1::InterfacesFile file;
  if (!file.ParseFromString(**content)) {
    log::warn("the list of interfaces is unreadable, departed ones lose their names",
              {{"path", path_}});
    return;
  }
  if (!std::equal(boot_.begin(), boot_.end(), file.boot().begin(), file.boot().end(),
                  [](std::uint8_t a, char b) { return a == static_cast<std::uint8_t>(b); })) {
    return;
  }
  const MutexLock lock(mutex_);
  for (const v1::KnownInterface& known : file.interfaces()) {
    Interface interface {
      known.id(), known.name(), {}
    };
    for (const std::string& bytes : known.addresses()) {
      const auto address = net::Address::from_bytes(
          {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
      if (address) interface.addresses.push_back(*address);
    }
    entries_[static_cast<std::uint32_t>(known.id())] = {std::move(interface), {}, false};
  }
}

void Registry::hooked(std::uint32_t id, const std::string& name) {
  const MutexLock lock(mutex_);
  Entry& entry = entries_[id];
  entry.interface.id = id;
  entry.interface.name = name;
  entry.present = true;
  changed_ = true;
}

void Registry::routed(std::uint32_t id, std::vector<net::Address> addresses) {
  const MutexLock lock(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end() || found->second.addresses == addresses) return;
  Entry& entry = found->second;
  std::vector<net::Address>& all = entry.interface.addresses;
  all.insert(all.end(), addresses.begin(), addresses.end());
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  entry.addresses = std::move(addresses);
  changed_ = true;
}

void Registry::departed(std::uint32_t id) {
  const MutexLock lock(mutex_);
  const auto entry = entries_.find(id);
  if (entry != entries_.end()) entry->second.present = false;
}

void Registry::settled(const std::vector<std::uint32_t>& ids) {
  const MutexLock lock(mutex_);
  bool changed = false;
  for (const std::uint32_t id : ids) {
    const auto entry = entries_.find(id);
    if (entry == entries_.end() || entry->second.present) continue;
    entries_.erase(entry);
    changed = true;
  }
  for (auto& [id, entry] : entries_) {
    if (!entry.present || entry.interface.addresses == entry.addresses) continue;
    entry.interface.addresses = entry.addresses;
    changed = true;
  }
  if (changed) save();
}

void Registry::keep() {
  const MutexLock lock(mutex_);
  if (changed_) save();
}

void Registry::count_loss(const std::string& reason, std::uint64_t count) {
  const MutexLock lock(mutex_);
  losses_[reason] += count;
}

std::map<std::string, std::uint64_t> Registry::take_losses() {
  const MutexLock lock(mutex_);
  return std::exchange(losses_, {});
}

std::map<std::uint32_t, Interface> Registry::known() const {
  const MutexLock lock(mutex_);
  std::map<std::uint32_t, Interface> all;
  for (const auto& [id, entry] : entries_) all.emplace(id, entry.interface);
  return all;
}

std::vector<std::uint32_t> Registry::gone() const {
  const MutexLock lock(mutex_);
  std::vector<std::uint32_t> ids;
  for (const auto& [id, entry] : entries_) {
    if (!entry.present) ids.push_back(id);
  }
  return ids;
}

std::size_t Registry::hooked_count() const {
  const MutexLock lock(mutex_);
  return static_cast<std::size_t>(std::count_if(entries_.begin(), entries_.end(),
                                                [](const auto& e) { return e.second.present; }));
}

// Not synced: the tables it explains do not outlive the machine either.
void Registry::save() {
  changed_ = false;
  v1::InterfacesFile file;
  file.set_boot(boot_.data(), boot_.size());
  for (const auto& [id, entry] : entries_) {
    v1::KnownInterface& known = *file.add_interfaces();
    known.set_id(id);
    known.set_name(entry.interface.name);
    for (const net::Address& address : entry.interface.addresses) {
      known.add_addresses(address.packed().data(), address.packed().size());
    }
  }
  if (auto wrote = write_file(path_, file.SerializeAsString(), false); !wrote) {
    log::error("cannot keep the list of interfaces", {{"error", wrote.error().what}});
  }
}

}  // namespace outflow::agent
