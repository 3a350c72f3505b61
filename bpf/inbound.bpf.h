/* SPDX-License-Identifier: Apache-2.0 */
/* Who spoke first: the memory of peers that did, so that the pod's replies are known for such. What
 * is in it and how it is found is told in flow.h.
 */
#ifndef OUTFLOW_BPF_INBOUND_H
#define OUTFLOW_BPF_INBOUND_H

#include "record.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, INBOUND_BUCKETS);
	__type(key, __u32);
	__type(value, struct inbound_bucket);
} inbound SEC(".maps");

static __always_inline struct inbound_key inbound_key(__u32 interface, const struct packet *packet,
						      _Bool to_pod)
{
	__be16 peer = to_pod ? packet->source_port : packet->destination_port;
	__u16 local = to_pod ? packet->destination_port : packet->source_port;
	enum inbound_kind kind = INBOUND_OTHER;
	struct inbound_key key;

	if (packet->protocol == IPPROTO_UDP)
		kind = INBOUND_UDP;
	else if (packet->protocol == IPPROTO_TCP)
		kind = INBOUND_TCP;
	else if (packet->protocol == IPPROTO_SCTP)
		kind = INBOUND_SCTP;
	else
		local = packet->protocol;
	set_pair(&key.peer_port, peer, local);
	key.interface_kind = interface | (__u32)kind << INBOUND_KIND_SHIFT;
	__builtin_memcpy(key.peer, to_pod ? &packet->source : &packet->destination,
			 sizeof(key.peer));
	return key;
}

static __always_inline struct inbound_bucket *inbound_bucket(__u64 print)
{
	/* The top bits: the only ones of a product that all bits of its factors have a say in. */
	__u32 number = print >> INBOUND_BUCKET_SHIFT & (INBOUND_BUCKETS - 1);

	return bpf_map_lookup_elem(&inbound, &number);
}

/* Whether it is remembered, and if it `ages` not for too long; then the memory is fresh again. */
static __always_inline _Bool is_remembered(__u64 print, _Bool ages)
{
	struct inbound_bucket *bucket = inbound_bucket(print);
	__u32 now = bpf_jiffies64();

	if (!bucket)
		return 0;
	for (int way = 0; way < INBOUND_WAYS; way++) {
		struct inbound_entry *entry = &bucket->ways[way];

		if (entry->print != print)
			continue;
		if (ages && now - entry->jiffies > reply_memory_jiffies)
			return 0;
		if (entry->jiffies != now)
			entry->jiffies = now;
		return 1;
	}
	return 0;
}

/* The print of the same conversation where the pod spoke first and its tuple found no room: in the
 * same bucket, because the bits that choose it are left alone. */
static __always_inline __u64 outbound_of(__u64 print)
{
	return print ^ 0x0000a5a5a5a5a5a4ULL;
}

/* Whether the peer opened the connection, which has no age. */
static __always_inline _Bool answers_peer(__u32 interface, const struct packet *packet)
{
	struct inbound_key key = inbound_key(interface, packet, 0);

	return is_remembered(inbound_print(&key), 0);
}

/* Into the way that is empty or longest silent; but a peer that answers what found no room did not
 * speak first. Two CPUs that meet in a bucket may forget one of two peers. */
static __noinline int remember_new(struct inbound_bucket *bucket, __u64 print)
{
	struct inbound_entry *longest;
	__u32 now = bpf_jiffies64();

	if (!bucket || is_remembered(outbound_of(print), 1))
		return 0;
	longest = &bucket->ways[0];
	for (int way = 1; way < INBOUND_WAYS && longest->print; way++) {
		struct inbound_entry *entry = &bucket->ways[way];

		if (!entry->print || now - entry->jiffies > now - longest->jiffies)
			longest = entry;
	}
	longest->print = print;
	longest->jiffies = now;
	return 0;
}

static __always_inline void remember(__u64 print)
{
	struct inbound_bucket *bucket = inbound_bucket(print);
	__u32 now = bpf_jiffies64();

	if (!bucket)
		return;
	for (int way = 0; way < INBOUND_WAYS; way++) {
		struct inbound_entry *entry = &bucket->ways[way];

		if (entry->print != print)
			continue;
		if (entry->jiffies != now)
			entry->jiffies = now;
		return;
	}
	remember_new(bucket, print);
}

/* The same, for where it is rare. A global function, so that the verifier looks at it once. */
__noinline int remember_rarely(__u64 print)
{
	remember(print);
	return 0;
}

/* A datagram opened a conversation and ended so. */
static __always_inline int opened_datagram(__u64 print, int outcome)
{
	if (outcome == COUNT_OVERFLOWED || outcome == COUNT_RING_FULL)
		remember_rarely(outbound_of(print));
	return outcome;
}

static __always_inline void remember_peer(__u32 interface, const struct packet *packet,
					  _Bool to_pod)
{
	struct inbound_key key = inbound_key(interface, packet, to_pod);

	remember_rarely(inbound_print(&key));
}

#endif
