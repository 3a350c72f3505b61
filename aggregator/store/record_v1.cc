#include "aggregator/store/record_v1.h"

#include "aggregator/store/bytes.h"
#include "aggregator/store/merge_operator.h"
#include "aggregator/store/record.h"

namespace outflow::store {
namespace {

using attribution::PeerKind;

constexpr std::uint8_t kValueVersion = 1;

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
  write_stats(out, history.stats);
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

struct Before {
  using Row = History;
  static constexpr const char* kName = "outflow.flow/1";
  static bool read(std::string_view value, History& to) { return read_value(value, to); }
  static void join(History& sum, const History& newer) {
    sum.stats.merge(newer.stats);
    sum.source = newer.source;
    if (newer.peer.kind != PeerKind::Unknown || sum.peer.kind == PeerKind::Unknown) {
      sum.peer = newer.peer;
    }
  }
  static std::string write(const History& sum) { return value_of(sum); }
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
  return std::make_shared<SumOperator<Before>>();
}

}  // namespace outflow::store
