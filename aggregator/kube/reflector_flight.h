// The request a reflector has under way; only the reflector's own files know it.
#pragma once

#include "aggregator/kube/reflector.h"

namespace outflow::kube {

inline constexpr int kOk = 200;

// A page is asked for again this often before the list is given up and begun anew; a WatchList that
// fails as often is left alone.
inline constexpr unsigned kRetries = 3;

struct Reflector::Flight {
  int code = 0;
  std::int64_t retry_after = 0;
  Encoding encoding{};
  std::optional<FrameSplitter> frames;
  std::string body;
  std::optional<Outcome> verdict;  // why it is not wanted any longer
  SteadyTime begun{};
  SteadyTime heard{};
  bool calm = false;
  bool told = false;  // it had an event
};

}  // namespace outflow::kube
