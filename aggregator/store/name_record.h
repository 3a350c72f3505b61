// What pods were told of names, and what a flow's record knows of its name, as keys and values.
// Pure; beside record.h, whose tables these are.
#pragma once

#include <string>
#include <string_view>

#include "aggregator/store/history.h"

namespace outflow::store {

class Reader;
class Writer;

// How long names are kept, whatever the retention of flows: the seven days a set of addresses and
// the estimate of a pool look back, the day under way, and one for an agent's clock or an expiry
// that is late. Older answers decide nothing any more: a flow's name stands in its own record.
inline constexpr std::chrono::days kNameDays{9};

// namespace day name address node interface
[[nodiscard]] std::string name_key(const NameRecord& record);
// Fills what the key holds. False: these bytes are no such key.
[[nodiscard]] bool read_name_key(std::string_view key, NameRecord& record);
[[nodiscard]] std::string name_value(const NameRecord& record);
// Fills the rest.
[[nodiscard]] bool read_name_value(std::string_view value, NameRecord& record);

// Adds what is newer to what is there, of the same key. Which of two is newer, the time of their
// last answers says: batches of several nodes, and a part sent again later, come in any order.
void merge_into(NameRecord& record, const NameRecord& other);

// Part of a flow's value. What is over the bounds of attribution/naming.h is not written, and
// spoils what is read.
void write_naming(Writer& out, const attribution::NameEvidence& evidence);
void read_naming(Reader& in, attribution::NameEvidence& evidence);

}  // namespace outflow::store
