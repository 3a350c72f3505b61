// Bytes of a real kube-apiserver 1.34.2: one small namespace, a node, listed as protobuf and as
// JSON in the same second. Lists are whole bodies; watchlist.* is the stream of a WatchList of the
// pods.
#pragma once

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

namespace outflow::test {

inline std::string recorded(const std::string& name) {
  std::ifstream in(OUTFLOW_SOURCE_DIR "/tests/unit/kube/data/" + name, std::ios::binary);
  if (!in) std::abort();
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace outflow::test
