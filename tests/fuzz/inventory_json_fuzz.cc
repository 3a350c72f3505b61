// Any bytes as an inventory: an answer or an error of one line, and a snapshot that can be asked.
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "aggregator/inventory/kube_json.h"
#include "aggregator/inventory/snapshot.h"

using outflow::inventory::Snapshot;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the fuzzer's bytes as text
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  auto model = outflow::inventory::read_model(text);
  if (!model) {
    assert(!model.error().what.empty());
    assert(model.error().what.find('\n') == std::string::npos);
    return 0;
  }
  const auto pods = model->pods;
  const Snapshot snapshot(std::move(*model), {});
  assert(snapshot.pod_count() == pods.size());
  for (const auto& pod : pods) {
    assert(!pod.name.empty() && !pod.namespace_name.empty() && !pod.workload.kind.empty());
    for (const auto& address : pod.addresses) {
      assert(pod.host_network || snapshot.pod_by_address(address, pod.started) != nullptr ||
             !snapshot.why_no_pod(address, pod.started).empty());
    }
  }
  for (const auto& service : snapshot.model().services) {
    assert(snapshot.service(service.namespace_name, service.name) == &service);
  }
  return 0;
}
