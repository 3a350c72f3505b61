#include "tests/support/traffic.h"

#include <arpa/inet.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <vector>

namespace outflow::test {
namespace {

void require(bool done, const std::string& what) {
  if (!done) throw std::runtime_error(what + ": " + std::to_string(errno));
}

struct Endpoint {
  sockaddr_storage address{};
  socklen_t size = 0;
  [[nodiscard]] const sockaddr* generic() const {
    return reinterpret_cast<const sockaddr*>(&address);
  }
  [[nodiscard]] int family() const { return address.ss_family; }
};

Endpoint endpoint(const std::string& text, std::uint16_t port) {
  Endpoint made;
  if (text.find(':') == std::string::npos) {
    auto* v4 = reinterpret_cast<sockaddr_in*>(&made.address);
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    require(inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1, "not an address: " + text);
    made.size = sizeof *v4;
  } else {
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&made.address);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    require(inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr) == 1, "not an address: " + text);
    made.size = sizeof *v6;
  }
  return made;
}

void set_patience(const Fd& fd, int option, std::chrono::milliseconds patience) {
  const timeval time{.tv_sec = patience.count() / 1000, .tv_usec = patience.count() % 1000 * 1000};
  require(setsockopt(fd.get(), SOL_SOCKET, option, &time, sizeof time) == 0, "setsockopt");
}

Outcome outcome_of(int error) {
  switch (error) {
    case ECONNREFUSED:
      return Outcome::Refused;
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EACCES:
      return Outcome::Unreachable;
    default:
      return Outcome::Silence;
  }
}

}  // namespace

Outcome try_tcp(const Pod& pod, const std::string& to, std::uint16_t port,
                std::chrono::milliseconds patience) {
  Outcome outcome = Outcome::Answered;
  pod.space.run([&] {
    const Endpoint target = endpoint(to, port);
    const Fd fd(socket(target.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
    set_patience(fd, SO_SNDTIMEO, patience);
    if (connect(fd.get(), target.generic(), target.size) != 0) outcome = outcome_of(errno);
  });
  return outcome;
}

void send_datagrams(const Pod& pod, const Datagrams& datagrams) {
  pod.space.run([&] {
    Endpoint target = endpoint(datagrams.to, datagrams.port);
    const Fd fd(socket(target.family(), SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!datagrams.source.empty()) {
      const Endpoint own = endpoint(datagrams.source, 0);
      require(bind(fd.get(), own.generic(), own.size) == 0, "bind to " + datagrams.source);
    }
    const std::vector<char> payload(datagrams.size, 'x');
    for (int i = 0; i < datagrams.count; ++i) {
      const auto sent =
          sendto(fd.get(), payload.data(), payload.size(), 0, target.generic(), target.size);
      require(sent == static_cast<ssize_t>(payload.size()), "sendto");
      if (datagrams.ports_up) {
        target = endpoint(datagrams.to, static_cast<std::uint16_t>(datagrams.port + i + 1));
      }
    }
  });
}

bool echo_udp(const Pod& pod, const std::string& to, std::uint16_t port,
              const std::vector<std::uint8_t>& bytes) {
  bool answered = false;
  pod.space.run([&] {
    const Endpoint target = endpoint(to, port);
    const Fd fd(socket(target.family(), SOCK_DGRAM | SOCK_CLOEXEC, 0));
    set_patience(fd, SO_RCVTIMEO, std::chrono::seconds(5));
    require(connect(fd.get(), target.generic(), target.size) == 0, "connect");
    const auto size = static_cast<ssize_t>(bytes.size());
    require(send(fd.get(), bytes.data(), bytes.size(), 0) == size, "send");
    std::vector<std::uint8_t> answer(bytes.size() + 1);
    answered = recv(fd.get(), answer.data(), answer.size(), 0) == size;
  });
  return answered;
}

bool ask_udp(const Pod& pod, const std::string& to, std::uint16_t port) {
  return echo_udp(pod, to, port, {'a', 's', 'k'});
}

UdpEcho::UdpEcho(const Pod& pod, std::uint16_t port) {
  pod.space.run([&] {
    socket_ = Fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const Endpoint own = endpoint("0.0.0.0", port);
    require(bind(socket_.get(), own.generic(), own.size) == 0, "bind");
    set_patience(socket_, SO_RCVTIMEO, std::chrono::milliseconds(50));
  });
  thread_ = std::jthread([this](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      std::array<char, 2048> bytes{};
      Endpoint peer;
      peer.size = sizeof peer.address;
      const auto size = recvfrom(socket_.get(), bytes.data(), bytes.size(), 0,
                                 reinterpret_cast<sockaddr*>(&peer.address), &peer.size);
      if (size < 0) continue;  // nobody asked
      sendto(socket_.get(), bytes.data(), static_cast<std::size_t>(size), 0, peer.generic(),
             peer.size);
    }
  });
}

void transfer(const Pod& from, const Pod& to, std::uint16_t port, std::size_t bytes) {
  Fd listening;
  to.space.run([&] {
    listening = Fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const Endpoint own = endpoint("0.0.0.0", port);
    require(bind(listening.get(), own.generic(), own.size) == 0, "bind");
    require(listen(listening.get(), 1) == 0, "listen");
  });
  std::size_t received = 0;
  std::thread reader([&] {
    const Fd connection(accept4(listening.get(), nullptr, nullptr, SOCK_CLOEXEC));
    std::vector<char> buffer(1 << 18);
    for (ssize_t size = 1; size > 0;) {
      size = recv(connection.get(), buffer.data(), buffer.size(), 0);
      if (size > 0) received += static_cast<std::size_t>(size);
    }
  });
  try {
    from.space.run([&] {
      const Endpoint target = endpoint(to.address, port);
      const Fd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      require(connect(fd.get(), target.generic(), target.size) == 0, "connect");
      const std::vector<char> chunk(1 << 18, 'x');
      for (std::size_t left = bytes; left > 0;) {
        const auto sent = send(fd.get(), chunk.data(), std::min(left, chunk.size()), MSG_NOSIGNAL);
        require(sent > 0, "send");
        left -= static_cast<std::size_t>(sent);
      }
    });
  } catch (...) {
    shutdown(listening.get(), SHUT_RDWR);
    reader.join();
    throw;
  }
  reader.join();
  if (received != bytes) throw std::runtime_error("not all bytes arrived");
}

bool fetch_tcp(const Pod& client, const Pod& server, std::uint16_t port,
               const std::vector<std::uint8_t>& bytes) {
  Fd listening;
  server.space.run([&] {
    listening = Fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const Endpoint own = endpoint("0.0.0.0", port);
    require(bind(listening.get(), own.generic(), own.size) == 0, "bind");
    require(listen(listening.get(), 1) == 0, "listen");
  });
  std::vector<std::uint8_t> received;
  client.space.run([&] {
    const Endpoint target = endpoint(server.address, port);
    const Fd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    set_patience(fd, SO_RCVTIMEO, std::chrono::seconds(5));
    require(connect(fd.get(), target.generic(), target.size) == 0, "connect");
    {
      const Fd accepted(accept4(listening.get(), nullptr, nullptr, SOCK_CLOEXEC));
      const auto size = static_cast<ssize_t>(bytes.size());
      require(send(accepted.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) == size, "send");
    }
    std::array<std::uint8_t, 4096> part{};
    for (ssize_t size = 1; size > 0;) {
      size = recv(fd.get(), part.data(), part.size(), 0);
      if (size > 0) received.insert(received.end(), part.begin(), part.begin() + size);
    }
  });
  return received == bytes;
}

std::uint64_t received_packets(const Namespace& space, const std::string& interface) {
  std::uint64_t packets = 0;
  bool found = false;
  space.run([&] {
    // "  eth0:   bytes packets ..."; of this thread's namespace.
    std::ifstream in("/proc/thread-self/net/dev");
    std::string word;
    while (!found && in >> word) {
      std::uint64_t bytes = 0;
      found = word == interface + ":" && in >> bytes >> packets;
    }
  });
  if (!found) throw std::runtime_error("no statistics of " + interface);
  return packets;
}

void set_offload(const Namespace& space, const std::string& interface, std::uint32_t what,
                 bool on) {
  space.run([&] {
    const Fd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ethtool_value value{what, on ? 1U : 0U};
    ifreq request{};
    interface.copy(request.ifr_name, sizeof request.ifr_name - 1);
    request.ifr_data = reinterpret_cast<char*>(&value);
    require(ioctl(fd.get(), SIOCETHTOOL, &request) == 0, "ethtool");
  });
}

}  // namespace outflow::test
