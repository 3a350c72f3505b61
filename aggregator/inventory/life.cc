#include "aggregator/inventory/life.h"

#include <algorithm>
#include <cassert>
#include <functional>

#include <openssl/evp.h>

#include "aggregator/inventory/snapshot.h"

namespace outflow::inventory {
namespace {

constexpr std::array<std::string_view, 6> kPhases{"",          "Pending", "Running",
                                                  "Succeeded", "Failed",  "Unknown"};
constexpr std::size_t kPrefixLength = 4;  // "cali"
constexpr std::size_t kUuidDigits = 32;

std::uint8_t phase_number(std::string_view phase) {
  const auto* const found = std::find(kPhases.begin(), kPhases.end(), phase);
  return static_cast<std::uint8_t>((found == kPhases.end() ? kPhases.end() - 1 : found) -
                                   kPhases.begin());
}

// -1: no hexadecimal digit.
int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

std::array<std::uint8_t, 16> pack_uid(std::string_view uid) {
  std::array<std::uint8_t, 16> bytes{};
  std::size_t digits = 0;
  bool is_uuid = true;
  for (const char c : uid) {
    if (c == '-') continue;
    const int digit = digit_of(c);
    is_uuid = is_uuid && digit >= 0 && digits < kUuidDigits;
    if (!is_uuid) break;
    bytes[digits / 2] = static_cast<std::uint8_t>((bytes[digits / 2] << 4U) | digit);
    ++digits;
  }
  if (uid.empty() || (is_uuid && digits == kUuidDigits)) return bytes;
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  const int ok =
      EVP_Digest(uid.data(), uid.size(), digest.data(), &size, EVP_sha1(), /*impl=*/nullptr);
  assert(ok == 1);
  static_cast<void>(ok);
  std::copy_n(digest.begin(), bytes.size(), bytes.begin());
  return bytes;
}

std::string unpack_uid(const std::array<std::uint8_t, 16>& bytes) {
  if (bytes == std::array<std::uint8_t, 16>{}) return "";
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += kDigits[bytes.at(i) >> 4U];
    text += kDigits[bytes.at(i) & 0xfU];
  }
  return text;
}

Labels kept(const Labels& labels) {
  Labels some;
  const auto keep = [&](std::string_view name) {
    const auto found = labels.find(std::string(name));
    if (found != labels.end()) some.insert(*found);
  };
  for (const std::string_view name : kStableLabels) keep(name);
  keep(kInstanceLabel);
  return some;
}

std::size_t hash_of(const Shape& shape) {
  std::size_t hash = shape.host_network ? 1 : 0;
  const auto mix = [&](std::string_view text) {
    hash = hash * 0x9e3779b97f4a7c15ULL + std::hash<std::string_view>()(text);
  };
  mix(shape.namespace_name);
  mix(shape.owner.kind);
  mix(shape.owner.name);
  mix(shape.workload.name);
  for (const auto& [key, value] : shape.labels) mix(value);
  return hash;
}

}  // namespace

bool is_finished(const Life& life) {
  return kPhases.at(life.phase) == "Succeeded" || kPhases.at(life.phase) == "Failed";
}

std::uint64_t number_of_interface(std::string_view name) {
  if (!is_calico_interface_name(name)) return 0;
  std::uint64_t number = 0;
  for (const char c : name.substr(kPrefixLength)) {
    number = (number << 4U) | static_cast<std::uint64_t>(digit_of(c));
  }
  return number + 1;
}

std::shared_ptr<const Shape> Pool::share(Shape shape) {
  const std::size_t hash = hash_of(shape);
  const auto [first, last] = shapes_.equal_range(hash);
  for (auto it = first; it != last; ++it) {
    if (*it->second == shape) return it->second;
  }
  if (shapes_.size() >= sweep_at_) sweep();
  return shapes_.emplace(hash, std::make_shared<const Shape>(std::move(shape)))->second;
}

std::shared_ptr<const std::string> Pool::share(const std::string& node) {
  auto& shared = nodes_[node];
  if (shared == nullptr) shared = std::make_shared<const std::string>(node);
  return shared;
}

void Pool::sweep() {
  std::erase_if(nodes_, [](const auto& entry) { return entry.second.use_count() == 1; });
  std::erase_if(shapes_, [](const auto& entry) { return entry.second.use_count() == 1; });
  sweep_at_ = std::max<std::size_t>(1024, 2 * shapes_.size());
}

Life to_life(const Pod& pod, const Workload& owner, Pool& pool) {
  Life life;
  life.shape = pool.share({.namespace_name = pod.namespace_name,
                           .workload = pod.workload,
                           .owner = owner,
                           .labels = kept(pod.labels),
                           .ports = pod.ports,
                           .host_network = pod.host_network});
  life.node = pool.share(pod.node);
  life.name = pod.name;
  life.uid = pack_uid(pod.uid);
  if (!pod.host_network) {
    life.interface = number_of_interface(calico_interface_name(pod.namespace_name, pod.name));
  }
  life.phase = phase_number(pod.phase);
  life.deleting = pod.deleting;
  life.addresses.assign(pod.addresses.begin(), pod.addresses.end());
  life.started = pod.started;
  life.ended = pod.ended;
  life.told = pod.told;
  return life;
}

Pod to_pod(const Life& life) {
  Pod pod;
  pod.namespace_name = life.shape->namespace_name;
  pod.name = life.name;
  pod.uid = unpack_uid(life.uid);
  pod.node = *life.node;
  pod.phase = kPhases.at(life.phase);
  pod.host_network = life.shape->host_network;
  pod.deleting = life.deleting;
  pod.addresses = life.addresses;
  pod.labels = life.shape->labels;
  pod.workload = life.shape->workload;
  pod.ports = life.shape->ports;
  pod.started = life.started;
  pod.ended = life.ended;
  pod.told = life.told;
  return pod;
}

bool same_life(const Life& a, const Life& b) {
  // Where nothing told a uid, the start tells lives apart.
  const bool known = a.uid != std::array<std::uint8_t, 16>{};
  return a.uid == b.uid && (known || a.started == b.started);
}

}  // namespace outflow::inventory
