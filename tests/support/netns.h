// Network namespaces of a test's own: without names, so that nothing is left over and parallel runs
// never meet. A Node routes for its pods as Calico does: a veth cali... per pod, a /32 route to it,
// the gateway 169.254.1.1; IPv6 by add_address(). The node itself is 192.0.2.10 and 2001:db8::10.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "common/fd.h"

namespace outflow::test {

class Namespace {
 public:
  Namespace();  // loopback is up

  // Runs it on a thread inside; sockets made there stay there. What it throws comes out.
  void run(const std::function<void()>& body) const;
  // Runs a command line with sh inside; fails the test when it fails.
  void sh(const std::string& command) const;
  // Loads a ruleset into the namespace's own nftables.
  void nft(const std::string& ruleset) const { sh("nft -f - <<'RULES'\n" + ruleset + "\nRULES"); }
  // What `ip link set ... netns` takes, while this lives.
  [[nodiscard]] std::string path() const;

 private:
  Fd fd_;
};

struct Pod {
  Namespace space;
  std::string interface;  // the host's end
  std::string address;
};

class Node {
 public:
  Node();
  // `interface_index` 0: the kernel's choice.
  [[nodiscard]] std::unique_ptr<Pod> add_pod(const std::string& interface,
                                             const std::string& address,
                                             std::uint32_t interface_index = 0) const;
  // In the order of other network plugins: both ends here, then one moves.
  [[nodiscard]] std::unique_ptr<Pod> add_pod_by_moving(const std::string& interface,
                                                       const std::string& address) const;
  void remove_pod(const Pod& pod) const;
  // One more address of the pod, of either family, with the node's route to it. An address may be
  // several pods': the kernel then routes to the first of them.
  void add_address(const Pod& pod, const std::string& address) const;
  [[nodiscard]] std::uint32_t index_of(const std::string& interface) const;

  Namespace space;

 private:
  void connect(const Pod& pod) const;
};

// Sends datagrams of 4 bytes from inside the pod, a millisecond apart.
void send_udp(const Pod& pod, const std::string& to, std::uint16_t port, int count);
// A TCP connection that is opened and closed; true when it was answered.
bool connect_tcp(const Pod& pod, const std::string& to, std::uint16_t port);

// Accepts connections in the pod and closes them.
class TcpServer {
 public:
  TcpServer(const Pod& pod, std::uint16_t port);

 private:
  Fd listening_;  // the kernel's backlog answers; nobody needs to accept
};

}  // namespace outflow::test
