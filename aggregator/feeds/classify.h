// The peer of a kept flow, as the published and own ranges of its day class it. Nothing of it is
// stored: a question is answered by the feeds as they are known now, of the time asked for.
#pragma once

#include "aggregator/attribution/edge.h"
#include "aggregator/feeds/table.h"
#include "common/clock.h"

namespace outflow::feeds {

// A raw External address in a range becomes a Provider with the range's class as its name; so does
// a Private one, by the operator's own classes alone. External, Private, Name and Provider peers
// are given `provider`, the class's text, "" when there is none. Every other peer is left as it is.
void classify(attribution::Peer& peer, TimePoint when, const RangeTable& table);

}  // namespace outflow::feeds
