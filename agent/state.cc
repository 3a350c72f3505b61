#include "agent/state.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>

#include "agent/files.h"
#include "agent/state.pb.h"

namespace outflow::agent {
namespace {

// "outflow" and a format number, then the checksum of what follows.
constexpr std::string_view kMagic = "outflow1";
constexpr std::size_t kHead = kMagic.size() + sizeof(std::uint32_t);

std::uint32_t checksum(const char* data, std::size_t size) {
  return static_cast<std::uint32_t>(crc32_z(0, reinterpret_cast<const unsigned char*>(data), size));
}

template <class Row>
void put_rows(const std::vector<Row>& rows, std::string* bytes) {
  bytes->assign(reinterpret_cast<const char*>(rows.data()), rows.size() * sizeof(Row));
}

template <class Row>
bool get_rows(const std::string& bytes, std::vector<Row>& rows) {
  if (bytes.size() % sizeof(Row) != 0) return false;
  rows.resize(bytes.size() / sizeof(Row));
  if (!rows.empty()) std::memcpy(rows.data(), bytes.data(), bytes.size());
  return true;
}

}  // namespace

std::string encode(const State& state) {
  v1::StateFile file;
  file.set_layout(OUTFLOW_LAYOUT);
  file.set_boot(state.boot.data(), state.boot.size());
  file.set_next_sequence(state.next_sequence);
  for (const std::string& batch : state.batches) file.add_batches(batch);
  file.set_interval_end_ns(unix_ns(state.interval_end));
  for (const std::uint64_t count : state.handed_on.counts) file.add_counts(count);
  for (const std::uint64_t count : state.handed_on.dns_counts) file.add_dns_counts(count);
  for (const std::uint64_t count : state.handed_on.said_counts) file.add_said_counts(count);
  file.set_overflow_read(state.overflow_read);
  for (const auto& [reason, count] : state.losses) (*file.mutable_losses())[reason] = count;
  put_rows(state.handed_on.tuples, file.mutable_tuples());
  put_rows(state.handed_on.other_sources, file.mutable_other_sources());

  const std::string body = file.SerializeAsString();
  const std::uint32_t sum = checksum(body.data(), body.size());
  std::string bytes(kMagic);
  bytes.append(reinterpret_cast<const char*>(&sum), sizeof sum);
  return bytes + body;
}

Result<State> decode(const std::string& bytes) {
  if (bytes.size() < kHead || !bytes.starts_with(kMagic)) return fail("not a state file");
  std::uint32_t sum = 0;
  std::memcpy(&sum, bytes.data() + kMagic.size(), sizeof sum);
  if (sum != checksum(bytes.data() + kHead, bytes.size() - kHead)) {
    return fail("its checksum is wrong");
  }
  v1::StateFile file;
  if (!file.ParseFromArray(bytes.data() + kHead, static_cast<int>(bytes.size() - kHead))) {
    return fail("it does not parse");
  }
  if (file.layout() != OUTFLOW_LAYOUT) return fail("it is of another layout");
  State state;
  if (file.boot().size() != state.boot.size() || file.counts_size() != COUNT_MAX ||
      file.dns_counts_size() != DNS_COUNT_MAX || file.said_counts_size() != SAID_COUNT_MAX ||
      file.next_sequence() == 0 || !get_rows(file.tuples(), state.handed_on.tuples) ||
      !get_rows(file.other_sources(), state.handed_on.other_sources)) {
    return fail("a field is out of range");
  }
  std::memcpy(state.boot.data(), file.boot().data(), state.boot.size());
  state.next_sequence = file.next_sequence();
  state.batches.assign(file.batches().begin(), file.batches().end());
  state.interval_end = from_unix_ns(file.interval_end_ns());
  std::copy(file.counts().begin(), file.counts().end(), state.handed_on.counts.begin());
  std::copy(file.dns_counts().begin(), file.dns_counts().end(), state.handed_on.dns_counts.begin());
  std::copy(file.said_counts().begin(), file.said_counts().end(),
            state.handed_on.said_counts.begin());
  state.overflow_read = file.overflow_read();
  state.losses.insert(file.losses().begin(), file.losses().end());
  return state;
}

Result<void> save_state(const std::string& path, const State& state) {
  return write_file(path, encode(state), true);
}

Result<std::optional<State>> load_state(const std::string& path) {
  const auto content = read_file(path);
  if (!content) return fail(Error(content.error()));
  if (!*content) return std::optional<State>();
  auto state = decode(**content);
  if (!state) return fail(std::move(state).error().within(path));
  return std::optional<State>(std::move(*state));
}

}  // namespace outflow::agent
