#include "aggregator/cli/views.h"

#include <algorithm>
#include <array>
#include <map>

#include <fmt/format.h>

namespace outflow::cli {
namespace {

constexpr std::size_t kPortsShown = 3;
constexpr std::size_t kNamesShown = 3;

template <class Texts>
std::string joined(const Texts& texts, std::size_t most) {
  std::string text;
  std::size_t count = 0;
  for (const auto& one : texts) {
    if (count++ < most) text += (text.empty() ? "" : ",") + std::string(one);
  }
  if (count > most) text += fmt::format(",+{}", count - most);
  return text;
}

template <class Texts>
std::string joined(const Texts& texts) {
  return joined(texts, static_cast<std::size_t>(-1));
}

template <class Counts>
std::string counts_text(const Counts& counts) {
  std::string text;
  for (const auto& count : counts) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count.reason(), count.count());
  }
  return text;
}

std::string number(std::uint64_t value) {
  return std::to_string(value);
}

Cell horizon_cell(const v1::Horizon& horizon) {
  const bool enough = horizon.valid_days() >= horizon.wanted_days();
  return {horizon_text(horizon), enough ? Tone::Good : Tone::Warn};
}

Tone tone_of_state(const std::string& state) {
  if (state == "reporting") return Tone::Good;
  return state == "late" ? Tone::Warn : Tone::Bad;
}

Tone tone_of_tier(const std::string& tier) {
  if (tier == "D") return Tone::Bad;
  if (tier == "C") return Tone::Warn;
  return tier == "-" ? Tone::Plain : Tone::Good;
}

struct StatusMeaning {
  std::string_view status;
  Tone tone;
  std::string_view meaning;
};
// Every status of query.proto in the order of the table: what is seen, what is safe, what is not.
constexpr std::array<StatusMeaning, 8> kStatuses{{
    {"observed", Tone::Good, "egress was seen"},
    {"idle", Tone::Good, "pods were watched, no egress at all"},
    {"no-pods", Tone::Plain, "no pod runs: nothing to judge yet"},
    {"host-network", Tone::Plain, "traffic leaves with the node's address: no policy selects it"},
    {"agent-missing", Tone::Bad, "runs on nodes without an agent"},
    {"agent-gap", Tone::Warn, "the agent was away part of the time"},
    {"not-observed", Tone::Warn, "pods run, but none was hooked"},
    {"not-in-inventory", Tone::Warn, "traffic was seen, the inventory has no such namespace"},
}};

Tone tone_of_status(const std::string& status) {
  const auto* const found = std::find_if(kStatuses.begin(), kStatuses.end(),
                                         [&](const auto& known) { return known.status == status; });
  return found == kStatuses.end() ? Tone::Warn : found->tone;
}

View coverage_by_status(const v1::CoverageAnswer& answer) {
  View view{
      {},
      Table({{"STATUS"}, {"NS", Align::Right}, {"PODS", Align::Right}, {"WHY"}, {"NAMESPACES"}}),
      {}};
  std::uint64_t pods_total = 0;
  for (const auto& known : kStatuses) {
    std::uint64_t pods = 0;
    std::vector<std::string> names;
    std::string reason;
    for (const auto& item : answer.items()) {
      if (item.status() != known.status) continue;
      pods += item.pods();
      names.push_back(item.namespace_());
      reason = item.reason();
    }
    if (names.empty()) continue;
    pods_total += pods;
    view.table.add({{std::string(known.status), known.tone},
                    number(names.size()),
                    number(pods),
                    names.size() == 1 && !reason.empty() ? reason : std::string(known.meaning),
                    joined(names, kNamesShown)});
  }
  view.table.add({"TOTAL", number(static_cast<std::uint64_t>(answer.items_size())),
                  number(pods_total), "", ""});
  return view;
}

View coverage_by_namespace(const v1::CoverageAnswer& answer) {
  View view{{},
            Table({{"NAMESPACE"},
                   {"STATUS"},
                   {"PODS", Align::Right},
                   {"WATCHED", Align::Right},
                   {"FLOWS", Align::Right},
                   {"HORIZON", Align::Right},
                   {"LAST-SEEN"},
                   {"WHY"}}),
            {}};
  for (const auto& item : answer.items()) {
    view.table.add({item.namespace_(),
                    {item.status(), tone_of_status(item.status())},
                    number(item.pods()),
                    number(item.pods_watched()),
                    number(item.flows()),
                    horizon_cell(item.horizon()),
                    item.last_seen(),
                    item.reason()});
  }
  return view;
}

// How many of the destinations outside have a name in doubt; "" when none has.
std::string doubts_of(const v1::FanoutAnswer& answer) {
  std::uint64_t ambiguous = 0;
  std::uint64_t unknown = 0;
  for (const auto& item : answer.items()) {
    ambiguous += item.ambiguous();
    unknown += item.name_unknown();
  }
  std::string text;
  if (ambiguous > 0) {
    text = fmt::format("in doubt: {} of NAME are ambiguous (no name is 0.9 likely)", ambiguous);
  }
  if (unknown > 0) {
    text += fmt::format("{}{} of CIDR and RAW may have a name that was not seen",
                        text.empty() ? "in doubt: " : ", ", unknown);
  }
  return text.empty() ? "" : text + "; -o wide has them by namespace";
}

}  // namespace

std::string horizon_text(const v1::Horizon& horizon) {
  const bool more = horizon.valid_days() > horizon.wanted_days();
  return fmt::format("{}{}/{}{}", more ? horizon.wanted_days() : horizon.valid_days(),
                     more ? "+" : "", horizon.wanted_days(), horizon.incomplete() ? "!" : "");
}

std::string port_text(std::uint32_t port, const std::string& protocol) {
  if (port != 0) return fmt::format("{}/{}", port, protocol);
  const bool is_number = !protocol.empty() && protocol.front() >= '0' && protocol.front() <= '9';
  return is_number ? "proto-" + protocol : protocol;
}

std::vector<std::string> footer(const v1::Context& context) {
  std::vector<std::string> lines;
  lines.push_back(context.from().empty()
                      ? fmt::format("window: no data up to {}", context.to())
                      : fmt::format("window: {} .. {}", context.from(), context.to()));
  lines.back() += fmt::format("; horizon: valid days of {} wanted", context.days_wanted());
  lines.push_back(fmt::format("nodes: {} in the inventory, {} reporting; losses: {}",
                              context.nodes(), context.nodes_reporting(),
                              context.losses().empty() ? "none" : counts_text(context.losses())));
  if (!context.name_losses().empty()) {
    lines.push_back("names that may be missing, flows are not: " +
                    counts_text(context.name_losses()));
  }
  if (!context.missing_nodes().empty()) {
    lines.push_back("nodes without an agent: " + joined(context.missing_nodes()));
  }
  if (!context.incomplete_nodes().empty()) {
    lines.push_back("nodes with losses or gaps (\"!\" after a horizon): " +
                    joined(context.incomplete_nodes()));
  }
  const bool read = !context.inventory_as_of().empty();
  std::string inventory =
      read ? "inventory: of " + context.inventory_as_of() : "inventory: none was read";
  if (read && context.inventory_stale()) inventory += ", stale";
  if (!context.inventory_error().empty()) inventory += ": " + context.inventory_error();
  lines.push_back(inventory);
  if (context.hidden_namespaces() > 0) {
    lines.push_back(
        fmt::format("{} namespaces hidden: not permitted", context.hidden_namespaces()));
  }
  return lines;
}

View view_of(const v1::StatusAnswer& answer) {
  View view{{},
            Table({{"NODE"},
                   {"STATE"},
                   {"LAST-REPORT"},
                   {"BEHIND", Align::Right},
                   {"INTERFACES", Align::Right},
                   {"LOSSES-TODAY"},
                   {"AGENT", Align::Left, true},
                   {"SEQUENCE", Align::Right, true},
                   {"BOOT", Align::Left, true},
                   {"SKIPPED-TODAY", Align::Left, true}}),
            {}};
  view.above = {
      fmt::format("aggregator {}, rules {}", answer.version(), answer.rule_set()),
      fmt::format("{} namespaces, {} pods, about {} flow records", answer.namespaces(),
                  answer.pods(), answer.flows_stored()),
      fmt::format("batches since start: {} merged, {} repeated, {} refused",
                  answer.batches_merged(), answer.batches_repeated(), answer.batches_refused())};
  for (const auto& node : answer.items()) {
    const bool seen = !node.last_report().empty();
    view.table.add({node.node(),
                    {node.state(), tone_of_state(node.state())},
                    node.last_report(),
                    seen ? fmt::format("{:.0f}s", node.seconds_behind()) : "",
                    seen ? number(node.interfaces()) : "",
                    seen && node.losses().empty() ? "none" : counts_text(node.losses()),
                    node.agent_version(),
                    number(node.sequence()),
                    node.boot(),
                    counts_text(node.skipped())});
  }
  return view;
}

View view_of(const v1::CoverageAnswer& answer, bool each) {
  return each ? coverage_by_namespace(answer) : coverage_by_status(answer);
}

View view_of(const v1::FanoutAnswer& answer, bool wide) {
  View view{{},
            Table({{"NAMESPACE"},
                   {"DEST", Align::Right},
                   {"POD-NS", Align::Right},
                   {"SVC", Align::Right},
                   {"EXT", Align::Right},
                   {"NAME", Align::Right},
                   {"CIDR", Align::Right},
                   {"RAW", Align::Right},
                   {"OTHER", Align::Right},
                   {"OWN", Align::Right},
                   {"AMBIGUOUS", Align::Right, true},
                   {"NAME-UNKNOWN", Align::Right, true},
                   {"UNANSWERED", Align::Right, true},
                   {"INFERRED", Align::Right, true},
                   {"HORIZON", Align::Right},
                   {"FIRST-SEEN", Align::Left, true},
                   {"LAST-SEEN"},
                   {"EVIDENCE", Align::Left, true},
                   {"PORTS"}}),
            {}};
  for (const auto& item : answer.items()) {
    view.table.add({item.namespace_(), number(item.destinations()), number(item.pod_namespaces()),
                    number(item.services()), number(item.external()), number(item.names()),
                    number(item.cidrs()), number(item.raw_addresses()), number(item.other()),
                    number(item.own()), number(item.ambiguous()), number(item.name_unknown()),
                    number(item.unanswered()), number(item.inferred()),
                    horizon_cell(item.horizon()), item.first_seen(), item.last_seen(),
                    joined(item.evidence()),
                    wide ? joined(item.ports()) : joined(item.ports(), kPortsShown)});
  }
  view.below = {
      "DEST = POD-NS + SVC + EXT + OTHER, distinct peers without port; OWN (same namespace) is "
      "apart",
      "EXT = NAME + CIDR + RAW: a name the pods asked for, a published or own range dialled "
      "without one, a bare address"};
  const std::string doubts = doubts_of(answer);
  if (!doubts.empty()) view.below.push_back(doubts);
  return view;
}

View view_of(const v1::TiersAnswer& answer) {
  View view{{},
            Table({{"NAMESPACE"},
                   {"TIER"},
                   {"INTERNAL", Align::Right},
                   {"EXTERNAL", Align::Right},
                   {"RAW", Align::Right},
                   {"HORIZON", Align::Right},
                   {"RULE"},
                   {"BOUNDARY", Align::Left, true},
                   {"NOT-EVALUATED", Align::Left, true}}),
            {}};
  std::map<std::string, std::uint64_t> letters;
  for (const auto& item : answer.items()) {
    view.table.add({item.namespace_(),
                    {item.tier(), tone_of_tier(item.tier())},
                    number(item.internal()),
                    number(item.external()),
                    number(item.external_raw()),
                    horizon_cell(item.horizon()),
                    item.rule(),
                    item.boundary(),
                    joined(item.not_evaluated())});
    ++letters[item.tier()];
  }
  std::string sums;
  for (const char* letter : {"A", "B", "C", "D"}) {
    sums += fmt::format("{}{} {}", sums.empty() ? "" : "  ", letter, letters[letter]);
  }
  if (letters.contains("-")) sums += fmt::format("  no evidence {}", letters["-"]);
  view.below = {"tiers: " + sums, "rule set: " + answer.rule_set()};
  return view;
}

}  // namespace outflow::cli
