// Older tables -> the agent's own: what pods had open before their interfaces were hooked.
//
// One dump serves every interface asked about. It blocks while the kernel goes through its tables.
// Any thread may ask.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "agent/hooks.h"
#include "agent/probe.h"
#include "agent/seed.h"
#include "agent/tables.h"
#include "common/flow.h"

namespace outflow::agent {

class Seeder {
 public:
  // `netns_dir` empty: sockets are not asked.
  Seeder(const Tables& tables, const Probe& probe, std::string netns_dir)
      : tables_(tables), probe_(probe), netns_dir_(std::move(netns_dir)) {}

  struct Outcome {
    std::size_t opened = 0;     // tuples written, pre-existing
    std::size_t inbound = 0;    // peers that spoke first
    std::uint64_t no_room = 0;  // of either: a loss
    bool told = false;          // conntrack answered: datagram conversations are known, too
  };
  // Writes what is known of these interfaces' conversations. What the hooks recorded meanwhile
  // stays as it is.
  [[nodiscard]] Outcome seed(const std::vector<OldInterface>& interfaces) const;

  // The tuples of these interfaces whose connections stand right now, as far as conntrack tells.
  [[nodiscard]] std::set<FlowKey> standing(
      const std::map<std::uint32_t, Interface>& interfaces) const;

 private:
  [[nodiscard]] std::vector<Seed> ask_sockets(const std::vector<OldInterface>& interfaces) const;
  void write(const Seed& seed, std::uint32_t jiffies, Outcome& outcome) const;

  const Tables& tables_;
  const Probe& probe_;
  const std::string netns_dir_;
};

}  // namespace outflow::agent
