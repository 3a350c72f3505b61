#include "aggregator/analysis/tier.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/net/prefix.h"

namespace outflow::analysis {
namespace {

using attribution::PeerKind;

// What a preset's clauses compare with. The first match wins: D, A, B, else C.
struct Limits {
  std::uint64_t open_external;  // D from here on; of `external`, or of `external_raw`
  bool open_counts_raw;
  std::uint64_t trivial_external;
  std::uint64_t trivial_internal;
  bool trivial_needs_no_raw;
  std::uint64_t small_external;
  std::uint64_t small_internal;
};
constexpr Limits kDefault{.open_external = 50,
                          .open_counts_raw = true,
                          .trivial_external = 1,
                          .trivial_internal = 3,
                          .trivial_needs_no_raw = true,
                          .small_external = 3,
                          .small_internal = 5};
constexpr Limits kStudy{.open_external = 19,
                        .open_counts_raw = false,
                        .trivial_external = 1,
                        .trivial_internal = 1,
                        .trivial_needs_no_raw = false,
                        .small_external = 3,
                        .small_internal = 5};

const Limits& limits_of(Preset preset) {
  return preset == Preset::Study ? kStudy : kDefault;
}

Tier letter_of(const TierCounts& counts, const Limits& limits) {
  const std::uint64_t open = limits.open_counts_raw ? counts.external_raw : counts.external;
  if (open >= limits.open_external) return Tier::D;
  if (counts.external <= limits.trivial_external && counts.internal <= limits.trivial_internal &&
      (!limits.trivial_needs_no_raw || counts.external_raw == 0)) {
    return Tier::A;
  }
  if (counts.external <= limits.small_external && counts.internal <= limits.small_internal) {
    return Tier::B;
  }
  return Tier::C;
}

std::string rule_of(Tier letter, const TierCounts& counts, const Limits& limits) {
  switch (letter) {
    case Tier::D:
      return limits.open_counts_raw
                 ? fmt::format("raw external {} >= {}", counts.external_raw, limits.open_external)
                 : fmt::format("external {} > {}", counts.external, limits.open_external - 1);
    case Tier::A:
      return fmt::format("external {} <= {}{} and internal {} <= {}", counts.external,
                         limits.trivial_external,
                         limits.trivial_needs_no_raw ? ", raw external 0" : "", counts.internal,
                         limits.trivial_internal);
    case Tier::B:
      return fmt::format("external {} <= {} and internal {} <= {}", counts.external,
                         limits.small_external, counts.internal, limits.small_internal);
    case Tier::C:
      break;
  }
  std::vector<std::string> over;
  if (counts.external > limits.small_external) {
    over.push_back(fmt::format("external {} > {}", counts.external, limits.small_external));
  }
  if (counts.internal > limits.small_internal) {
    over.push_back(fmt::format("internal {} > {}", counts.internal, limits.small_internal));
  }
  return fmt::format("{}", fmt::join(over, " and "));
}

// A destination more or fewer. One more outside is taken as a raw address, the worst it can be; one
// fewer is a raw one while there are any.
TierCounts moved(TierCounts counts, bool external, std::int64_t by) {
  const auto shift = [by](std::uint64_t value) {
    return static_cast<std::uint64_t>(
        std::max<std::int64_t>(0, static_cast<std::int64_t>(value) + by));
  };
  if (external) {
    counts.external = shift(counts.external);
    counts.external_raw = shift(counts.external_raw);
  } else {
    counts.internal = shift(counts.internal);
  }
  return counts;
}

struct Step {
  std::uint64_t distance;
  std::string text;
};

// The fewest destinations that would change the letter in this direction. No limit is further away
// than the largest one, except downwards from far above, where the count itself is the distance.
std::optional<Step> step(const TierCounts& counts, const Limits& limits, bool external, int sign) {
  const Tier now = letter_of(counts, limits);
  const std::uint64_t reach =
      sign > 0 ? limits.open_external : (external ? counts.external : counts.internal);
  for (std::uint64_t distance = 1; distance <= reach; ++distance) {
    const Tier then =
        letter_of(moved(counts, external, sign * static_cast<std::int64_t>(distance)), limits);
    if (then == now) continue;
    return Step{distance,
                fmt::format("{} {} {} -> {}", distance, external ? "external" : "internal",
                            sign > 0 ? "more" : "fewer", static_cast<char>(then))};
  }
  return std::nullopt;
}

// "1 external more -> C, 2 internal more -> C": nearest first.
std::string boundary_of(const TierCounts& counts, const Limits& limits) {
  std::vector<Step> steps;
  for (const int sign : {1, -1}) {
    for (const bool external : {true, false}) {
      if (auto found = step(counts, limits, external, sign)) steps.push_back(*std::move(found));
    }
  }
  std::stable_sort(steps.begin(), steps.end(),
                   [](const Step& a, const Step& b) { return a.distance < b.distance; });
  std::vector<std::string_view> texts;
  texts.reserve(steps.size());
  for (const Step& one : steps) texts.push_back(one.text);
  return fmt::format("{}", fmt::join(texts, ", "));
}

bool is_link_local(const net::Address& address) {
  static const net::Prefix v4 = net::Prefix::parse("169.254.0.0/16").value();
  static const net::Prefix v6 = net::Prefix::parse("fe80::/10").value();
  return v4.contains(address) || v6.contains(address);
}

// The cluster's resolver: a service, a pod or a node asked on port 53, or the link-local address a
// node-local cache listens on.
bool is_cluster_dns(const Need& need) {
  if (need.port != 53 || (need.protocol != Protocol::Udp && need.protocol != Protocol::Tcp)) {
    return false;
  }
  switch (need.peer.kind) {
    case PeerKind::Service:
    case PeerKind::Workload:
    case PeerKind::Namespace:
    case PeerKind::Node:
      return true;
    case PeerKind::Private:
      return is_link_local(need.peer.address);
    default:
      return false;
  }
}

TierCounts count_classes(const Finding& finding) {
  TierCounts counts;
  for (const Need& need : finding.needs) {
    if (is_cluster_dns(need)) continue;
    switch (need.peer.kind) {
      case PeerKind::Service:
      case PeerKind::Workload:
      case PeerKind::Namespace:
      case PeerKind::Node:
      case PeerKind::ApiServer:
      case PeerKind::Metadata:
        ++counts.internal;
        break;
      case PeerKind::Unknown:
      case PeerKind::External:
        ++counts.external_raw;
        ++counts.external;
        break;
      case PeerKind::Name:
      case PeerKind::Provider:
      case PeerKind::Private:
        ++counts.external;
        break;
      case PeerKind::Multicast:
        break;  // on the pod's own link: no allowlist entry, however many
    }
  }
  return counts;
}

}  // namespace

std::string rule_set(Preset preset) {
  return preset == Preset::Study ? "study/1" : "default/2";
}

TierCounts count(const Finding& finding, Preset preset) {
  if (preset == Preset::Default) return count_classes(finding);
  return {.internal = finding.fanout.pod_namespaces + finding.fanout.services,
          .external = finding.fanout.external,
          .external_raw = finding.fanout.external};
}

Judgement tier(const TierCounts& counts, Preset preset) {
  const Limits& limits = limits_of(preset);
  Judgement judgement;
  judgement.tier = letter_of(counts, limits);
  judgement.counts = counts;
  judgement.rule = rule_of(judgement.tier, counts, limits);
  judgement.boundary = boundary_of(counts, limits);
  if (preset == Preset::Default) {
    judgement.not_evaluated = {
        "D when T >= 3, raw external >= 10 and the lower 95 % bound of the Heaps exponent > 0.5",
        "D when T >= 3, external coverage < 0.80 and external >= 20"};
  }
  return judgement;
}

std::optional<Judgement> judge(const Finding& finding, Preset preset) {
  if (finding.needs.empty()) return std::nullopt;
  return tier(count(finding, preset), preset);
}

std::string to_text(std::optional<Tier> tier) {
  return tier ? std::string(1, static_cast<char>(*tier)) : "-";
}

std::string why_not_judged(const Finding& finding) {
  if (finding.records > 0) return "no evidence: all that was seen is apart, and not judged";
  if (finding.horizon.valid_days > 0) {
    return fmt::format("no evidence: nothing was sent in {} valid day{}",
                       finding.horizon.valid_days, finding.horizon.valid_days == 1 ? "" : "s");
  }
  return "no evidence: " + (finding.unseen ? finding.unseen->why : "nothing was seen of it");
}

}  // namespace outflow::analysis
