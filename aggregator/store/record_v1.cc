#include "aggregator/store/record_v1.h"

#include <deque>

#include <rocksdb/merge_operator.h>

#include "aggregator/store/bytes.h"
#include "aggregator/store/record.h"

namespace outflow::store {
namespace {

using attribution::PeerKind;

constexpr std::uint8_t kValueVersion = 1;

std::string_view view(const rocksdb::Slice& slice) {
  return {slice.data(), slice.size()};
}

void read_stats(Reader& in, FlowStats& stats) {
  stats.packets = in.varint();
  stats.bytes = in.varint();
  stats.attempts = in.varint();
  stats.established = in.varint();
  stats.refused = in.varint();
  stats.flags = static_cast<std::uint32_t>(in.varint());
  stats.first_seen = from_unix_ns(in.signed_varint());
  stats.last_seen = from_unix_ns(in.signed_varint());
}

bool read_value(std::string_view value, History& history) {
  Reader in(value);
  if (in.byte() != kValueVersion) return false;
  read_stats(in, history.stats);
  attribution::Source& source = history.source;
  source.workload.kind = in.text();
  source.workload.name = in.text();
  source.pod = in.text();
  source.reason = in.text();
  source.own_address = in.byte() != 0;
  attribution::Peer& peer = history.peer;
  const std::uint8_t kind = in.byte();
  if (kind > static_cast<std::uint8_t>(PeerKind::Multicast)) return false;
  peer.kind = static_cast<PeerKind>(kind);
  peer.namespace_name = in.text();
  peer.name = in.text();
  peer.workload_kind = in.text();
  peer.selector = in.text();
  peer.service = in.text();
  peer.address = in.address();
  peer.reason = in.text();
  return in.done();
}

std::string value_of(const History& history) {
  std::string value;
  Writer out(value);
  out.byte(kValueVersion);
  const FlowStats& stats = history.stats;
  for (const std::uint64_t count :
       {stats.packets, stats.bytes, stats.attempts, stats.established, stats.refused}) {
    out.varint(count);
  }
  out.varint(stats.flags);
  out.signed_varint(unix_ns(stats.first_seen));
  out.signed_varint(unix_ns(stats.last_seen));
  const attribution::Source& source = history.source;
  for (const std::string& text :
       {source.workload.kind, source.workload.name, source.pod, source.reason}) {
    out.text(text);
  }
  out.byte(source.own_address ? 1 : 0);
  const attribution::Peer& peer = history.peer;
  out.byte(static_cast<std::uint8_t>(peer.kind));
  for (const std::string& text :
       {peer.namespace_name, peer.name, peer.workload_kind, peer.selector, peer.service}) {
    out.text(text);
  }
  out.address(peer.address);
  out.text(peer.reason);
  return value;
}

// The values of one key, oldest first; one that cannot be read stays for its reader to find.
class Sum {
 public:
  void add(const rocksdb::Slice& value) {
    if (damaged_) return;
    History next;
    if (!read_value(view(value), next)) {
      damaged_ = true;
      out_ = value.ToString();
      return;
    }
    sum_.stats.merge(next.stats);
    sum_.source = next.source;
    if (next.peer.kind != PeerKind::Unknown || sum_.peer.kind == PeerKind::Unknown) {
      sum_.peer = next.peer;
    }
  }
  std::string value() { return damaged_ ? std::move(out_) : value_of(sum_); }

 private:
  History sum_;
  std::string out_;
  bool damaged_ = false;
};

class FlowMergeV1 final : public rocksdb::MergeOperator {
 public:
  bool FullMergeV2(const MergeOperationInput& in, MergeOperationOutput* out) const override {
    Sum sum;
    if (in.existing_value != nullptr) sum.add(*in.existing_value);
    for (const rocksdb::Slice& operand : in.operand_list) sum.add(operand);
    out->new_value = sum.value();
    return true;
  }
  bool PartialMergeMulti(const rocksdb::Slice&, const std::deque<rocksdb::Slice>& operands,
                         std::string* out, rocksdb::Logger*) const override {
    Sum sum;
    for (const rocksdb::Slice& operand : operands) sum.add(operand);
    *out = sum.value();
    return true;
  }
  [[nodiscard]] const char* Name() const override { return "outflow.flow/1"; }
};

}  // namespace

bool read_flow_v1(std::string_view key, std::string_view value, History& history) {
  if (!read_value(value, history)) return false;
  const attribution::Peer peer = history.peer;
  // The key was today's without the peer at its end.
  std::string with_peer(key);
  with_peer += flow_key_peer(peer);
  if (!read_flow_key(with_peer, history)) return false;
  history.peer = peer;
  return true;
}

std::shared_ptr<rocksdb::MergeOperator> make_merge_operator_v1() {
  return std::make_shared<FlowMergeV1>();
}

}  // namespace outflow::store
