#include "tests/bpf/harness.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <numeric>
#include <string>

#include "egress.skel.h"

#include "common/net/address.h"
#include "tests/support/catch.h"
#include "tests/support/privileged.h"

namespace outflow::test {
namespace {

constexpr std::uint32_t kPassOn = 0xffffffff;  // -1

template <typename Key, typename Value>
std::vector<std::pair<Key, Value>> entries(const bpf_map* map) {
  std::vector<std::pair<Key, Value>> all;
  const int fd = bpf_map__fd(map);
  Key key{};
  Key next{};
  for (const Key* at = nullptr; bpf_map_get_next_key(fd, at, &next) == 0; at = &key) {
    Value value{};
    if (bpf_map_lookup_elem(fd, &next, &value) == 0) all.emplace_back(next, value);
    key = next;
  }
  return all;
}

template <std::size_t size>
std::array<std::uint64_t, size> sum_over_cpus(const bpf_map* map) {
  std::vector<std::array<std::uint64_t, size>> rows(
      static_cast<std::size_t>(libbpf_num_possible_cpus()));
  const std::uint32_t zero = 0;
  REQUIRE(bpf_map_lookup_elem(bpf_map__fd(map), &zero, rows.data()) == 0);
  std::array<std::uint64_t, size> sums{};
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < size; ++i) sums.at(i) += row.at(i);
  }
  return sums;
}

void consume(const bpf_map* map, ring_buffer_sample_fn take, void* to) {
  ring_buffer* ring = ring_buffer__new(bpf_map__fd(map), take, to, nullptr);
  REQUIRE(ring != nullptr);
  ring_buffer__consume(ring);
  ring_buffer__free(ring);
}

// Records with a head that says how many bytes are behind it.
template <class Record>
std::vector<Record> payloads_in(const bpf_map* map) {
  std::vector<Record> records;
  const auto take = [](void* to, void* data, std::size_t size) {
    Record record;
    std::memcpy(&record.head, data, sizeof record.head);
    REQUIRE(sizeof record.head + record.head.copied <= size);
    const auto* bytes = static_cast<const std::uint8_t*>(data) + sizeof record.head;
    record.payload.assign(bytes, bytes + record.head.copied);
    static_cast<std::vector<Record>*>(to)->push_back(std::move(record));
    return 0;
  };
  consume(map, take, &records);
  return records;
}

}  // namespace

flow_key key_of(std::string_view destination, std::uint16_t port, std::uint8_t protocol) {
  flow_key key{};
  const auto address = net::Address::parse(destination);
  REQUIRE(address);
  std::ranges::copy(address->bytes(), key.destination);
  key.interface_id = Harness::kInterface;
  key.destination_port = htons(port);
  key.protocol = protocol;
  return key;
}

std::size_t shortest_run(const Bytes& frame) {
  const int type = frame.at(12) << 8 | frame.at(13);
  if (type == 0x0800) return 14 + 20;
  return type == 0x86dd ? 14 + 40 : 15;
}

bool is_source(const flow_stats& stats, std::string_view text) {
  const auto address = net::Address::parse(text);
  return address && is_source(stats, *address);
}

bool is_source(const flow_stats& stats, const net::Address& address) {
  std::uint32_t words[4];
  std::memcpy(words, address.bytes().data(), sizeof words);
  return stats.source_tag == source_tag_of(words);
}

bool is_address(const std::uint8_t (&bytes)[16], std::string_view text) {
  const auto address = net::Address::parse(text);
  return address && std::ranges::equal(address->bytes(), bytes);
}

Harness::Harness(const std::function<void(egress_bpf&)>& adjust) {
  require_root();
  object_ = egress_bpf::open();
  REQUIRE(object_ != nullptr);
  if (adjust) adjust(*object_);
  REQUIRE(egress_bpf::load(object_) == 0);
  from_pod_ = program("from_pod");
  to_pod_ = program("to_pod");
  name_interface(kInterface);
}

Harness::~Harness() {
  if (std::uncaught_exceptions() == 0) check_sum_rule();
  egress_bpf::destroy(object_);
}

void Harness::check_sum_rule() const {
  const Counts all = counts();
  std::uint64_t ends = 0;
  for (std::size_t i = COUNT_RECORDED; i < COUNT_MAX; ++i) ends += all.at(i);
  std::uint64_t held = forgotten_;
  for (const FlowEntry& entry : flows()) held += entry.stats.packets;
  for (const auto& entry : other_sources()) held += entry.second.packets;
  CHECK(all[COUNT_SEEN] == ends);
  CHECK(all[COUNT_RECORDED] == held);
}

int Harness::program(std::string_view name) const {
  const bpf_program* found =
      bpf_object__find_program_by_name(object_->obj, std::string(name).c_str());
  REQUIRE(found != nullptr);
  return bpf_program__fd(found);
}

void Harness::run(int program, const Bytes& frame, std::uint32_t gso_segs) {
  __sk_buff context{};
  context.ifindex = kIfindex;
  context.gso_segs = gso_segs;
  context.gso_size = gso_segs != 0 ? 1448 : 0;
  LIBBPF_OPTS(bpf_test_run_opts, options);
  options.data_in = frame.data();
  options.data_size_in = static_cast<std::uint32_t>(frame.size());
  options.ctx_in = &context;
  options.ctx_size_in = sizeof context;
  const int error = bpf_prog_test_run_opts(program, &options);
  if (error != 0 || options.retval != kPassOn) {
    FAIL("test_run gave " << error << ", the program " << static_cast<int>(options.retval) << " on "
                          << frame.size() << " bytes");
  }
}

void Harness::from_pod(const Bytes& frame, std::uint32_t gso_segs) {
  run(from_pod_, frame, gso_segs);
}

void Harness::to_pod(const Bytes& frame) {
  run(to_pod_, frame, 0);
}

packet_count Harness::outcome(const Bytes& frame) {
  const Counts before = counts();
  from_pod(frame);
  const Counts after = counts();
  std::size_t reason = COUNT_MAX;
  for (std::size_t i = COUNT_RECORDED; i < COUNT_MAX; ++i) {
    if (after.at(i) == before.at(i)) continue;
    CHECK(reason == COUNT_MAX);
    reason = i;
  }
  REQUIRE(reason != COUNT_MAX);
  return static_cast<packet_count>(reason);
}

Counts Harness::counts() const {
  return sum_over_cpus<COUNT_MAX>(object_->maps.counts);
}

std::uint64_t Harness::dns_count(enum dns_count reason) const {
  return sum_over_cpus<DNS_COUNT_MAX>(object_->maps.dns_counts).at(reason);
}

std::uint64_t Harness::said_count(enum said_count reason) const {
  return sum_over_cpus<SAID_COUNT_MAX>(object_->maps.said_counts).at(reason);
}

std::vector<FlowEntry> Harness::flows() const {
  std::vector<FlowEntry> all;
  for (const auto& [key, stats] : entries<flow_key, flow_stats>(object_->maps.flows)) {
    all.push_back({key, stats});
  }
  return all;
}

std::vector<std::pair<other_source_key, flow_stats>> Harness::other_sources() const {
  return entries<other_source_key, flow_stats>(object_->maps.other_sources);
}

std::optional<flow_stats> Harness::flow(std::string_view destination, std::uint16_t port,
                                        std::uint8_t protocol) const {
  const flow_key key = key_of(destination, port, protocol);
  flow_stats stats{};
  if (bpf_map_lookup_elem(bpf_map__fd(object_->maps.flows), &key, &stats) != 0) return std::nullopt;
  return stats;
}

std::size_t Harness::remembered() const {
  // All of the array at once; the kernel says ENOENT at its end.
  std::vector<std::uint32_t> numbers(INBOUND_BUCKETS);
  std::vector<inbound_bucket> buckets(INBOUND_BUCKETS);
  std::uint32_t count = INBOUND_BUCKETS;
  std::uint32_t position = 0;
  const int error = bpf_map_lookup_batch(bpf_map__fd(object_->maps.inbound), nullptr, &position,
                                         numbers.data(), buckets.data(), &count, nullptr);
  REQUIRE((error == 0 || error == -ENOENT));
  std::size_t peers = 0;
  for (const inbound_bucket& bucket : buckets) {
    peers += static_cast<std::size_t>(std::count_if(std::begin(bucket.ways), std::end(bucket.ways),
                                                    [](const auto& way) { return way.print; }));
  }
  return peers;
}

std::vector<overflow_event> Harness::overflowed() {
  std::vector<overflow_event> events;
  const auto take = [](void* to, void* data, std::size_t size) {
    overflow_event event{};
    if (size == sizeof event) std::memcpy(&event, data, size);
    static_cast<std::vector<overflow_event>*>(to)->push_back(event);
    return 0;
  };
  consume(object_->maps.overflow, take, &events);
  return events;
}

std::vector<DnsRecord> Harness::dns_records() {
  return payloads_in<DnsRecord>(object_->maps.dns);
}

std::vector<SaidRecord> Harness::said_records() {
  return payloads_in<SaidRecord>(object_->maps.said);
}

void Harness::forget_flows() {
  for (const FlowEntry& entry : flows()) {
    forgotten_ += entry.stats.packets;
    bpf_map_delete_elem(bpf_map__fd(object_->maps.flows), &entry.key);
  }
}

void Harness::forget_peers() {
  std::vector<std::uint32_t> numbers(INBOUND_BUCKETS);
  std::iota(numbers.begin(), numbers.end(), 0U);
  const std::vector<inbound_bucket> empty(INBOUND_BUCKETS);
  std::uint32_t count = INBOUND_BUCKETS;
  REQUIRE(bpf_map_update_batch(bpf_map__fd(object_->maps.inbound), numbers.data(), empty.data(),
                               &count, nullptr) == 0);
}

void Harness::name_interface(std::uint32_t id, bool in_slot, bool in_map) {
  interface_slot slot{};
  if (in_slot && id != 0) slot = {kIfindex, id};
  const std::uint32_t ifindex = kIfindex;
  REQUIRE(bpf_map_update_elem(bpf_map__fd(object_->maps.interface_slots), &ifindex, &slot,
                              BPF_ANY) == 0);
  interface_entry entry{};
  entry.number = id;
  const int interfaces = bpf_map__fd(object_->maps.interfaces);
  if (in_map) {
    REQUIRE(bpf_map_update_elem(interfaces, &ifindex, &entry, BPF_ANY) == 0);
  } else {
    bpf_map_delete_elem(interfaces, &ifindex);
  }
}

clock_reading Harness::read_clock() const {
  clock_reading reading{};
  LIBBPF_OPTS(bpf_test_run_opts, options);
  options.ctx_in = &reading;
  options.ctx_size_in = sizeof reading;
  REQUIRE(bpf_prog_test_run_opts(program("read_clock"), &options) == 0);
  return reading;
}

}  // namespace outflow::test
