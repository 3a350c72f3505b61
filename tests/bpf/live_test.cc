// What test_run cannot make: packets as the kernel really hands them over a veth, with the VLAN tag
// in skb metadata and with headers in page fragments. A network namespace of our own, frames by
// AF_PACKET.
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

#include "egress.skel.h"

#include "common/fd.h"
#include "tests/bpf/harness.h"
#include "tests/support/catch.h"

namespace outflow::test {
namespace {

constexpr const char* kPod4 = "10.244.1.5";
constexpr const char* kPod6 = "2001:db8:1::5";
constexpr const char* kFar4 = "192.0.2.10";
constexpr const char* kFar6 = "2001:db8:ffff::10";

void shell(const std::string& command) {
  REQUIRE(std::system(command.c_str()) == 0);  // NOLINT(concurrency-mt-unsafe): one thread
}

// A veth pair in a namespace that ends with this object: `pod0` is the pod's end, `host0` has our
// hook.
class Wire {
 public:
  Wire() : home_(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)) {
    REQUIRE(unshare(CLONE_NEWNET) == 0);
    shell("ip link add pod0 mtu 9000 type veth peer name host0 mtu 9000");
    for (const char* end : {"pod0", "host0"}) {
      shell(std::string("echo 1 > /proc/sys/net/ipv6/conf/") + end + "/disable_ipv6");
      shell(std::string("ip link set up dev ") + end);
    }
    // Until the kernel's link watch has seen the carrier, what is sent is dropped.
    shell(
        "for i in $(seq 500); do ip link show pod0 | grep -q LOWER_UP.*state.UP && break; sleep "
        "0.01; done");
    socket_ = Fd(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
    const int on = 1;
    REQUIRE(setsockopt(socket_.get(), SOL_PACKET, PACKET_VNET_HDR, &on, sizeof on) == 0);
  }
  ~Wire() { setns(home_.get(), CLONE_NEWNET); }
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  void hook(Harness& harness, const char* program = "from_pod") {
    const std::uint32_t ifindex = if_nametoindex("host0");
    const interface_slot slot = {ifindex, Harness::kInterface};
    REQUIRE(bpf_map__update_elem(harness.object().maps.interface_slots, &ifindex, sizeof ifindex,
                                 &slot, sizeof slot, BPF_ANY) == 0);
    LIBBPF_OPTS(bpf_tc_hook, hook);
    hook.ifindex = static_cast<int>(ifindex);
    hook.attach_point = BPF_TC_INGRESS;
    REQUIRE(bpf_tc_hook_create(&hook) == 0);
    LIBBPF_OPTS(bpf_tc_opts, options);
    options.prog_fd = harness.program(program);
    REQUIRE(bpf_tc_attach(&hook, &options) == 0);
  }

  // A frame of more than a page keeps only its first `linear` bytes out of page fragments.
  void send(const Bytes& frame, std::uint16_t linear = 0) {
    // struct virtio_net_hdr, whose header C++ cannot read: flags, GSO type, hdr_len, 6 bytes more.
    std::array<std::uint8_t, 10> header{};
    std::memcpy(&header[2], &linear, sizeof linear);
    sockaddr_ll to{};
    to.sll_family = AF_PACKET;
    to.sll_ifindex = static_cast<int>(if_nametoindex("pod0"));
    Bytes all(sizeof header + frame.size());
    std::ranges::copy(header, all.begin());
    std::ranges::copy(frame, all.begin() + sizeof header);
    REQUIRE(sendto(socket_.get(), all.data(), all.size(), 0, reinterpret_cast<sockaddr*>(&to),
                   sizeof to) == static_cast<ssize_t>(all.size()));
  }

 private:
  Fd home_;
  Fd socket_;
};

void wait_for(const Harness& harness, std::uint64_t packets) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (harness.count(COUNT_SEEN) < packets && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

}  // namespace

TEST_CASE("a VLAN tag in skb metadata is marked, QinQ's inner one in the bytes too", "[live]") {
  Harness harness;
  Wire wire;
  wire.hook(harness);
  wire.send(Packet().ethernet().ipv4(kPod4, kFar4).udp(1, 10).payload(20).build());
  wire.send(Packet().ethernet().vlan(7).ipv4(kPod4, kFar4).udp(1, 11).payload(20).build());
  wire.send(Packet()
                .ethernet()
                .vlan(9, 0x88a8)
                .vlan(7)
                .ipv4(kPod4, kFar4)
                .udp(1, 12)
                .payload(20)
                .build());
  wire.send(Packet().ethernet().vlan(7).ipv6(kPod6, kFar6).udp(1, 13).payload(20).build());
  wait_for(harness, 4);

  CHECK(harness.count(COUNT_RECORDED) == 4);
  CHECK(flags_in(*harness.flow(kFar4, 10, IPPROTO_UDP)) == 0);
  CHECK(harness.flow(kFar4, 10, IPPROTO_UDP)->bytes == 48);
  CHECK(flags_in(*harness.flow(kFar4, 11, IPPROTO_UDP)) == FLOW_VLAN);
  CHECK(harness.flow(kFar4, 11, IPPROTO_UDP)->bytes == 48);
  CHECK(flags_in(*harness.flow(kFar4, 12, IPPROTO_UDP)) == FLOW_VLAN);
  CHECK(harness.flow(kFar4, 12, IPPROTO_UDP)->bytes == 48);
  CHECK(flags_in(*harness.flow(kFar6, 13, IPPROTO_UDP)) == FLOW_VLAN);
}

TEST_CASE("frames that end in the IP header or right before it are malformed", "[live]") {
  Harness harness;
  Wire wire;
  wire.hook(harness);
  const Bytes four = Packet().ethernet().ipv4(kPod4, kFar4).udp(1, 53).build();
  const Bytes six = Packet().ethernet().ipv6(kPod6, kFar6).tcp(1, 443, kSyn).build();
  std::uint64_t sent = 0;
  for (const Bytes& frame : {four, six}) {
    for (std::size_t size = 14; size < frame.size(); ++size, ++sent) {
      wire.send({frame.begin(), frame.begin() + static_cast<long>(size)});
    }
  }
  wait_for(harness, sent);

  CHECK(harness.count(COUNT_SEEN) == sent);
  CHECK(harness.count(COUNT_MALFORMED) == sent);
}

TEST_CASE("headers in page fragments are read wherever the linear part ends", "[live]") {
  Harness harness;
  Wire wire;
  wire.hook(harness);
  const Bytes four =
      Packet().ethernet().ipv4(kPod4, kFar4, Bytes(8, 1)).udp(1, 53).payload(6000).build();
  const Bytes six = Packet()
                        .ethernet()
                        .ipv6(kPod6, kFar6)
                        .extension(kHopByHop, 440)
                        .tcp(1, 443, kSyn)
                        .payload(6000)
                        .build();
  std::uint64_t sent = 0;
  for (std::uint16_t linear = 14; linear < 64; ++linear, ++sent) wire.send(four, linear);
  for (std::uint16_t linear = 14; linear < 580; ++linear, ++sent) wire.send(six, linear);
  wait_for(harness, sent);

  CHECK(harness.count(COUNT_RECORDED) == sent);
  CHECK(harness.flow(kFar4, 53, IPPROTO_UDP)->packets == 50);
  CHECK(harness.flow(kFar4, 53, IPPROTO_UDP)->bytes == 50 * (four.size() - 14));
  CHECK(harness.flow(kFar6, 443, IPPROTO_TCP)->packets == 566);
  CHECK(harness.flow(kFar6, 443, IPPROTO_TCP)->attempts == 566);
}

TEST_CASE("a DNS answer larger than a part comes in parts that make it whole again", "[live]") {
  Harness harness;
  Wire wire;
  wire.hook(harness, "to_pod");
  harness.from_pod(Packet().ethernet().ipv4(kPod4, kFar4).udp(40053, 53).payload(20).build());
  Bytes payload(8900);
  for (std::size_t i = 0; i < payload.size(); ++i) payload[i] = static_cast<std::uint8_t>(i % 251);
  payload[2] = 0x80;  // QR: an answer
  wire.send(Packet().ethernet().ipv4(kFar4, kPod4).udp(53, 40053).payload(payload).build(), 64);
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (harness.dns_count(DNS_COPIED) == 0 && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }

  const auto records = harness.dns_records();
  Bytes whole;
  for (const DnsRecord& record : records) {
    CHECK(record.head.offset == whole.size());
    CHECK(record.head.length == payload.size());
    whole.insert(whole.end(), record.payload.begin(), record.payload.end());
  }
  CHECK(records.size() == 3);
  CHECK(whole == payload);
}

}  // namespace outflow::test
