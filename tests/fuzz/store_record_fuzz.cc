// Any bytes as keys and values of the store: refused, or read as something that is written the same
// way again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "aggregator/store/held_record.h"
#include "aggregator/store/name_record.h"
#include "aggregator/store/record.h"

namespace {

using namespace outflow::store;

void check(bool holds) {
  if (!holds) std::abort();
}

void as_flow(std::string_view key, std::string_view value) {
  History history;
  if (read_flow_key(key, history)) check(flow_key(history) == key);
  History read;
  if (!read_flow_value(value, read)) return;
  History again;
  check(read_flow_value(flow_value(read), again));
  check(again.peer == read.peer && again.stats == read.stats && again.naming == read.naming);
  merge_into(again, read);
  check(read_flow_value(flow_value(again), read));
}

void as_name(std::string_view key, std::string_view value) {
  NameRecord record;
  if (read_name_key(key, record)) check(name_key(record) == key);
  if (!read_name_value(value, record)) return;
  NameRecord again;
  check(read_name_value(name_value(record), again) && name_value(again) == name_value(record));
  merge_into(again, record);
  check(read_name_value(name_value(again), record));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  // The first byte says where the key ends.
  const std::size_t split = all.empty() ? 0 : static_cast<unsigned char>(all.front());
  const std::string_view rest = all.substr(all.empty() ? 0 : 1);
  const std::string_view key = rest.substr(0, split);
  const std::string_view value = rest.substr(key.size());
  as_flow(key, value);
  as_name(key, value);
  NodeDay node_day;
  if (read_node_day(key, value, node_day)) check(node_day_key(node_day.day, node_day.node) == key);
  Presence presence;
  if (read_presence(key, presence)) check(presence_key(presence) == key);
  BootMark mark;
  if (read_boot(key, value, mark)) check(boot_key(mark.node, mark.boot) == key);
  NodeMark node;
  if (read_agent(key, value, node)) check(agent_key(node.node) == key);
  outflow::inventory::Held held;
  if (read_held(key, value, held)) {
    check(held_key(held) == key);
    outflow::inventory::Held again;
    check(read_held(key, held_value(held), again) && held_value(again) == held_value(held));
  }
  check(!describe_key(key).empty());
  return 0;
}
