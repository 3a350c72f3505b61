// What stands in the store, as keys and values. A key starts with the byte of its table; a value
// starts with the version of its encoding. Pure; nothing here knows the database.
//
//   F namespace day node interface source destination port protocol evidence apart peer
//                                  -> what else is known of both ends, stats
//   D namespace day name address node interface
//                                  -> what a pod was told of the name, when, and by whom
//   N day node                     -> how well the node was watched that day
//   P day namespace node           -> the namespace had an interface there
//   M node boot                    -> sequence merged last, end of its interval
//   A node                         -> the boot that reported last, for the table of nodes
//   L day digest                   -> a log line already merged
//   O kind namespace name uid first -> one life of an owner of addresses, and when it had them
//   H                              -> up to when the live inventory was told
//   V                              -> version of the format, and whose store this is
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "aggregator/store/history.h"

namespace outflow::store {

class Reader;
class Writer;

enum class Table : char {
  Flows = 'F',
  Names = 'D',
  NodeDays = 'N',
  Presences = 'P',
  Marks = 'M',
  Agents = 'A',
  LogLines = 'L',
  Owners = 'O',
  Heard = 'H',
  Format = 'V',
};

// Name and version. Another encoding of keys is another format; another encoding of values is
// another version byte, read beside the older ones. Format 3 is format 2 with names: a table more,
// and a value of flows more. A program of before would not only fail to read those, its merges
// would drop what is newer beside them; so it is made to refuse the store.
inline constexpr std::string_view kFormat = "outflow-store/3";
// What this program reads as its own, and marks as kFormat when it opens it.
inline constexpr std::string_view kFormatNameless = "outflow-store/2";

[[nodiscard]] std::string format_key();
[[nodiscard]] std::string table_key(Table table);         // first of the table
[[nodiscard]] std::string table_end(Table table);         // after the last of the table
[[nodiscard]] std::string day_key(Table table, Day day);  // first of the day; N, P, L
// F and D: first of the namespace, after its last, and first of its day.
[[nodiscard]] std::string namespace_key(std::string_view namespace_name,
                                        Table table = Table::Flows);
[[nodiscard]] std::string namespace_end(std::string_view namespace_name,
                                        Table table = Table::Flows);
[[nodiscard]] std::string namespace_day_key(std::string_view namespace_name, Day day,
                                            Table table = Table::Flows);

[[nodiscard]] std::string flow_key(const History& history);
// Fills day, raw, the source's namespace and who the peer is. False: these bytes are no such key.
[[nodiscard]] bool read_flow_key(std::string_view key, History& history);
// Its last part: who the peer is.
[[nodiscard]] std::string flow_key_peer(const attribution::Peer& peer);
[[nodiscard]] std::string flow_value(const History& history);
// Fills the rest of the source, peer, naming and stats; a value of before has no naming.
[[nodiscard]] bool read_flow_value(std::string_view value, History& history);

// Counters and times, one encoding in the values of every format so far: another one is another
// function.
void write_stats(Writer& out, const FlowStats& stats);
void read_stats(Reader& in, FlowStats& stats);

// Adds what is newer to what is there, of the same key. Counters are summed; of what is told about
// both ends beside who they are, the newest wins; candidates of a name are joined.
void merge_into(History& history, const History& newer);

[[nodiscard]] std::string node_day_key(Day day, std::string_view node);
[[nodiscard]] std::string node_day_value(const NodeDay& node_day);
[[nodiscard]] bool read_node_day(std::string_view key, std::string_view value, NodeDay& node_day);

[[nodiscard]] std::string presence_key(const Presence& presence);
[[nodiscard]] std::string presence_value();
[[nodiscard]] bool read_presence(std::string_view key, Presence& presence);

// Where one boot of a node stands.
struct BootMark {
  std::string node;
  BootId boot{};
  std::uint64_t sequence = 0;
  TimePoint last_end{};
};
[[nodiscard]] std::string boot_key(std::string_view node, const BootId& boot);
[[nodiscard]] std::string boot_value(const BootMark& mark);
[[nodiscard]] bool read_boot(std::string_view key, std::string_view value, BootMark& mark);

[[nodiscard]] std::string agent_key(std::string_view node);
[[nodiscard]] std::string agent_value(const NodeMark& mark);
[[nodiscard]] bool read_agent(std::string_view key, std::string_view value, NodeMark& mark);

[[nodiscard]] std::string log_line_key(Day day, const std::array<std::uint8_t, 16>& digest);

// A key as a person reads it in an error.
[[nodiscard]] std::string describe_key(std::string_view key);

}  // namespace outflow::store
