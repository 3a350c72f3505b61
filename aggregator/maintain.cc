#include "aggregator/maintain.h"

#include <cassert>

#include "aggregator/store/maintenance.h"
#include "aggregator/store/record.h"
#include "common/log.h"
#include "common/text.h"

namespace outflow {
namespace {

Result<void> restore(const AggregatorConfig& config) {
  const auto restored = store::restore(config.backup_file, config.data_dir);
  if (!restored) return fail(Error(restored.error()).within("restore"));
  log::info("restored", {{"data_dir", config.data_dir},
                         {"records", std::to_string(restored->records)},
                         {"taken", to_text(restored->head.taken)}});
  return {};
}

Result<void> upgrade(const AggregatorConfig& config) {
  const auto upgraded = store::upgrade(config.data_dir);
  if (!upgraded) return fail(Error(upgraded.error()).within("upgrade"));
  if (upgraded->from == store::kFormat) {
    log::info("nothing to do: the store has today's format",
              {{"data_dir", config.data_dir}, {"format", upgraded->from}});
    return {};
  }
  log::info("upgraded", {{"data_dir", config.data_dir},
                         {"from", upgraded->from},
                         {"to", std::string(store::kFormat)}});
  return {};
}

}  // namespace

Result<void> maintain(const AggregatorConfig& config) {
  assert(config.task == Task::Restore || config.task == Task::Upgrade);
  return config.task == Task::Restore ? restore(config) : upgrade(config);
}

}  // namespace outflow
