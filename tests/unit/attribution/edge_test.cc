#include "aggregator/attribution/edge.h"

#include "tests/support/catch.h"

namespace outflow::attribution {
namespace {

Peer peer(PeerKind kind, std::string namespace_name = {}, std::string name = {}) {
  Peer made;
  made.kind = kind;
  made.namespace_name = std::move(namespace_name);
  made.name = std::move(name);
  made.address = *net::Address::parse("192.0.2.10");
  return made;
}

TEST_CASE("every kind has its word", "[edge]") {
  CHECK(to_text(PeerKind::Unknown) == "unknown");
  CHECK(to_text(PeerKind::Service) == "service");
  CHECK(to_text(PeerKind::Workload) == "workload");
  CHECK(to_text(PeerKind::Namespace) == "namespace");
  CHECK(to_text(PeerKind::Node) == "node");
  CHECK(to_text(PeerKind::ApiServer) == "apiserver");
  CHECK(to_text(PeerKind::Metadata) == "metadata");
  CHECK(to_text(PeerKind::Name) == "name");
  CHECK(to_text(PeerKind::Provider) == "provider");
  CHECK(to_text(PeerKind::Private) == "private");
  CHECK(to_text(PeerKind::External) == "external");
  CHECK(to_text(PeerKind::Multicast) == "multicast");
  CHECK(to_text(static_cast<PeerKind>(200)) == "unknown");
}

TEST_CASE("a peer is called what a person calls it", "[edge]") {
  Peer workload = peer(PeerKind::Workload, "dbaas", "mysql");
  workload.workload_kind = "Deployment";

  CHECK(display_name(workload) == "Deployment dbaas/mysql");
  CHECK(display_name(peer(PeerKind::Service, "kube-system", "kube-dns")) ==
        "service kube-system/kube-dns");
  CHECK(display_name(peer(PeerKind::Namespace, "web")) == "namespace web");
  CHECK(display_name(peer(PeerKind::Node, "", "k8s-w1")) == "node k8s-w1");
  CHECK(display_name(peer(PeerKind::ApiServer)) == "apiserver");
  CHECK(display_name(peer(PeerKind::Name, "", "api.example.org")) == "api.example.org");
  for (const PeerKind kind : {PeerKind::External, PeerKind::Private, PeerKind::Unknown,
                              PeerKind::Metadata, PeerKind::Multicast}) {
    CHECK(display_name(peer(kind)) == "192.0.2.10");
  }
}

}  // namespace
}  // namespace outflow::attribution
