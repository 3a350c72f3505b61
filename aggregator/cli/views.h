// Each answer as a person reads it: lines above, a table, lines below. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "aggregator/cli/table.h"
#include "outflow/v1/query.pb.h"

namespace outflow::cli {

struct View {
  std::vector<std::string> above;
  Table table;
  std::vector<std::string> below;
};

[[nodiscard]] View view_of(const v1::StatusAnswer& answer);
// One row a status; with `each` one row a namespace.
[[nodiscard]] View view_of(const v1::CoverageAnswer& answer, bool each);
[[nodiscard]] View view_of(const v1::FanoutAnswer& answer, bool wide);
[[nodiscard]] View view_of(const v1::TiersAnswer& answer);
[[nodiscard]] View view_of(const v1::ExplainAnswer& answer);
[[nodiscard]] View view_of(const v1::BaselineAnswer& answer);
[[nodiscard]] View view_of(const v1::NewAnswer& answer);
[[nodiscard]] View view_of(const v1::PlanAnswer& answer);
[[nodiscard]] View view_of(const v1::ImportAnswer& answer);
[[nodiscard]] View view_of(const v1::SetsAnswer& answer);
[[nodiscard]] View view_of(const v1::DoctorAnswer& answer);

// Flows come in parts: one table for all of them.
[[nodiscard]] Table flows_table();
void add_rows(const v1::FlowsAnswer& part, Table& table);

// What the answer rests on: window, nodes, losses, age of the inventory.
[[nodiscard]] std::vector<std::string> footer(const v1::Context& context);
// "3/7"; "7+/7" when there are more than wanted; "3/7!" when incomplete.
[[nodiscard]] std::string horizon_text(const v1::Horizon& horizon);
// "sni api.example.com x12, host api.example.com x3".
[[nodiscard]] std::string said_text(const google::protobuf::RepeatedPtrField<v1::SaidByPod>& said);
// "443/TCP", "ICMP"; "proto-47" for a protocol that has only a number.
[[nodiscard]] std::string port_text(std::uint32_t port, const std::string& protocol);

}  // namespace outflow::cli
