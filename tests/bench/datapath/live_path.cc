#include "tests/bench/datapath/live_path.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <exception>
#include <filesystem>
#include <fstream>
#include <string>

#include <fmt/format.h>

#include "common/fd.h"
#include "common/result.h"
#include "tests/bench/datapath/measure.h"

namespace outflow::bench {
namespace {

constexpr unsigned kSenderCpu = 0;
constexpr unsigned kReceiverCpu = 1;
// 198.18.0.0/15 is for benchmarks (RFC 2544, appendix C.2.2): one address a flow.
constexpr std::uint32_t kFlowsBase = 0xc612'0000;
constexpr const char* kFlowsPrefix = "198.18.0.0/20";
constexpr const char* kReceiverAddress = "10.244.0.3";
constexpr std::uint16_t kPort = 9'000;
constexpr std::size_t kPayload = 18;  // a frame of 60 bytes, the shortest Ethernet has
constexpr std::size_t kBatch = 64;    // datagrams a system call
constexpr int kReceiveRoom = 8 << 20;

sockaddr_in address_of(std::uint32_t address) {
  sockaddr_in made{};
  made.sin_family = AF_INET;
  made.sin_port = htons(kPort);
  made.sin_addr.s_addr = htonl(address);
  return made;
}

// Where packets outrun the sender the kernel's own thread carries them on: its run time so far,
// from the first word of schedstat.
double ksoftirqd_ns() {
  static const std::string file = [] {
    const std::string name = fmt::format("ksoftirqd/{}", kSenderCpu);
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator("/proc", ignored)) {
      std::ifstream in(entry.path() / "comm");
      std::string comm;
      if (std::getline(in, comm) && comm == name) return (entry.path() / "schedstat").string();
    }
    return std::string();  // not visible in this container: rarely runs, and for all alike
  }();
  double run = 0;
  std::ifstream(file) >> run;
  return run;
}

// How long this thread has waited for its processor: the second word of schedstat. What is left of
// the wall time is ours, softirqs included, whether the kernel charges them to threads or not.
double waited_ns() {
  double run = 0;
  double waited = 0;
  std::ifstream("/proc/thread-self/schedstat") >> run >> waited;
  return waited;
}

class Sender {
 public:
  explicit Sender(std::uint32_t flows) : flows_(flows) {
    require(socket_.valid(), "socket: " + errno_text(errno));
    for (std::size_t i = 0; i < kBatch; ++i) {
      data_[i] = {payload_.data(), payload_.size()};
      messages_[i].msg_hdr.msg_iov = &data_[i];
      messages_[i].msg_hdr.msg_iovlen = 1;
      messages_[i].msg_hdr.msg_name = &targets_[i];
      messages_[i].msg_hdr.msg_namelen = sizeof targets_[i];
    }
  }

  std::uint64_t send_batch() {
    for (sockaddr_in& target : targets_) {
      target = address_of(kFlowsBase + next_);
      next_ = next_ + 1 == flows_ ? 0 : next_ + 1;
    }
    const int sent = sendmmsg(socket_.get(), messages_.data(), kBatch, 0);
    require(sent > 0, "sendmmsg: " + errno_text(errno));
    return static_cast<std::uint64_t>(sent);
  }

 private:
  std::uint32_t flows_;
  std::uint32_t next_ = 0;
  Fd socket_{socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  std::array<char, kPayload> payload_{};
  std::array<sockaddr_in, kBatch> targets_{};
  std::array<iovec, kBatch> data_{};
  std::array<mmsghdr, kBatch> messages_{};
};

}  // namespace

LivePath::LivePath()
    : sender_(node_.add_pod("calisender", "10.244.0.2")),
      receiver_(node_.add_pod("calireceiver", kReceiverAddress)),
      sender_ifindex_(node_.index_of("calisender")),
      receiver_ifindex_(node_.index_of("calireceiver")) {
  // No word of its own in the counters: neighbour discovery and the like.
  for (const test::Namespace* space : {&node_.space, &sender_->space, &receiver_->space}) {
    space->sh("echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6 2>/dev/null || true");
  }
  node_.space.sh(fmt::format("ip route add {} via {} dev calireceiver onlink", kFlowsPrefix,
                             kReceiverAddress));
  receiver_->space.sh(fmt::format("ip route add local {} dev lo", kFlowsPrefix));
  receiving_ = std::jthread(
      [this](const std::stop_token& stop) { receiver_->space.run([&] { receive(stop); }); });
  while (!listening_) std::this_thread::yield();
}

// Looks every millisecond instead of waiting in the socket: waking it would be work of the sender's
// processor, now more, now less of it.
void LivePath::receive(const std::stop_token& stop) {
  const Pinned pinned(kReceiverCpu);
  const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveRoom, sizeof kReceiveRoom);
  const sockaddr_in any = address_of(INADDR_ANY);
  const auto* generic = reinterpret_cast<const sockaddr*>(&any);
  require(bind(socket.get(), generic, sizeof any) == 0, "bind: " + errno_text(errno));
  std::array<std::array<char, 64>, kBatch> room{};
  std::array<iovec, kBatch> data{};
  std::array<mmsghdr, kBatch> messages{};
  for (std::size_t i = 0; i < kBatch; ++i) {
    data[i] = {room[i].data(), room[i].size()};
    messages[i].msg_hdr.msg_iov = &data[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  listening_ = true;
  while (!stop.stop_requested()) {
    const int count = recvmmsg(socket.get(), messages.data(), kBatch, 0, nullptr);
    if (count > 0) received_ += static_cast<std::uint64_t>(count);
    if (count < static_cast<int>(kBatch)) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

Traffic LivePath::send(std::uint32_t flows, std::chrono::milliseconds time) {
  Traffic traffic;
  const std::uint64_t before = received_;
  sender_->space.run([&] {
    const Pinned pinned(kSenderCpu);
    Sender sender(flows);
    const double others = ksoftirqd_ns() - waited_ns();
    const double start = wall_ns();
    const double wanted = std::chrono::duration<double, std::nano>(time).count();
    while (traffic.wall_ns < wanted) {
      traffic.sent += sender.send_batch();
      traffic.wall_ns = wall_ns() - start;
    }
    traffic.busy_ns = traffic.wall_ns + ksoftirqd_ns() - waited_ns() - others;
  });
  // What is under way arrives, or has been dropped.
  for (std::uint64_t seen = received_, i = 0; i < 100; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    if (received_ == seen) break;
    seen = received_;
  }
  traffic.received = received_ - before;
  return traffic;
}

}  // namespace outflow::bench
