#include "tests/bench/datapath/programs.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <array>
#include <cerrno>
#include <vector>

#include "egress.skel.h"
#include "shapes.skel.h"

#include "common/result.h"
#include "tests/bench/datapath/measure.h"

namespace outflow::bench {
namespace {

constexpr std::uint32_t kBatchRows = 4'096;
// Knuth's multiplier, a prime: no number of tuples here is a multiple of it.
constexpr std::uint32_t kScatteredStep = 2'654'435'761;
constexpr const char* kLoadFailed = "cannot load the BPF objects; are you root? ";

std::array<bpf_map*, 4> tables_of(const shapes_bpf& object) {
  return {object.maps.floor4, object.maps.floor6, object.maps.exported, object.maps.bare};
}

// One batch of rows that are there, taken or only looked at; false at the end.
bool next_batch(const bpf_map* map, bool first, bool take, std::uint32_t* position,
                std::uint32_t* count) {
  std::vector<std::uint8_t> keys(kBatchRows * bpf_map__key_size(map));
  std::vector<std::uint8_t> values(kBatchRows * bpf_map__value_size(map));
  *count = kBatchRows;
  const auto step = take ? bpf_map_lookup_and_delete_batch : bpf_map_lookup_batch;
  const int error = step(bpf_map__fd(map), first ? nullptr : position, position, keys.data(),
                         values.data(), count, nullptr);
  require(error == 0 || error == -ENOENT, "read a table: " + errno_text(error));
  return error == 0;
}

}  // namespace

void run(int program, const Bytes& packet, int repeat) {
  bpf_test_run_opts options{};
  options.sz = sizeof options;
  options.data_in = packet.data();
  options.data_size_in = static_cast<std::uint32_t>(packet.size());
  options.repeat = repeat;
  const int error = bpf_prog_test_run_opts(program, &options);
  require(error == 0, "prog_test_run: " + errno_text(error));
  require(options.retval == 0xffffffff, "a program did not pass its packet on");
}

double time_run(int program, const Bytes& packet, int repeat) {
  const double start = thread_cpu_ns();
  run(program, packet, repeat);
  return (thread_cpu_ns() - start) / repeat;
}

void clear_table(const bpf_map* map) {
  std::uint32_t position = 0;
  std::uint32_t count = 0;
  for (bool first = true; next_batch(map, first, true, &position, &count); first = false) {
  }
}

std::uint64_t rows_of(const bpf_map* map) {
  std::uint32_t position = 0;
  std::uint32_t count = 0;
  std::uint64_t rows = 0;
  for (bool first = true, more = true; more; first = false) {
    more = next_batch(map, first, false, &position, &count);
    rows += count;
  }
  return rows;
}

std::vector<std::uint64_t> counters_of(const bpf_map* map) {
  const std::size_t size = bpf_map__value_size(map) / sizeof(std::uint64_t);
  std::vector<std::uint64_t> all(size * static_cast<std::size_t>(libbpf_num_possible_cpus()));
  const std::uint32_t zero = 0;
  require(bpf_map__max_entries(map) == 1, "counters in more than one row");
  require(bpf_map_lookup_elem(bpf_map__fd(map), &zero, all.data()) == 0, "read counters");
  std::vector<std::uint64_t> sums(size);
  for (std::size_t i = 0; i < all.size(); ++i) sums[i % size] += all[i];
  return sums;
}

Ours::Ours(const std::function<void(egress_bpf&)>& adjust) : object_(egress_bpf::open()) {
  require(object_ != nullptr, kLoadFailed + errno_text(errno));
  if (adjust) adjust(*object_);
  const int error = egress_bpf::load(object_.get());
  require(error == 0, kLoadFailed + errno_text(error));
  name_interface(kTestIfindex, 1);
}

void Ours::Destroy::operator()(egress_bpf* object) const {
  egress_bpf::destroy(object);
}

int Ours::from_pod() const {
  return bpf_program__fd(object_->progs.from_pod);
}

int Ours::to_pod() const {
  return bpf_program__fd(object_->progs.to_pod);
}

void Ours::name_interface(std::uint32_t ifindex, std::uint32_t id) const {
  const interface_entry entry{id, "bench"};
  const interface_slot slot{ifindex, id};
  const std::uint32_t number = ifindex & (INTERFACE_SLOTS - 1);
  bpf_map_update_elem(bpf_map__fd(object_->maps.interfaces), &ifindex, &entry, BPF_ANY);
  bpf_map_update_elem(bpf_map__fd(object_->maps.interface_slots), &number, &slot, BPF_ANY);
}

std::vector<std::uint64_t> Ours::counts() const {
  return counters_of(object_->maps.counts);
}

const bpf_map* Ours::flows() const {
  return object_->maps.flows;
}

const bpf_map* Ours::map(const char* name) const {
  return bpf_object__find_map_by_name(object_->obj, name);
}

bpf_object* Ours::object() const {
  return object_->obj;
}

void Ours::forget() const {
  clear_table(object_->maps.flows);
  clear_table(object_->maps.other_sources);
  clear_table(object_->maps.inbound);
}

Shapes::Shapes(const bpf_map* table) : object_(shapes_bpf::open()) {
  require(object_ != nullptr, kLoadFailed + errno_text(errno));
  for (bpf_map* map : tables_of(*object_)) {
    bpf_map__set_max_entries(map, bpf_map__max_entries(table));
  }
  bpf_map__set_value_size(object_->maps.bare, bpf_map__value_size(table));
  const int error = shapes_bpf::load(object_.get());
  require(error == 0, kLoadFailed + errno_text(error));
}

void Shapes::Destroy::operator()(shapes_bpf* object) const {
  shapes_bpf::destroy(object);
}

int Shapes::null() const {
  return bpf_program__fd(object_->progs.null_hook);
}

int Shapes::floor() const {
  return bpf_program__fd(object_->progs.flow_floor);
}

int Shapes::exporter() const {
  return bpf_program__fd(object_->progs.exporter);
}

int Shapes::bare_insert() const {
  return bpf_program__fd(object_->progs.bare_insert);
}

int Shapes::walk(int program, std::uint32_t addresses, bool to_pod, Order order) const {
  const std::uint32_t zero = 0;
  const int error =
      bpf_map_update_elem(bpf_map__fd(object_->maps.measured), &zero, &program, BPF_ANY);
  require(error == 0, "the tail call: " + errno_text(error));
  object_->bss->walk_count = addresses;
  object_->bss->walk_next = 0;
  object_->bss->walk_step = order == Order::InTurn ? 1 : kScatteredStep;
  object_->bss->walk_source = to_pod ? 1 : 0;
  return bpf_program__fd(object_->progs.walk);
}

void Shapes::forget() const {
  for (const bpf_map* map : tables_of(*object_)) clear_table(map);
}

}  // namespace outflow::bench
