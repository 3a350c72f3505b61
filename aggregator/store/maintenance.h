// What is done to a store's folder while no aggregator runs on it: a backup is put into an empty
// one, and a store of the format before becomes one of today's.
//
// Either may be killed at any moment and be run again; until it ended, an aggregator refuses the
// folder and says which command to run. Everything stays on the folder's own file system, in hidden
// folders within it, because it may be the root of a volume.
#pragma once

#include <cstdint>
#include <string>

#include "aggregator/store/backup_stream.h"
#include "common/result.h"

namespace outflow::store {

struct Restored {
  BackupHead head;
  std::uint64_t records = 0;
};
// The whole file is checked before anything is put in the folder, which is made when it is missing
// and refused unless it is empty (a volume's lost+found may be there).
[[nodiscard]] Result<Restored> restore(const std::string& file, const std::string& directory);

struct Upgraded {
  std::string from;  // the format it had; kFormat: there was nothing to do
  std::uint64_t records = 0;
};
// The old store is read only and stays beside the new one until that is whole and in its place;
// takes as much room again as the store has.
[[nodiscard]] Result<Upgraded> upgrade(const std::string& directory);

// An Error when a restore or an upgrade of the folder did not end.
[[nodiscard]] Result<void> refuse_half_done(const std::string& directory);

}  // namespace outflow::store
