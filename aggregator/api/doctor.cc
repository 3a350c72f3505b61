#include "aggregator/api/doctor.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "aggregator/api/doctor_check.h"
#include "common/text.h"

namespace outflow::api {
namespace {

constexpr std::size_t kNamesShown = 10;

std::string names_text(const std::vector<std::string>& names) {
  const auto shown = std::min(names.size(), kNamesShown);
  std::string text = fmt::format(
      "{}", fmt::join(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(shown), ", "));
  if (names.size() > shown) text += fmt::format(" and {} more", names.size() - shown);
  return text;
}

Finding inventory_finding(const DoctorSight& sight) {
  const bool read = sight.inventory_as_of != TimePoint();
  if (!read && !sight.needs_inventory) {
    return {kWarn, "none: nothing can be attributed",
            "start the aggregator with --kube, --kubeconfig or --inventory-file"};
  }
  if (!read) return {kFail, "never read: " + sight.inventory_error, "see the aggregator's log"};
  const nanoseconds age = sight.now - sight.inventory_as_of;
  const std::string found = fmt::format("as of {}, {} old", to_text(sight.inventory_as_of),
                                        span_text(std::max(age, nanoseconds(0))));
  if (!sight.inventory_error.empty()) {
    return {kWarn, found + "; the newest was not taken: " + sight.inventory_error,
            "answers still use the old one; repair what it names"};
  }
  if (age > kInventoryOld) {
    return {kWarn, found, "let whoever writes the inventory run again, or watch the API server"};
  }
  return {kOk, found, ""};
}

Finding agents_finding(const DoctorSight& sight) {
  std::vector<std::string> missing;
  std::size_t expected = 0;
  std::size_t seen = 0;
  for (const NodeSight& node : sight.nodes) {
    const bool reported = node.last_report != TimePoint();
    seen += reported ? 1 : 0;
    expected += node.in_inventory ? 1 : 0;
    if (node.in_inventory && !reported) missing.push_back(node.name);
  }
  std::string found = fmt::format("{} of {} nodes", expected - missing.size(), expected);
  if (seen > expected - missing.size()) {
    found += fmt::format(", and {} the inventory does not have", seen + missing.size() - expected);
  }
  if (seen > 0 && sight.inventory_as_of == TimePoint()) {
    return {kUnknown, fmt::format("{} nodes report; how many there are is not known", seen),
            "an inventory has to be read"};
  }
  if (seen == 0) {
    return {kFail, "no agent has ever reported", "start agents: their log says what stops them"};
  }
  if (missing.empty()) return {kOk, found, ""};
  return {kWarn, found + "; none on " + names_text(missing),
          "what leaves these nodes is not seen; let the DaemonSet run there, or accept it"};
}

Finding store_finding(const store::StoreState& store) {
  const auto mebibytes = [](std::uint64_t bytes) {
    return static_cast<double>(bytes) / (1U << 20U);
  };
  const std::string found =
      fmt::format("{}, {:.1f} MiB, about {} flow records, {:.0f} MiB free", store.format,
                  mebibytes(store.bytes), store.records, mebibytes(store.disk_free));
  if (store.disk_total == 0) return {kUnknown, found, "the disk could not be asked"};
  const char* const advice = "give the volume more room, or keep less (--retention)";
  if (store.disk_free < kDiskFreeFail) return {kFail, found, advice};
  const double share = static_cast<double>(store.disk_free) / static_cast<double>(store.disk_total);
  return {share < kDiskShareWarn ? kWarn : kOk, found, advice};
}

}  // namespace

std::string span_text(nanoseconds span) {
  using std::chrono::floor;
  if (span < std::chrono::minutes(1)) return to_text(floor<std::chrono::milliseconds>(span));
  return to_text(floor<std::chrono::minutes>(span));
}

Finding certificate_finding(TimePoint expiry, TimePoint now, nanoseconds soon,
                            const std::string& advice) {
  if (expiry <= now) {
    return {kFail, fmt::format("ended {}", to_text(expiry)), advice};
  }
  const std::string found = fmt::format("ends {}, in {}", to_text(expiry), span_text(expiry - now));
  return {expiry - now < soon ? kWarn : kOk, found, advice};
}

std::vector<v1::DoctorCheck> examine(const DoctorSight& sight) {
  std::vector<v1::DoctorCheck> all;
  Checks checks(all, "");
  checks.add("inventory", "read, younger than 24h, no error", inventory_finding(sight));
  checks.add("agents", "one on every node of the inventory", agents_finding(sight));
  checks.add("store", "at least 256 MiB and a tenth of the disk free", store_finding(sight.store));
  checks.add("certificate", "7d or longer",
             sight.certificate_expiry
                 ? certificate_finding(*sight.certificate_expiry, sight.now, kCertificateSoon,
                                       "renew the aggregator's certificate (--tls-cert)")
                 : Finding{kWarn, "none: the wire is plaintext",
                           "give the aggregator --tls-cert, --tls-key and --tls-ca"});
  if (sight.facts_refused > 0) {
    checks.add("facts", "room for every node",
               {kWarn, fmt::format("{} tellings of nodes had no room", sight.facts_refused),
                "there are more names of nodes than a cluster has: look who reports"});
  }
  if (sight.feeds) examine_feeds(*sight.feeds, sight.now, all);
  checks.add("version", sight.version, {kOk, sight.version, ""});
  for (const NodeSight& node : sight.nodes) {
    if (node.last_report != TimePoint()) examine_node(node, sight, all);
  }
  return all;
}

}  // namespace outflow::api
