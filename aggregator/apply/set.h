// A live network set on its way into the cluster: what the aggregator wants of it, what the cluster
// has of it, and by which rules the one becomes the other. Values; no room but this one knows them.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.h"
#include "common/net/prefix.h"

namespace outflow::apply {

// A GlobalNetworkSet that carries this label with its own name as value is Outflow's; no other is
// ever written to.
inline constexpr std::string_view kOwnLabel = "outflow.dev/set";
// Who we are to the API server: the owner of spec.nets, and of nothing else (server-side apply).
inline constexpr std::string_view kFieldManager = "outflow-sets";

using Labels = std::map<std::string, std::string>;

struct Wanted {
  std::string name;
  std::string namespace_name;  // whose policy uses it
  Labels labels = {};
  Labels annotations = {};
  std::vector<std::string> nets = {};  // as they were told: not checked yet
  bool usable = true;
  std::string reason = {};  // why it is not

  friend bool operator==(const Wanted&, const Wanted&) = default;
};

struct Current {
  std::string uid;
  std::string resource_version;  // what we read is what we change: the next write names it
  Labels labels = {};
  std::vector<net::Prefix> nets = {};  // sorted, each once
  // A net that is none, which somebody else must have written; such a set is left alone. "" = none.
  std::string odd_net = {};
};

// Whether what is missing in an answer may be taken for gone.
struct Trust {
  std::string why_not;  // "": it may
  [[nodiscard]] bool complete() const { return why_not.empty(); }
};

struct Rules {
  std::size_t nets_max = 10'000;  // of one set
  // Ranges of the inside that names may lead to; elsewhere there an answer opens nothing.
  std::vector<net::Prefix> private_allowed = {};
  bool may_empty = false;
  // An address leaves when every answer for so long did without it.
  nanoseconds remove_after = std::chrono::minutes(10);
};

// Whose sets are written; no namespaces at all means every one.
using Namespaces = std::set<std::string>;

struct Settings {
  Rules rules;
  Namespaces namespaces;
  bool create = false;
  bool dry_run = false;
};

// Something that is not done. `reason` is a word of the metrics; `what` a part of a log line.
struct Refusal {
  std::string reason;
  std::string what;

  friend bool operator==(const Refusal&, const Refusal&) = default;
};

// What may stand in a path: an RFC 1123 subdomain.
[[nodiscard]] bool is_name(const std::string& text);

}  // namespace outflow::apply
