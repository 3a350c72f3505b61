#include "aggregator/names/weigh.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "aggregator/names/rules.h"

namespace outflow::names {
namespace {

using attribution::Basis;
using attribution::Naming;

struct Weight {
  Sighting sighting;
  double share = 0;
  bool said = false;
};

std::uint16_t worth(Basis basis) {
  if (basis == Basis::Pod) return kPodPermille;
  return basis == Basis::Node ? kNodePermille : kClusterPermille;
}

void add_look(const Look& look, std::vector<Weight>& weights) {
  if (look.sightings.empty()) return;
  TimePoint newest = look.sightings.front().answered;
  for (const Sighting& one : look.sightings) newest = std::max(newest, one.answered);
  const double tau = std::chrono::duration<double>(kTau).count();
  std::vector<double> parts;
  double sum = 0;
  for (const Sighting& one : look.sightings) {
    // Only the differences of ages matter, and they do not underflow all at once.
    const double age = std::chrono::duration<double>(newest - one.answered).count();
    sum += parts.emplace_back(std::exp(-age / tau));
  }
  for (std::size_t at = 0; at < parts.size(); ++at) {
    const Sighting& one = look.sightings[at];
    auto same = std::find_if(weights.begin(), weights.end(), [&](const Weight& weight) {
      return weight.sighting.name == one.name;
    });
    if (same == weights.end()) same = weights.insert(same, Weight{one});
    // The look that knows best.
    if (one.basis < same->sighting.basis) same->sighting = one;
    same->share += parts[at] / sum;
  }
}

// Every share, of those that were said where any was.
std::vector<Weight> shared(std::vector<Weight> weights, std::span<const Said> said) {
  double sum = 0;
  std::vector<Weight> spoken;
  for (Weight& weight : weights) {
    for (const Said& one : said) {
      if (one.name != weight.sighting.name) continue;
      spoken.push_back({weight.sighting, static_cast<double>(one.count), true});
    }
  }
  if (!spoken.empty()) weights = std::move(spoken);
  for (const Weight& weight : weights) sum += weight.share;
  for (Weight& weight : weights) weight.share /= sum;
  return weights;
}

Verdict verdict_of(std::vector<Weight> weights) {
  Verdict verdict;
  if (weights.empty()) return verdict;
  std::sort(weights.begin(), weights.end(), [](const Weight& a, const Weight& b) {
    return std::tie(b.share, a.sighting.name) < std::tie(a.share, b.sighting.name);
  });
  for (const Weight& weight : weights) {
    if (weight.share < kShareMin && !verdict.shares.empty()) continue;
    const Sighting& one = weight.sighting;
    const auto permille = static_cast<std::uint16_t>(std::lround(weight.share * worth(one.basis)));
    verdict.shares.push_back({one.name, one.target, permille, one.basis, weight.said});
  }
  if (verdict.shares.size() > attribution::kCandidatesMax) {
    verdict.shares.resize(attribution::kCandidatesMax);
  }
  const bool certain = weights.front().share >= kShareCertain;
  verdict.naming = certain ? Naming::Named : Naming::Ambiguous;
  return verdict;
}

}  // namespace

Verdict weigh(std::span<const Look> looks, std::span<const Said> said) {
  std::vector<Weight> weights;
  for (const Look& look : looks) add_look(look, weights);
  return verdict_of(shared(std::move(weights), said));
}

void decide(Verdict& verdict, std::span<const Said> said) {
  std::vector<Weight> weights;
  bool any = false;
  for (const Share& share : verdict.shares) {
    weights.push_back({{share.name, share.target, share.basis, {}},
                       static_cast<double>(share.permille) / worth(share.basis),
                       share.said});
    any = any || std::any_of(said.begin(), said.end(),
                             [&](const Said& one) { return one.name == share.name; });
  }
  if (any) verdict = verdict_of(shared(std::move(weights), said));
}

}  // namespace outflow::names
