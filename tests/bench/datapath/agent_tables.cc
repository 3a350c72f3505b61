#include "tests/bench/datapath/agent_tables.h"

#include <sys/mount.h>

#include "agent/bpffs.h"
#include "agent/drain.h"
#include "tests/bench/datapath/measure.h"
#include "tests/bench/datapath/programs.h"

namespace outflow::bench {
namespace {

template <class T>
T taken(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().what);
  return std::move(*result);
}

void done(const Result<void>& result) {
  if (!result) throw std::runtime_error(result.error().what);
}

}  // namespace

AgentTables::AgentTables(std::uint32_t tuples_max) {
  done(agent::ensure_bpffs(dir_ / "bpf"));
  probe_ = taken(agent::Probe::open(dir_ / "bpf", tuples_max));
  done(probe_->load_new());
  done(probe_->pin());
  tables_ = taken(agent::Tables::open(dir_ / "bpf"));
  agent::NumberedInterface interface;
  interface.ifindex = kTestIfindex;
  interface.id = 1;
  interface.name = "bench";
  done(tables_->set_interface(interface));
}

AgentTables::~AgentTables() {
  umount2((dir_ / "bpf").c_str(), MNT_DETACH);
}

agent::Cumulative AgentTables::read() const {
  return taken(agent::read_tables(*tables_));
}

}  // namespace outflow::bench
