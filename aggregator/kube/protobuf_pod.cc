#include <algorithm>

#include "aggregator/kube/field_numbers.h"
#include "aggregator/kube/protobuf_objects.h"

namespace outflow::kube {
namespace {

inventory::NamedPort pick_container_port(std::string_view message, Complaint& complaint) {
  constexpr auto kPath = "spec.containers.ports";
  inventory::NamedPort port;
  each_field(message, kPath, complaint, [&](Fields& fields) {
    switch (fields.number()) {
      case field::container::kPortName:
        port.name = pick_text(fields.bytes(), kPath, complaint);
        break;
      case field::container::kContainerPort:
        port.number = pick_port(fields.varint(), kPath, complaint);
        break;
      case field::container::kPortProtocol:
        port.protocol = pick_protocol(fields.bytes(), kPath, complaint);
        break;
      default:
        break;
    }
  });
  return port;
}

// An init container's ports count only of a sidecar, which goes on running beside the others.
void pick_ports(std::string_view message, bool init, Complaint& complaint,
                std::vector<inventory::NamedPort>& ports) {
  std::vector<inventory::NamedPort> own;
  bool sidecar = false;
  each_field(message, "spec.containers", complaint, [&](Fields& fields) {
    if (fields.number() == field::container::kPorts) {
      own.push_back(pick_container_port(fields.bytes(), complaint));
    }
    if (fields.number() == field::container::kRestartPolicy) sidecar = fields.bytes() == "Always";
  });
  if (!init || sidecar) ports.insert(ports.end(), own.begin(), own.end());
}

// When the container ended; epoch when it is not said to have.
TimePoint pick_finished(std::string_view container_status, Complaint& complaint) {
  constexpr auto kPath = "status.containerStatuses";
  namespace pod = field::pod_status;
  TimePoint finished{};
  each_field(container_status, kPath, complaint, [&](Fields& container) {
    if (container.number() != pod::kContainerState) return;
    each_field(container.bytes(), kPath, complaint, [&](Fields& state) {
      if (state.number() != pod::kStateTerminated) return;
      each_field(state.bytes(), kPath, complaint, [&](Fields& terminated) {
        if (terminated.number() != pod::kTerminatedFinishedAt) return;
        finished = pick_time(terminated.bytes(), kPath, complaint);
      });
    });
  });
  return finished;
}

void pick_pod_spec(std::string_view message, Complaint& complaint, inventory::Pod& pod) {
  std::vector<std::string_view> init_containers;  // sent after the others, and read after them
  each_field(message, "spec", complaint, [&](Fields& spec) {
    switch (spec.number()) {
      case field::pod_spec::kContainers:
        pick_ports(spec.bytes(), false, complaint, pod.ports);
        break;
      case field::pod_spec::kInitContainers:
        init_containers.push_back(spec.bytes());
        break;
      case field::pod_spec::kNodeName:
        pod.node = pick_text(spec.bytes(), "spec.nodeName", complaint);
        break;
      case field::pod_spec::kHostNetwork:
        pod.host_network = spec.varint() != 0;
        break;
      default:
        break;
    }
  });
  for (const std::string_view container : init_containers) {
    pick_ports(container, true, complaint, pod.ports);
  }
}

void pick_pod_status(std::string_view message, Complaint& complaint, inventory::Pod& pod) {
  namespace numbers = field::pod_status;
  TimePoint end{};
  bool all_ended = true;
  each_field(message, "status", complaint, [&](Fields& status) {
    switch (status.number()) {
      case numbers::kPhase:
        pod.phase = pick_text(status.bytes(), "status.phase", complaint);
        break;
      case numbers::kPodIp:
        pick_address(status.bytes(), "status.podIP", complaint, pod.addresses);
        break;
      case numbers::kPodIps:
        each_field(status.bytes(), "status.podIPs", complaint, [&](Fields& entry) {
          if (entry.number() != numbers::kPodIpsIp) return;
          pick_address(entry.bytes(), "status.podIPs.ip", complaint, pod.addresses);
        });
        break;
      case numbers::kStartTime:
        pod.started = pick_time(status.bytes(), "status.startTime", complaint);
        break;
      case numbers::kContainerStatuses:
      case numbers::kInitContainerStatuses: {
        const TimePoint finished = pick_finished(status.bytes(), complaint);
        all_ended = all_ended && finished != TimePoint();
        end = std::max(end, finished);
        break;
      }
      default:
        break;
    }
  });
  if (inventory::is_finished(pod) && all_ended) pod.ended = end;
}

}  // namespace

inventory::Object pick_pod(const Halves& halves, Metadata metadata, Complaint& complaint) {
  inventory::Pod pod;
  pod.namespace_name = std::move(metadata.namespace_name);
  pod.name = std::move(metadata.name);
  pod.uid = std::move(metadata.uid);
  pod.deleting = metadata.deleting;
  pod.labels = std::move(metadata.labels);
  pod.workload = metadata.controller.value_or(inventory::Workload{"Pod", pod.name});
  pick_pod_spec(halves.spec, complaint, pod);
  pick_pod_status(halves.status, complaint, pod);
  return pod;
}

}  // namespace outflow::kube
