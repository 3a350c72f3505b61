// The agent as a process, in the network namespace of the calling thread.
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace outflow::bench {

class AgentProcess {
 public:
  // Works in `dir`, reports to a socket there named `aggregator`. Returns when it watches. It ends
  // with this object, or with the calling thread.
  AgentProcess(const std::string& dir, const std::string& report_interval,
               const std::string& attach);
  AgentProcess(const AgentProcess&) = delete;
  AgentProcess& operator=(const AgentProcess&) = delete;
  ~AgentProcess();

  // What /metrics says now; for a thread in the agent's namespace.
  [[nodiscard]] std::string metrics() const;
  [[nodiscard]] double resident_mib() const;

 private:
  [[nodiscard]] bool watches() const;

  std::string dir_;
  pid_t pid_ = -1;
};

// The sum of a metric's values whose line has `label` in it; none: there is no such line.
[[nodiscard]] std::optional<double> value_of(const std::string& metrics, const std::string& name,
                                             const std::string& label = "");
// Of a histogram: the lowest bound, in its unit, that so large a share of the observations is not
// above.
[[nodiscard]] std::optional<double> quantile_bound(const std::string& metrics,
                                                   const std::string& name, double share);

}  // namespace outflow::bench
