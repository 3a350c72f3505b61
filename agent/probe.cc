#include "agent/probe.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdarg>
#include <cstdio>
#include <string_view>

#include <fmt/format.h>

#include "egress.skel.h"

#include "agent/bpffs.h"
#include "agent/tables.h"
#include "common/fd.h"
#include "common/log.h"

namespace outflow::agent {
namespace {

constexpr const char* kMeta = "meta";

// libbpf's own words, verifier log included, for whoever asks for debug.
int log_libbpf(libbpf_print_level level, const char* format, va_list arguments) {
  std::array<char, 2048> line{};
  const int size = std::vsnprintf(line.data(), line.size(), format, arguments);
  std::string_view text(line.data());
  while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  if (level != LIBBPF_DEBUG) log::debug("libbpf", {{"text", std::string(text)}});
  return size;
}

// Rodata and the like are the object's own affair; maps with a plain name are pinned.
bool is_pinned_kind(const bpf_map* map) {
  return std::string_view(bpf_map__name(map)).find('.') == std::string_view::npos;
}

enum class Match { Missing, Same, OtherSize, Other };

Match compare(const bpf_map* map, const std::string& path) {
  const Fd pinned(bpf_obj_get(path.c_str()));
  if (!pinned.valid()) return errno == ENOENT ? Match::Missing : Match::Other;
  bpf_map_info info{};
  std::uint32_t size = sizeof info;
  if (bpf_obj_get_info_by_fd(pinned.get(), &info, &size) != 0) return Match::Other;
  if (info.type != bpf_map__type(map) || info.key_size != bpf_map__key_size(map) ||
      info.value_size != bpf_map__value_size(map) || info.map_flags != bpf_map__map_flags(map)) {
    return Match::Other;
  }
  if (info.max_entries == bpf_map__max_entries(map)) return Match::Same;
  // An array of another number of rows is another layout.
  const bool table = info.type == BPF_MAP_TYPE_HASH || info.type == BPF_MAP_TYPE_RINGBUF;
  return table ? Match::OtherSize : Match::Other;
}

bool layout_is_ours(const std::string& meta_path) {
  const Fd map(bpf_obj_get(meta_path.c_str()));
  const std::uint32_t zero = 0;
  struct meta meta {};
  return map.valid() && bpf_map_lookup_elem(map.get(), &zero, &meta) == 0 &&
         meta.layout == OUTFLOW_LAYOUT;
}

int program_fd(const egress_bpf* object, const char* name) {
  const bpf_program* program = bpf_object__find_program_by_name(object->obj, name);
  return program == nullptr ? -1 : bpf_program__fd(program);
}

}  // namespace

void Probe::Destroy::operator()(egress_bpf* object) const {
  egress_bpf__destroy(object);
}

Result<Probe> Probe::open(std::string maps_dir, std::uint32_t tuples_max, bool tls_names) {
  libbpf_set_print(log_libbpf);
  Object object(egress_bpf__open());
  if (object == nullptr) return fail("open the BPF object: " + errno_text(errno));
  bpf_map* flows = bpf_object__find_map_by_name(object->obj, "flows");
  if (flows == nullptr || bpf_map__set_max_entries(flows, tuples_max) != 0) {
    return fail("the BPF object has no usable map 'flows'");
  }
  timespec tick{};
  clock_getres(CLOCK_MONOTONIC_COARSE, &tick);
  const std::chrono::nanoseconds jiffy(std::max(tick.tv_nsec, 1L));
  object->rodata->reply_memory_jiffies = static_cast<std::uint32_t>(kReplyMemory / jiffy);
  object->rodata->second_jiffies = static_cast<std::uint32_t>(std::chrono::seconds(1) / jiffy);
  object->rodata->said_names = tls_names ? 1 : 0;
  return Probe(std::move(object), std::move(maps_dir));
}

PinState Probe::pins() const {
  int missing = 0;
  int present = 0;
  bool resized = false;
  bool other = false;
  const bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object_->obj) {
    if (!is_pinned_kind(map)) continue;
    const Match match = compare(map, maps_dir_ + "/" + bpf_map__name(map));
    missing += match == Match::Missing ? 1 : 0;
    present += match == Match::Missing ? 0 : 1;
    resized = resized || match == Match::OtherSize;
    other = other || match == Match::Other;
  }
  if (present == 0) return PinState::None;
  if (missing > 0 || other || !layout_is_ours(maps_dir_ + "/" + kMeta)) return PinState::Unusable;
  return resized ? PinState::Resized : PinState::Usable;
}

Result<void> Probe::load() {
  const int error = egress_bpf__load(object_.get());
  if (error == 0) return {};
  const std::string hint =
      error == -EPERM ? " (it needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON, or root)" : "";
  return fail("the kernel refused the BPF object: " + errno_text(error) + hint);
}

Result<void> Probe::load_adopting() {
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object_->obj) {
    if (!is_pinned_kind(map)) continue;
    const std::string path = maps_dir_ + "/" + bpf_map__name(map);
    const Fd pinned(bpf_obj_get(path.c_str()));
    if (!pinned.valid()) return fail("open " + path + ": " + errno_text(errno));
    if (const int error = bpf_map__reuse_fd(map, pinned.get()); error != 0) {
      return fail("adopt " + path + ": " + errno_text(error));
    }
  }
  return load();
}

Result<void> Probe::load_new() {
  return load();
}

Result<void> Probe::pin() const {
  // `meta` last: maps without it are a start that did not end, and nobody's counters.
  bpf_map* meta = bpf_object__find_map_by_name(object_->obj, kMeta);
  if (meta == nullptr) return fail("the BPF object has no map 'meta'");
  if (auto begun = begin_boot(bpf_map__fd(meta)); !begun) return begun;
  const auto pin_one = [this](bpf_map* map) -> Result<void> {
    const std::string path = maps_dir_ + "/" + bpf_map__name(map);
    const int error = bpf_obj_pin(bpf_map__fd(map), path.c_str());
    if (error != 0) return fail("pin " + path + ": " + errno_text(error));
    return {};
  };
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object_->obj) {
    if (map == meta || !is_pinned_kind(map)) continue;
    if (auto pinned = pin_one(map); !pinned) return pinned;
  }
  return pin_one(meta);
}

int Probe::from_pod() const {
  return program_fd(object_.get(), "from_pod");
}

int Probe::to_pod() const {
  return program_fd(object_.get(), "to_pod");
}

Result<void> Probe::run(const char* program, void* context, std::uint32_t size) const {
  bpf_test_run_opts options{};
  options.sz = sizeof options;
  options.ctx_in = context;
  options.ctx_size_in = size;
  const int error = bpf_prog_test_run_opts(program_fd(object_.get(), program), &options);
  if (error != 0) return fail(fmt::format("{}: {}", program, errno_text(error)));
  return {};
}

Result<clock_reading> Probe::read_clock() const {
  clock_reading reading{};
  if (auto ran = run("read_clock", &reading, sizeof reading); !ran) {
    return fail(std::move(ran).error());
  }
  return reading;
}

Result<void> Probe::confirm(flow_key key) const {
  return run("confirm_opened", &key, sizeof key);
}

Result<void> Probe::remember(inbound_key key) const {
  return run("remember_inbound", &key, sizeof key);
}

Result<flow_stats> Probe::try_packet(std::span<const std::uint8_t> frame) const {
  constexpr std::uint32_t kLoopback = 1;  // an interface that every network namespace has
  const auto map = [this](const char* name) {
    return bpf_object__find_map_fd_by_name(object_->obj, name);
  };
  interface_entry entry{};
  entry.number = 1;
  interface_slot slot{};
  slot.ifindex = kLoopback;
  slot.number = 1;
  if (bpf_map_update_elem(map("interfaces"), &kLoopback, &entry, BPF_ANY) != 0 ||
      bpf_map_update_elem(map("interface_slots"), &kLoopback, &slot, BPF_ANY) != 0) {
    return fail("write interfaces: " + errno_text(errno));
  }
  __sk_buff context{};
  context.ifindex = kLoopback;
  bpf_test_run_opts options{};
  options.sz = sizeof options;
  options.data_in = frame.data();
  options.data_size_in = static_cast<std::uint32_t>(frame.size());
  options.ctx_in = &context;
  options.ctx_size_in = sizeof context;
  if (const int error = bpf_prog_test_run_opts(from_pod(), &options); error != 0) {
    return fail("run from_pod: " + errno_text(error));
  }
  flow_key key{};
  flow_key next{};
  flow_stats stats{};
  const int flows = map("flows");
  if (bpf_map_get_next_key(flows, nullptr, &key) != 0 ||
      bpf_map_lookup_elem(flows, &key, &stats) != 0) {
    return fail("from_pod recorded nothing of a made packet");
  }
  if (bpf_map_get_next_key(flows, &key, &next) == 0) {
    return fail("from_pod recorded more than one tuple of a made packet");
  }
  return stats;
}

void remove_map_pins(const std::string& maps_dir) {
  for (const std::string& name : names_in(maps_dir)) {
    const std::string path = fmt::format("{}/{}", maps_dir, name);
    unlink(path.c_str());
  }
}

}  // namespace outflow::agent
