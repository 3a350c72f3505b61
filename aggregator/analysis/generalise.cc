#include "aggregator/analysis/generalise.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "aggregator/analysis/label.h"
#include "aggregator/analysis/suffix.h"

namespace outflow::analysis {
namespace {

using attribution::PeerKind;

// One label more than its parent; the root has none.
struct Node {
  std::map<std::string, std::unique_ptr<Node>> children;
  Need* need = nullptr;  // the need of this very name; null: none, or in a class already
};

struct Settings {
  std::uint32_t names;
  std::uint32_t days;
};

// "a.b.c" -> the node of c, then b, then a.
Node& node_of(Node& root, std::string_view name) {
  Node* node = &root;
  while (!name.empty()) {
    const std::size_t dot = name.rfind('.');
    const std::string label(dot == std::string_view::npos ? name : name.substr(dot + 1));
    name = dot == std::string_view::npos ? std::string_view() : name.substr(0, dot);
    std::unique_ptr<Node>& child = node->children[label];
    if (child == nullptr) child = std::make_unique<Node>();
    node = child.get();
  }
  return *node;
}

void collect(const Node& node, std::vector<Need*>& members) {
  if (node.need != nullptr) members.push_back(node.need);
  for (const auto& [label, child] : node.children) collect(*child, members);
}

// What is below one name: its labels, and the needs of every name there.
struct Below {
  std::vector<std::string> labels;  // directly below, where there is a need left
  std::vector<Need*> members;
};

Below below(const Node& node) {
  Below found;
  for (const auto& [label, child] : node.children) {
    const std::size_t before = found.members.size();
    collect(*child, found.members);
    if (found.members.size() > before) found.labels.push_back(label);
  }
  return found;
}

// "12 of 12 in AWS/CLOUDFRONT/GLOBAL"; nullopt when they are too mixed to be one destination.
std::optional<std::string> provider_of(const std::vector<Need*>& members) {
  std::map<std::string, std::size_t> counts;
  for (const Need* need : members) ++counts[need->peer.provider];
  const auto most =
      std::max_element(counts.begin(), counts.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  const auto all = static_cast<double>(members.size());
  if (static_cast<double>(most->second) < kProviderShare * all) return std::nullopt;
  return fmt::format("{} of {} in {}", most->second, members.size(),
                     most->first.empty() ? "no provider's range" : most->first);
}

// Why the names are one class; nullopt when they are not.
std::optional<std::string> reason_of(const std::string& name, const Below& found,
                                     const Settings& settings) {
  if (found.labels.size() < kMachineNames || !is_one_owners(name)) return std::nullopt;
  const auto provider = provider_of(found.members);
  if (!provider) return std::nullopt;
  std::set<Day> days;
  for (const Need* need : found.members) days.insert(need->days.begin(), need->days.end());
  const auto labels = static_cast<double>(found.labels.size());
  std::string why;
  if (found.labels.size() >= settings.names && days.size() >= settings.days) {
    why = fmt::format("{} names on {} days (at least {} on {})", found.labels.size(), days.size(),
                      settings.names, settings.days);
  } else if (const std::size_t made = machine_made(found.labels);
             made >= kMachineNames && static_cast<double>(made) >= kMachineShare * labels) {
    why = fmt::format("{} of {} labels look made by a machine", made, found.labels.size());
  } else {
    return std::nullopt;
  }
  return fmt::format("{}; {}; all below {} ({})", why, *provider, registrable_domain(name),
                     suffix_list_text());
}

void absorb(Need& into, const Need& other) {
  const bool newer =
      std::tie(other.stats.last_seen, other.peer) > std::tie(into.stats.last_seen, into.peer);
  if (newer) {
    into.naming.merge(other.naming);
    into.peer = other.peer;
  } else {
    attribution::NameEvidence naming = other.naming;
    naming.merge(into.naming);
    into.naming = std::move(naming);
  }
  into.stats.merge(other.stats);
  into.days.insert(other.days.begin(), other.days.end());
  into.addresses.insert(other.addresses.begin(), other.addresses.end());
  into.workloads.insert(other.workloads.begin(), other.workloads.end());
  into.pods.insert(other.pods.begin(), other.pods.end());
  into.from_agent = into.from_agent || other.from_agent;
  into.from_log = into.from_log || other.from_log;
  into.always_older = into.always_older && other.always_older;
}

Need class_of(const std::string& name, const std::vector<Need*>& members, std::string reason) {
  Need joined = *members.front();
  for (const Need* member : members) {
    joined.names.insert(member->peer.name);
    joined.members.push_back(*member);
    if (member != members.front()) absorb(joined, *member);
  }
  joined.peer.name = "*." + name;
  joined.class_reason = std::move(reason);
  return joined;
}

// The narrowest classes first: what is in one is not counted further up.
void find_classes(Node& node, const std::string& name, const Settings& settings,
                  std::vector<Need>& classes) {
  for (auto& [label, child] : node.children) {
    find_classes(*child, name.empty() ? label : fmt::format("{}.{}", label, name), settings,
                 classes);
  }
  if (name.empty()) return;
  const Below found = below(node);
  auto reason = reason_of(name, found, settings);
  if (!reason) return;
  classes.push_back(class_of(name, found.members, *std::move(reason)));
  Need* const own = std::exchange(node.need, nullptr);
  node.children.clear();
  node.need = own;
}

// Letters, digits, and what stands between them: other bytes are no host's, and no rule names them.
bool is_host_name(std::string_view name) {
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  });
}

bool may_be_member(const Need& need) {
  if (!is_host_name(need.peer.name)) return false;
  return need.peer.kind == PeerKind::Name && need.names.empty() &&
         proof_of(need) != Proof::Attempted && !registrable_domain(need.peer.name).empty();
}

}  // namespace

std::string pattern_text(const NamePattern& pattern) {
  return (pattern.kind == NamePattern::Kind::Exact ? "" : "*.") + pattern.name;
}

bool matches(const NamePattern& pattern, std::string_view name) {
  if (pattern.kind == NamePattern::Kind::Exact) return name == pattern.name;
  const std::size_t tail = pattern.name.size() + 1;
  if (name.size() <= tail || !name.ends_with(pattern.name)) return false;
  const std::string_view labels = name.substr(0, name.size() - tail);
  if (name[labels.size()] != '.') return false;
  return pattern.kind == NamePattern::Kind::Subtree || labels.find('.') == std::string_view::npos;
}

NamePattern pattern_of(const Need& need) {
  if (need.names.empty()) return {NamePattern::Kind::Exact, need.peer.name};
  NamePattern pattern{NamePattern::Kind::OneLabel, need.peer.name.substr(2)};
  const bool all = std::all_of(need.names.begin(), need.names.end(),
                               [&](const std::string& name) { return matches(pattern, name); });
  if (!all) pattern.kind = NamePattern::Kind::Subtree;
  return pattern;
}

bool is_need_of(const Need& need, const attribution::Peer& peer) {
  if (need.peer.kind != peer.kind) return false;
  return need.names.contains(peer.name) ||
         attribution::display_name(need.peer) == attribution::display_name(peer);
}

std::vector<Need> generalise(std::vector<Need> needs, const GeneraliseOptions& options) {
  const GeneraliseOptions defaults;
  const Settings settings{options.names == 0 ? defaults.names : options.names,
                          options.days == 0 ? defaults.days : options.days};
  std::map<std::pair<std::uint16_t, Protocol>, Node> roots;
  for (Need& need : needs) {
    if (may_be_member(need)) {
      node_of(roots[{need.port, need.protocol}], need.peer.name).need = &need;
    }
  }
  std::vector<Need> classes;
  for (auto& [port, root] : roots) find_classes(root, "", settings, classes);
  std::set<std::tuple<std::string, std::uint16_t, Protocol>> taken;
  for (const Need& one : classes) {
    for (const std::string& name : one.names) taken.emplace(name, one.port, one.protocol);
  }
  const auto is_taken = [&](const Need& need) {
    return may_be_member(need) && taken.contains({need.peer.name, need.port, need.protocol});
  };
  needs.erase(std::remove_if(needs.begin(), needs.end(), is_taken), needs.end());
  std::move(classes.begin(), classes.end(), std::back_inserter(needs));
  const auto key = [](const Need& need) {
    return std::make_tuple(need.peer.kind, attribution::display_name(need.peer), need.port,
                           need.protocol);
  };
  std::sort(needs.begin(), needs.end(),
            [&](const Need& a, const Need& b) { return key(a) < key(b); });
  return needs;
}

}  // namespace outflow::analysis
