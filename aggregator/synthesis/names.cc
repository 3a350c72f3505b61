#include "aggregator/synthesis/names.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "aggregator/synthesis/describe.h"
#include "aggregator/synthesis/hash.h"
#include "common/net/special.h"

namespace outflow::synthesis {
namespace {

using analysis::NamePattern;
using analysis::NameSet;
using analysis::Need;
using attribution::PeerKind;

constexpr std::size_t kLabelMax = 63;

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

// At most kNamesShown of them.
std::string listed(const std::set<std::string>& names) {
  std::set<std::string> shown;
  for (const std::string& name : names) {
    if (shown.size() < kNamesShown) shown.insert(name);
  }
  const std::size_t more = names.size() - shown.size();
  return fmt::format("{}{}", fmt::join(shown, ", "),
                     more > 0 ? fmt::format(" and {} more", more) : "");
}

// Two classes whose set would have one name: neither gets one.
bool is_claimed_twice(const Names& names, const std::string& class_name) {
  const std::string own = set_name(names.namespace_name, class_name);
  return std::count_if(names.sets.begin(), names.sets.end(), [&](const NameSet& set) {
           return set_name(names.namespace_name, set.class_name) == own;
         }) > 1;
}

// What its flows may have been for instead: candidates that its own pattern does not take.
std::set<std::string> other_candidates(const Need& need) {
  const NamePattern pattern = analysis::pattern_of(need);
  std::set<std::string> others;
  for (const attribution::Candidate& one : need.naming.candidates) {
    if (!matches(pattern, one.name)) others.insert(one.name);
  }
  return others;
}

// Whether a pod of the namespace was told one of its names, or said it: what others were told may
// be what this namespace's pods asked for, and may be somebody's trap.
bool is_own_word(const Need& need) {
  if (!need.members.empty()) {
    return std::any_of(need.members.begin(), need.members.end(), is_own_word);
  }
  const auto& candidates = need.naming.candidates;
  return candidates.empty() ||
         std::any_of(candidates.begin(), candidates.end(), [&](const auto& one) {
           return one.name == need.peer.name && (one.said || one.basis == attribution::Basis::Pod);
         });
}

std::optional<std::string> why_no_set(const Need& need, const Names& names) {
  constexpr const char* kInstead =
      "use an egress proxy or gateway, which sees names, or an edition of Calico with domains";
  const NameSet* const set = set_of(names, need.peer.name);
  if (set == nullptr) {
    return fmt::format("a name whose answers were not seen; {}", kInstead);
  }
  if (!set->pool.usable()) {
    const std::set<std::string> others = other_candidates(need);
    return fmt::format("a name whose addresses cannot be listed: {} ({}); {}{}", set->pool.why_not,
                       pool_text(set->pool), kInstead,
                       others.empty() ? "" : "; it may have been another name: " + listed(others));
  }
  if (is_claimed_twice(names, set->class_name)) {
    return "another name's set would have the same name";
  }
  return std::nullopt;
}

}  // namespace

const NameSet* set_of(const Names& names, const std::string& class_name) {
  const auto found = std::find_if(names.sets.begin(), names.sets.end(),
                                  [&](const NameSet& set) { return set.class_name == class_name; });
  return found == names.sets.end() ? nullptr : &*found;
}

std::vector<Need> needs_for_rules(std::span<const Need> needs, const Names& names) {
  std::vector<Need> list;
  for (const Need& need : needs) {
    const NameSet* const set = set_of(names, need.peer.name);
    const bool gives_way = !has_domains(names.dialect) && need.peer.kind == PeerKind::Name &&
                           !need.members.empty() && (set == nullptr || !set->pool.usable());
    if (!gives_way) {
      list.push_back(need);
      continue;
    }
    for (Need member : need.members) {
      member.class_reason =
          fmt::format("instead of {}: {}", need.peer.name,
                      set == nullptr ? "no answers were seen" : set->pool.why_not);
      list.push_back(std::move(member));
    }
  }
  return list;
}

std::optional<std::string> why_no_name_rule(const Need& need, const Names& names) {
  if (need.peer.kind != PeerKind::Name) return std::nullopt;
  // Whoever asks for a name with a star, or with what no host name has, gets no rule by it.
  const NamePattern pattern = analysis::pattern_of(need);
  const bool is_star = pattern.kind == NamePattern::Kind::Exact && pattern.name.starts_with("*.");
  if (is_star || !is_domain(pattern.name)) return "the name asked for is no host name";
  if (!is_own_word(need)) {
    return "a name that other pods were told; those that dialled were not seen to ask for it";
  }
  return has_domains(names.dialect) ? std::nullopt : why_no_set(need, names);
}

std::string why_unused(const std::string& class_name, std::span<const Need> needs,
                       const Names& names) {
  std::string why;
  const auto is_allowed = [&](const Need& need) {
    if (need.peer.kind != PeerKind::Name || need.peer.name != class_name) return false;
    auto refused = why_no_rule(need);
    if (!refused) refused = why_no_name_rule(need, names);
    why = refused.value_or("");
    return !refused;
  };
  for (const Need& need : needs) {
    if (is_allowed(need)) return "";
    if (std::any_of(need.members.begin(), need.members.end(), is_allowed)) {
      return "";
    }
  }
  return why;
}

std::string set_name(const std::string& namespace_name, const std::string& class_name) {
  std::string name = "outflow-" + namespace_name + "-";
  bool ambiguous = namespace_name.find('-') != std::string::npos;
  const std::string_view labels =
      std::string_view(class_name)
          .substr(class_name.starts_with("*.") ? std::size_t{2} : std::size_t{0});
  ambiguous = ambiguous || labels.size() != class_name.size();
  for (const char c : labels) {
    ambiguous = ambiguous || (!is_plain(c) && c != '.');
    name += is_plain(c) ? c : '-';
  }
  if (!ambiguous && name.size() <= kLabelMax) return name;
  const std::string hash = fmt::format("-{:08x}", fnv1a(namespace_name + "/" + class_name));
  name.resize(std::min(name.size(), kLabelMax - hash.size()));
  while (name.back() == '-') name.pop_back();
  return name + hash;
}

GlobalNetworkSet network_set(const std::string& namespace_name, const NameSet& set, SetsMode mode) {
  GlobalNetworkSet made;
  made.name = set_name(namespace_name, set.class_name);
  made.labels = {{"app.kubernetes.io/managed-by", "outflow"}, {std::string(kSetLabel), made.name}};
  made.annotations = {{"outflow.dev/namespace", namespace_name},
                      {"outflow.dev/class", set.class_name},
                      {"outflow.dev/names", listed(set.pool.names)},
                      {"outflow.dev/evidence", pool_text(set.pool)}};
  if (mode == SetsMode::Live) return made;
  made.nets.emplace();
  std::set<std::string> inside;
  for (const auto& [address, told] : set.pool.addresses) {
    const net::Special special = net::special_of(address);
    // Whoever answers for the name would open these: metadata, loopback, multicast never.
    if (special != net::Special::None && special != net::Special::Private) continue;
    if (special == net::Special::Private) inside.insert(address.to_string());
    made.nets->push_back(net::Prefix::host(address));
  }
  if (!inside.empty()) {
    made.annotations["outflow.dev/review"] =
        "private addresses, as whoever answers for the name chose: " + listed(inside);
  }
  std::sort(made.nets->begin(), made.nets->end());
  return made;
}

std::string name_what(const Need& need, const Names& names) {
  std::string what = need.peer.name;
  if (has_domains(names.dialect)) {
    what += ", by name";
  } else {
    what += ", by the addresses in set " + set_name(names.namespace_name, need.peer.name);
  }
  if (!need.names.empty()) what += ": " + listed(need.names);
  return what;
}

std::vector<std::string> name_reviews(std::span<const Need* const> needs, const Names& names) {
  std::vector<std::string> reviews;
  if (needs.empty() || needs.front()->peer.kind != PeerKind::Name) return reviews;
  const Need& first = *needs.front();
  const NamePattern pattern = analysis::pattern_of(first);
  if (pattern.kind == NamePattern::Kind::OneLabel && has_domains(names.dialect)) {
    reviews.push_back(fmt::format(
        "all names seen have one label before .{}, Calico's wildcard takes more as well",
        pattern.name));
  }
  std::set<std::string> likely;
  for (const Need* need : needs) likely.merge(other_candidates(*need));
  if (!likely.empty()) reviews.push_back("it may have been another name: " + listed(likely));
  const NameSet* const set = set_of(names, first.peer.name);
  if (has_domains(names.dialect) || set == nullptr) return reviews;
  std::set<std::string> others;
  for (const auto& [address, told] : set->also) others.insert(told.begin(), told.end());
  if (!others.empty()) reviews.push_back("opens other names at its addresses: " + listed(others));
  if (!first.peer.provider.empty()) {
    reviews.push_back(fmt::format("addresses of {}: whoever else is behind them is allowed too",
                                  first.peer.provider));
  }
  return reviews;
}

std::string pool_text(const analysis::Pool& pool) {
  const std::size_t count = pool.addresses.size();
  return fmt::format("{} address{} of about {:.1f}, coverage {:.3f}, {} answers, {} independent",
                     count, count == 1 ? "" : "es", pool.estimate, pool.coverage, pool.answers,
                     pool.draws);
}

}  // namespace outflow::synthesis
