// The folders a boot lives in, and whether the pinned tables there are gone on with or begun anew.
#pragma once

#include <string>

#include "agent/config.h"
#include "agent/probe.h"
#include "common/fd.h"
#include "common/result.h"

namespace outflow::agent {

struct Places {
  explicit Places(const Config& config)
      : maps(config.bpffs_dir + "/maps"),
        links(config.bpffs_dir + "/links"),
        clsact(config.bpffs_dir + "/clsact"),
        state(config.state_dir + "/state"),
        interfaces(config.state_dir + "/interfaces") {}
  std::string maps;
  std::string links;
  std::string clsact;
  std::string state;
  std::string interfaces;
};

// The folders and their locks; held for the agent's life.
struct Claims {
  Fd bpffs;
  Fd state;
};

// An Error when they cannot be made, or another agent holds them.
[[nodiscard]] Result<Claims> claim(const Config& config, const Places& places);

struct Loaded {
  Probe probe;
  bool lost = false;  // of what earlier tables counted, the part that was not sent is not known
};

// On the pinned tables where they are of this layout and size and the state knows them; else a new
// boot begins, and what the old tables counted is handed on as far as it can be.
[[nodiscard]] Result<Loaded> load(const Config& config, const Places& places);

}  // namespace outflow::agent
