// The views that lead to single destinations: flows, explain, and what compares namespaces or days.
#include <sstream>

#include <fmt/format.h>

#include "aggregator/cli/views.h"

namespace outflow::cli {
namespace {

constexpr int kNamesShown = 20;

std::string number(std::uint64_t value) {
  return std::to_string(value);
}

std::string joined(const google::protobuf::RepeatedPtrField<std::string>& texts) {
  std::string text;
  for (const auto& one : texts) text += (text.empty() ? "" : ",") + one;
  return text;
}

Cell horizon_cell(const v1::Horizon& horizon) {
  const bool enough = horizon.valid_days() >= horizon.wanted_days();
  return {horizon_text(horizon), enough ? Tone::Good : Tone::Warn};
}

void add_counts(const google::protobuf::RepeatedPtrField<v1::NamedCount>& counts,
                const std::string& what, Table& table) {
  for (const auto& count : counts) table.add({what, number(count.count()), count.reason()});
}

// "in AWS/GLOBALACCELERATOR/GLOBAL, 99.83.128.0/17, shared by many tenants (feed ...)".
std::string range_text(const v1::ExplainAnswer& answer) {
  std::string text = "in " + answer.provider();
  if (!answer.provider_range().empty()) text += ", " + answer.provider_range();
  if (answer.shared()) text += ", shared by many tenants";
  if (!answer.provider_source().empty()) text += " (" + answer.provider_source() + ")";
  return text;
}

// What DNS told, as a table of its own above the one of who dialled.
void add_names(const v1::ExplainAnswer& answer, std::vector<std::string>& lines) {
  if (answer.names().empty()) return;
  Table table({{"NAME"},
               {"ADDRESS"},
               {"CONF", Align::Right},
               {"BASIS"},
               {"ANSWERS", Align::Right},
               {"TTL", Align::Right},
               {"CNAME"},
               {"RESOLVER"},
               {"LAST-ANSWER"},
               {"TOLD-TO"}});
  int shown = 0;
  for (const auto& name : answer.names()) {
    if (shown++ == kNamesShown) break;
    const std::string resolver = name.resolver() + (name.trusted() ? "" : " (not trusted)");
    table.add({name.name(), name.address(),
               name.basis().empty() ? "not dialled" : fmt::format("{:.2f}", name.confidence()),
               name.basis(), number(name.answers()),
               name.answers() > 0 ? fmt::format("{}s", name.ttl_s()) : "", name.target(),
               name.answers() > 0 ? resolver : "", name.last_answered(),
               joined(name.namespaces())});
  }
  lines.emplace_back("");
  std::istringstream rows(table.take(Look()));
  for (std::string line; std::getline(rows, line);) lines.push_back("  " + line);
  if (answer.names_size() > kNamesShown) {
    lines.push_back(fmt::format("  and {} more: -o json", answer.names_size() - kNamesShown));
  }
}

// "api.example.com 0.98 pod, cdn.example.net 0.02 node".
std::string names_text(const google::protobuf::RepeatedPtrField<v1::NameCandidate>& names) {
  std::string text;
  for (const auto& name : names) {
    text += fmt::format("{}{} {:.2f} {}{}", text.empty() ? "" : ", ", name.name(),
                        name.confidence(), name.basis(), name.said() ? " said" : "");
  }
  return text;
}

}  // namespace

std::string said_text(const google::protobuf::RepeatedPtrField<v1::SaidByPod>& said) {
  std::string text;
  for (const auto& one : said) {
    text += fmt::format("{}{} {} x{}{}", text.empty() ? "" : ", ", one.by(),
                        one.name().empty() ? "(no name)" : one.name(), one.count(),
                        one.ech() ? " (ECH: the outer name)" : "");
  }
  return text;
}

Table flows_table() {
  return Table({{"DAY"},
                {"NAMESPACE"},
                {"WORKLOAD"},
                {"POD", Align::Left, true},
                {"NODE", Align::Left, true},
                {"INTERFACE", Align::Left, true},
                {"SOURCE", Align::Left, true},
                {"DESTINATION"},
                {"PORT", Align::Right},
                {"KIND"},
                {"PEER"},
                {"WHY", Align::Left, true},
                {"NAMING"},
                {"NAMES", Align::Left, true},
                {"SAID", Align::Left, true},
                {"RANGE", Align::Left, true},
                {"ESTAB", Align::Right},
                {"ATTEMPTS", Align::Right},
                {"REFUSED", Align::Right},
                {"PACKETS", Align::Right},
                {"BYTES", Align::Right},
                {"FIRST-SEEN", Align::Left, true},
                {"LAST-SEEN"},
                {"EVIDENCE", Align::Left, true},
                {"FLAGS"}});
}

void add_rows(const v1::FlowsAnswer& part, Table& table) {
  for (const auto& row : part.items()) {
    table.add({row.day(),
               row.namespace_(),
               row.workload(),
               row.pod(),
               row.node(),
               row.interface(),
               row.source(),
               row.destination(),
               port_text(row.port(), row.protocol()),
               row.peer_kind(),
               row.peer(),
               row.peer_reason(),
               row.naming(),
               names_text(row.names()),
               said_text(row.said()),
               row.provider(),
               number(row.established()),
               number(row.attempts()),
               number(row.refused()),
               number(row.packets()),
               number(row.bytes()),
               row.first_seen(),
               row.last_seen(),
               row.evidence(),
               joined(row.flags())});
  }
}

View view_of(const v1::ExplainAnswer& answer) {
  View view{{},
            Table({{"NAMESPACE"},
                   {"WORKLOAD"},
                   {"PODS", Align::Right},
                   {"DESTINATION"},
                   {"PORT", Align::Right},
                   {"PEER"},
                   {"NAMING"},
                   {"NAMES", Align::Left, true},
                   {"SAID", Align::Left, true},
                   {"DAYS", Align::Right},
                   {"ESTAB", Align::Right},
                   {"ATTEMPTS", Align::Right},
                   {"REFUSED", Align::Right},
                   {"PACKETS", Align::Right, true},
                   {"BYTES", Align::Right},
                   {"FIRST-SEEN", Align::Left, true},
                   {"LAST-SEEN"},
                   {"HORIZON", Align::Right},
                   {"POLICY"}}),
            {}};
  std::string head = fmt::format("{}  {}", answer.destination(), answer.peer_kind());
  if (!answer.peer().empty() && answer.peer() != answer.destination()) head += "  " + answer.peer();
  if (!answer.peer_reason().empty()) head += fmt::format("  ({})", answer.peer_reason());
  view.above.push_back(head);
  if (!answer.provider().empty()) view.above.push_back("  " + range_text(answer));
  for (const auto& note : answer.notes()) view.above.push_back("  " + note);
  add_names(answer, view.above);
  for (const auto& row : answer.items()) {
    view.table.add({row.namespace_(), row.workload(), number(row.pods()), row.destination(),
                    port_text(row.port(), row.protocol()), row.peer(), row.naming(),
                    names_text(row.names()), said_text(row.said()), number(row.days()),
                    number(row.established()), number(row.attempts()), number(row.refused()),
                    number(row.packets()), number(row.bytes()), row.first_seen(), row.last_seen(),
                    horizon_cell(row.horizon()), row.rule()});
  }
  return view;
}

View view_of(const v1::BaselineAnswer& answer) {
  View view{{},
            Table({{"KIND"},
                   {"PEER"},
                   {"PORT", Align::Right},
                   {"NS", Align::Right},
                   {"PERCENT", Align::Right},
                   {"MISSING"}}),
            {}};
  for (const auto& row : answer.items()) {
    view.table.add({row.peer_kind(), row.peer(), port_text(row.port(), row.protocol()),
                    number(row.namespaces()), fmt::format("{:.1f}", row.percent()),
                    joined(row.missing())});
  }
  view.below = {fmt::format("of {} namespaces with observed egress", answer.observed_namespaces())};
  return view;
}

View view_of(const v1::NewAnswer& answer) {
  View view{{},
            Table({{"CHANGE"},
                   {"NAMESPACE"},
                   {"KIND"},
                   {"PEER"},
                   {"PORT", Align::Right},
                   {"FIRST-SEEN"},
                   {"ESTAB", Align::Right},
                   {"ATTEMPTS", Align::Right},
                   {"WORKLOAD"}}),
            {}};
  for (const auto& row : answer.items()) {
    view.table.add({{row.change(), row.change() == "new" ? Tone::Warn : Tone::Plain},
                    row.namespace_(),
                    row.peer_kind(),
                    row.peer(),
                    port_text(row.port(), row.protocol()),
                    row.first_seen(),
                    number(row.established()),
                    number(row.attempts()),
                    row.workload()});
  }
  view.below = {"since: " + answer.since()};
  return view;
}

View view_of(const v1::PlanAnswer& answer) {
  View view{
      {}, Table({{"WAVE"}, {"NAMESPACE"}, {"TIER"}, {"HORIZON", Align::Right}, {"REASON"}}), {}};
  for (const auto& row : answer.items()) {
    view.table.add(
        {row.wave(), row.namespace_(), row.tier(), horizon_cell(row.horizon()), row.reason()});
  }
  view.below = {"rule set: " + answer.rule_set()};
  return view;
}

View view_of(const v1::ImportAnswer& answer) {
  View view{{}, Table({{"LINES"}, {"COUNT", Align::Right}, {"REASON"}}), {}};
  view.table.add({"read", number(answer.lines()), ""});
  view.table.add({"imported", number(answer.imported()), "marked as log evidence"});
  view.table.add({"repeated", number(answer.repeated_lines()), "imported before: added nothing"});
  add_counts(answer.skipped(), "skipped", view.table);
  add_counts(answer.unreadable(), "unreadable", view.table);
  view.below = {"namespaces with evidence: " +
                (answer.items().empty() ? "none" : joined(answer.items()))};
  for (const auto& example : answer.examples()) view.below.push_back("unreadable: " + example);
  return view;
}

}  // namespace outflow::cli
