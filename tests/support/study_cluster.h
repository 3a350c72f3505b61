// A cluster made from a fan-out table: pods, services and traffic such that each namespace talks to
// as many pod namespaces, services and external addresses as its row says, and noise on top that
// must not show in the table. The table's numbers go in as things to talk to, never as counts.
//
// Every peer is met more than once: from pods of both nodes, at several pods and addresses, on
// several ports and days. The noise: traffic inside of the own namespace, to its pods and to its
// service; replies taken for openings, on ephemeral ports; packets under a foreign source address.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "common/flow.h"

namespace outflow::test {

struct StudyRow {
  std::string name;
  std::uint64_t destinations = 0;
  std::uint64_t pod_namespaces = 0;
  std::uint64_t services = 0;
  std::uint64_t external = 0;
};

// Rows of "namespace,destinations,pod_namespaces,services,external" after the header.
[[nodiscard]] std::vector<StudyRow> read_study(const std::string& csv);

class StudyCluster {
 public:
  explicit StudyCluster(const std::vector<StudyRow>& rows);

  // As kubectl prints it. The namespaces of the rows are labelled tier=4-aux, the others 0-core.
  [[nodiscard]] std::string inventory_json() const;

  // One report a node and day, in the order each agent would send them.
  [[nodiscard]] std::vector<Report> reports(Day first, int days);

  // What the reports held, by source namespace: packets of every flow, noise included.
  [[nodiscard]] const std::map<std::string, std::uint64_t>& packets() const { return packets_; }

  // Of every row: its own Deployment and its own service; a pod namespace and an address that were
  // only ever met by what looked like replies.
  static constexpr std::uint64_t kOwnPeers = 2;
  static constexpr std::uint64_t kInferredPeers = 2;

 private:
  using Json = nlohmann::json;
  struct Pod {
    std::string namespace_name;
    std::string name;
    std::string
        owner_kind;  // ReplicaSet, whose Deployment has the name without "-5d8f", or another
    std::string owner;
    unsigned node = 0;  // 1 or 2
    std::vector<net::Address> addresses;
  };
  struct Service {
    std::string namespace_name;
    std::string name;
    std::vector<net::Address> addresses;
    std::uint16_t port = 0;
    std::uint16_t target = 0;
  };
  struct Target {
    net::Address address;
    std::uint16_t port = 0;
    Protocol protocol{};
    std::uint32_t flags = 0;
  };

  void add_pod(const std::string& namespace_name, const std::string& name,
               const std::string& owner_kind, unsigned node);
  void add_service(const std::string& namespace_name, const std::string& name, std::uint16_t port);
  void add_infrastructure();
  void add_row(const StudyRow& row, std::size_t index);
  void target_pods(const std::string& of, const std::vector<std::uint16_t>& ports,
                   std::vector<Target>& targets) const;
  void target_service(const std::string& of, std::vector<Target>& targets) const;
  [[nodiscard]] Report report_of(unsigned node, Day day, std::uint64_t sequence);

  static void put_nodes(Json& items);
  static void put_pod(const Pod& pod, Json& items);
  void put_service(const Service& service, Json& items) const;

  std::vector<Pod> pods_;
  std::vector<Service> services_;
  std::set<std::string> rows_;
  std::map<std::string, std::vector<Target>> targets_;  // by source namespace
  std::map<std::string, std::uint64_t> packets_;
  unsigned pods_on_node_[3] = {};
};

}  // namespace outflow::test
