// How an owner of addresses stands in the store (table O of record.h). Pure.
//
// Kept is what attribution needs of one that is gone: who it was and when it had which addresses. A
// service's ports, selector and outside addresses, and a node's pod networks, are not.
#pragma once

#include <string>
#include <string_view>

#include "aggregator/inventory/model.h"

namespace outflow::store {

[[nodiscard]] std::string held_key(const inventory::Held& held);
[[nodiscard]] std::string held_value(const inventory::Held& held);
// False: these bytes are no such record.
[[nodiscard]] bool read_held(std::string_view key, std::string_view value, inventory::Held& held);

[[nodiscard]] std::string heard_key();
[[nodiscard]] std::string heard_value(TimePoint heard);
[[nodiscard]] bool read_heard(std::string_view value, TimePoint& heard);

}  // namespace outflow::store
