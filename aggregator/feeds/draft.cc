#include "aggregator/feeds/draft.h"

#include <algorithm>
#include <array>
#include <utility>

#include "aggregator/inventory/json_value.h"
#include "common/net/special.h"

namespace outflow::feeds {
namespace {

constexpr std::array<std::string_view, 7> kRefusalNames{
    "no-prefix", "host-bits", "default-route", "special-purpose",
    "too-wide",  "bad-name",  "duplicate"};

bool has_host_bits(std::string_view text, const net::Prefix& prefix) {
  const auto written = net::Address::parse(text.substr(0, text.find('/')));
  return !written || *written != prefix.address();
}

bool is_too_wide(const net::Prefix& prefix) {
  return prefix.length() < (prefix.address().is_v4() ? kShortestV4 : kShortestV6);
}

bool may_stand(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

}  // namespace

std::string_view to_text(Refusal refusal) {
  return kRefusalNames[static_cast<std::size_t>(refusal)];
}

std::optional<Refusal> refusal_of(std::string_view text, bool own) {
  const auto prefix = net::Prefix::parse(text);
  if (!prefix) return Refusal::NoPrefix;
  if (has_host_bits(text, *prefix)) return Refusal::HostBits;
  if (prefix->length() == 0) return Refusal::DefaultRoute;
  const net::Special special = net::special_of(*prefix);
  if (special == net::Special::Private && own) return std::nullopt;
  if (special != net::Special::None) return Refusal::SpecialPurpose;
  if (is_too_wide(*prefix)) return Refusal::TooWide;
  return std::nullopt;
}

std::optional<std::string> class_part(std::string_view text) {
  std::string part(text);
  if (part.size() > kPartMax) return std::nullopt;
  for (char& c : part) {
    if (c < ' ' || c > '~') return std::nullopt;
    if (!may_stand(c)) c = '-';
  }
  return part;
}

void Draft::refuse(Refusal refusal, std::string_view text, std::string_view place) {
  Refused& refused = refused_[refusal];
  if (refused.count++ > 0) return;
  refused.first = std::string(place).append(": '").append(inventory::printable(text)) + "'";
}

void Draft::add(std::string_view prefix, RangeClass range_class, std::string_view place) {
  if (is_full()) return;
  if (const auto refusal = refusal_of(prefix, false)) return refuse(*refusal, prefix, place);
  auto service = class_part(range_class.service);
  auto region = class_part(range_class.region);
  if (!service) return refuse(Refusal::BadName, range_class.service, place);
  if (!region) return refuse(Refusal::BadName, range_class.region, place);
  range_class.service = *std::move(service);
  range_class.region = *std::move(region);
  if (told_.direction) range_class.direction = *told_.direction;
  if (told_.shared) range_class.shared = true;
  const auto next = static_cast<std::uint32_t>(classes_.size());
  const auto [at, is_new] = classes_.try_emplace(std::move(range_class), next);
  ranges_.push_back({*net::Prefix::parse(prefix), at->second});
}

Result<Loaded> Draft::finish() && {
  if (is_full()) return fail("has more than " + std::to_string(kRangesMax) + " prefixes");
  if (ranges_.empty()) {
    std::string why = "has no prefix that can be used";
    for (const auto& [refusal, refused] : refused_) {
      why.append("; ").append(std::to_string(refused.count)).append(" refused as ");
      why.append(to_text(refusal)).append(" (").append(refused.first).append(")");
    }
    return fail(std::move(why));
  }
  std::sort(ranges_.begin(), ranges_.end());
  const auto again = std::adjacent_find(ranges_.begin(), ranges_.end());
  if (again != ranges_.end()) {
    const std::string first = "'" + again->prefix.to_string() + "'";
    const auto end = std::unique(ranges_.begin(), ranges_.end());
    refused_[Refusal::Duplicate] = {static_cast<std::uint64_t>(ranges_.end() - end), first};
    ranges_.erase(end, ranges_.end());
  }
  Loaded loaded;
  loaded.classes.resize(classes_.size());
  for (const auto& [range_class, at] : classes_) loaded.classes[at] = range_class;
  loaded.ranges = std::move(ranges_);
  loaded.refused = std::move(refused_);
  return loaded;
}

}  // namespace outflow::feeds
