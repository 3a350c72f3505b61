#include "aggregator/feeds/classify.h"

namespace outflow::feeds {

using attribution::PeerKind;

void classify(attribution::Peer& peer, TimePoint when, const RangeTable& table) {
  switch (peer.kind) {
    case PeerKind::External:
    case PeerKind::Name:
    case PeerKind::Provider:
      peer.provider = table.class_of(peer.address, when);
      break;
    case PeerKind::Private:
      peer.provider = table.own_class_of(peer.address, when);
      break;
    default:
      return;
  }
  if (peer.kind == PeerKind::Name || peer.provider.empty()) return;
  peer.kind = PeerKind::Provider;
  peer.name = peer.provider;
}

}  // namespace outflow::feeds
