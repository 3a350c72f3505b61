#include "tests/support/netns.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <thread>

#include <fmt/format.h>

namespace outflow::test {
namespace {

constexpr const char* kHostMac = "ee:ee:ee:ee:ee:ee";
constexpr const char* kPodMac = "02:00:00:00:00:01";

void require(bool done, const std::string& what) {
  if (!done) throw std::runtime_error(what + ": " + std::to_string(errno));
}

void on_thread(const std::function<void()>& body) {
  std::exception_ptr thrown;
  std::thread thread([&] {
    try {
      body();
    } catch (...) {
      thrown = std::current_exception();
    }
  });
  thread.join();
  if (thrown) std::rethrow_exception(thrown);
}

Fd current_namespace() {
  return Fd(open(fmt::format("/proc/self/task/{}/ns/net", gettid()).c_str(), O_RDONLY | O_CLOEXEC));
}

sockaddr_in address_of(const std::string& text, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  require(inet_pton(AF_INET, text.c_str(), &address.sin_addr) == 1, "not an address: " + text);
  return address;
}

const sockaddr* generic(const sockaddr_in& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

}  // namespace

Namespace::Namespace() {
  on_thread([this] {
    require(unshare(CLONE_NEWNET) == 0, "unshare");
    fd_ = current_namespace();
    require(fd_.valid(), "open namespace");
  });
  sh("ip link set lo up");
}

void Namespace::run(const std::function<void()>& body) const {
  on_thread([&] {
    require(setns(fd_.get(), CLONE_NEWNET) == 0, "setns");
    body();
  });
}

void Namespace::sh(const std::string& command) const {
  // A child begins in the namespace of the thread that made it.
  run([&] {
    const int code = std::system(command.c_str());  // NOLINT(concurrency-mt-unsafe)
    if (code != 0) throw std::runtime_error(fmt::format("'{}' ended with {}", command, code));
  });
}

std::string Namespace::path() const {
  return fmt::format("/proc/{}/fd/{}", getpid(), fd_.get());
}

Node::Node() {
  space.sh(
      "echo 1 > /proc/sys/net/ipv4/ip_forward && echo 1 > /proc/sys/net/ipv6/conf/all/forwarding "
      "&& "
      "ip addr add 192.0.2.10/32 dev lo && ip addr add 2001:db8::10/128 dev lo nodad");
}

std::unique_ptr<Pod> Node::add_pod(const std::string& interface, const std::string& address,
                                   std::uint32_t interface_index) const {
  auto pod = std::make_unique<Pod>(Pod{{}, interface, address});
  const std::string index = interface_index == 0 ? "" : fmt::format("index {}", interface_index);
  space.sh(fmt::format("ip link add {} address {} {} type veth peer name eth0 address {} netns {}",
                       interface, kHostMac, index, kPodMac, pod->space.path()));
  connect(*pod);
  return pod;
}

std::unique_ptr<Pod> Node::add_pod_by_moving(const std::string& interface,
                                             const std::string& address) const {
  auto pod = std::make_unique<Pod>(Pod{{}, interface, address});
  space.sh(
      fmt::format("ip link add {0} address {1} type veth peer name tmp0 address {2} && "
                  "ip link set {0} up",
                  interface, kHostMac, kPodMac));
  space.sh(fmt::format("ip link set tmp0 netns {} name eth0", pod->space.path()));
  connect(*pod);
  return pod;
}

void Node::connect(const Pod& pod) const {
  space.sh(
      fmt::format("ip link set {0} up && ip route add {1}/32 dev {0} scope link && "
                  "ip neigh add {1} lladdr {2} dev {0} nud permanent",
                  pod.interface, pod.address, kPodMac));
  pod.space.sh(
      fmt::format("ip link set eth0 up && ip addr add {}/32 dev eth0 && "
                  "ip route add 169.254.1.1 dev eth0 && "
                  "ip neigh add 169.254.1.1 lladdr {} dev eth0 nud permanent && "
                  "ip route add default via 169.254.1.1",
                  pod.address, kHostMac));
}

void Node::add_address(const Pod& pod, const std::string& address) const {
  if (address.find(':') == std::string::npos) {
    space.sh(
        fmt::format("ip route append {1}/32 dev {0} scope link && "
                    "ip neigh replace {1} lladdr {2} dev {0} nud permanent",
                    pod.interface, address, kPodMac));
    pod.space.sh(fmt::format("ip addr add {}/32 dev eth0", address));
    return;
  }
  space.sh(
      fmt::format("ip -6 route append {1}/128 dev {0} && "
                  "ip neigh replace {1} lladdr {2} dev {0} nud permanent",
                  pod.interface, address, kPodMac));
  pod.space.sh(
      fmt::format("ip addr add {}/128 dev eth0 nodad && "
                  "ip neigh replace fe80::1 lladdr {} dev eth0 nud permanent && "
                  "ip -6 route replace default via fe80::1 dev eth0",
                  address, kHostMac));
}

void Node::remove_pod(const Pod& pod) const {
  space.sh("ip link del " + pod.interface);
}

std::uint32_t Node::index_of(const std::string& interface) const {
  std::uint32_t index = 0;
  space.run([&] { index = if_nametoindex(interface.c_str()); });
  return index;
}

void send_udp(const Pod& pod, const std::string& to, std::uint16_t port, int count) {
  pod.space.run([&] {
    const Fd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const sockaddr_in target = address_of(to, port);
    for (int i = 0; i < count; ++i) {
      const auto sent = sendto(fd.get(), "ping", 4, 0, generic(target), sizeof target);
      require(sent == 4, "sendto");
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
}

bool connect_tcp(const Pod& pod, const std::string& to, std::uint16_t port) {
  bool answered = false;
  pod.space.run([&] {
    const Fd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const timeval patience{.tv_sec = 5, .tv_usec = 0};
    setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    const sockaddr_in target = address_of(to, port);
    answered = connect(fd.get(), generic(target), sizeof target) == 0;
  });
  return answered;
}

TcpServer::TcpServer(const Pod& pod, std::uint16_t port) {
  pod.space.run([&] {
    listening_ = Fd(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));  // IPv4 comes mapped
    sockaddr_in6 own{};
    own.sin6_family = AF_INET6;
    own.sin6_port = htons(port);
    require(bind(listening_.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own) == 0,
            "bind");
    require(listen(listening_.get(), 128) == 0, "listen");
  });
}

}  // namespace outflow::test
