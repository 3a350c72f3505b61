/* SPDX-License-Identifier: Apache-2.0 */
/* struct packet -> the tables, or the counter that says why not. The maps are here; what a
 * protocol's packets mean is egress.bpf.c's affair.
 *
 * Where two CPUs meet: counters are atomic; of two inserts one wins and the other adds to it; times
 * and the memory of who spoke first are plain stores of nearly the same value. A tuple that user
 * space deletes between our lookup and our addition loses that addition, hence only idle ones are
 * deleted.
 */
#ifndef OUTFLOW_BPF_RECORD_H
#define OUTFLOW_BPF_RECORD_H

#include "parse.bpf.h"

/* Sizes are defaults; user space may set others before the load. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, struct flow_key);
	__type(value, struct flow_stats);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2048);
	__type(key, struct other_source_key);
	__type(value, struct flow_stats);
} other_sources SEC(".maps");

/* The whole of the IPv6 addresses that source tags stand for. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2048);
	__type(key, struct source_key);
	__type(value, struct source_address);
} sources SEC(".maps");

/* In front of `sources`, slot number interface id modulo its size: the source whose whole is known
 * to be there. */
#define RECENT_SOURCES 4096
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, RECENT_SOURCES);
	__type(key, __u32);
	__type(value, struct source_key);
} recent_sources SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, struct interface_entry);
} interfaces SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, INTERFACE_SLOTS);
	__type(key, __u32);
	__type(value, struct interface_slot);
} interface_slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct packet_counts);
} counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} overflow SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct meta);
} meta SEC(".maps");

/* How long a peer that spoke first is remembered while nobody speaks: 120 s at 250 Hz unless user
 * space, which knows the rate, says otherwise. */
const volatile __u32 reply_memory_jiffies = 120 * 250;

/* Of a packet that was seen and ended so. Per CPU, and softirqs do not nest. */
static __always_inline void count(__u32 outcome, __u32 packets)
{
	__u32 zero = 0;
	struct packet_counts *all = bpf_map_lookup_elem(&counts, &zero);

	if (!all)
		return;
	all->of[COUNT_SEEN] += packets;
	if (outcome < COUNT_MAX)
		all->of[outcome] += packets;
}

/* The agent's number of the veth, id and INTERFACE_ bits; 0 if it has none. */
static __always_inline __u32 interface_number(struct __sk_buff *skb)
{
	__u32 ifindex = skb->ifindex, number = ifindex & (INTERFACE_SLOTS - 1);
	const struct interface_slot *slot = bpf_map_lookup_elem(&interface_slots, &number);
	const struct interface_entry *entry;

	if (slot && slot->ifindex == ifindex)
		return slot->number;
	entry = bpf_map_lookup_elem(&interfaces, &ifindex);
	return entry ? entry->number : 0;
}

/* Two neighbouring 16-bit fields by one store. The hash of a key reads it word by word, and a word
 * that was written in pieces has to wait for them: 5 ns on every lookup. */
static __always_inline void set_pair(void *at, __u16 first, __u16 second)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	*(__u32 *)at = first | (__u32)second << 16;
#else
	*(__u32 *)at = (__u32)first << 16 | second;
#endif
}

/* The protocol and the reserved byte of a key, for set_pair(). */
static __always_inline __u16 key_tail(__u8 protocol)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return protocol;
#else
	return protocol << 8;
#endif
}

static __always_inline void set_flags(struct flow_stats *stats, __u32 flags)
{
	/* Bits are only ever added, and almost always there already. */
	if (flags & ~stats->flags_refused)
		__sync_fetch_and_or(&stats->flags_refused, flags);
}

static __always_inline _Bool is_datagram(__u8 protocol)
{
	return protocol != IPPROTO_TCP && protocol != IPPROTO_SCTP;
}

/* An inferred tuple is one no longer when the pod opens it before our eyes: by an opening segment,
 * or by speaking first after a silence that the memory of replies does not span. */
static __noinline int settle(struct flow_stats *stats, const struct packet *packet)
{
	__u32 silent;

	if (!stats || !packet)
		return 0;
	silent = (__u32)bpf_jiffies64() - stats->last_jiffies;
	if (packet->attempts || (is_datagram(packet->protocol) && silent > reply_memory_jiffies))
		__sync_fetch_and_and(&stats->flags_refused, ~(__u32)FLOW_INFERRED);
	return 0;
}

static __always_inline void add_to(struct flow_stats *stats, const struct packet *packet)
{
	__sync_fetch_and_add(&stats->packets, packet->packets);
	__sync_fetch_and_add(&stats->bytes, packet->bytes);
	if (packet->attempts)
		__sync_fetch_and_add(&stats->attempts, packet->attempts);
	if (stats->flags_refused & FLOW_INFERRED)
		settle(stats, packet);
	set_flags(stats, packet->flags);
	stats->last_jiffies = bpf_jiffies64();
}

static __always_inline void fill(struct flow_stats *stats, const struct packet *packet)
{
	__builtin_memset(stats, 0, sizeof(*stats));
	stats->packets = packet->packets;
	stats->bytes = packet->bytes;
	stats->attempts = packet->attempts;
	stats->flags_refused = packet->flags;
	stats->first_jiffies = stats->last_jiffies = bpf_jiffies64();
	stats->source_tag = packet->source_tag;
}

/* So that user space finds the whole address behind the tag. Where there is no room, the tuple is
 * kept all the same: its source is a claim, never an identity. */
static __always_inline void remember_source(const struct flow_key *key, const struct packet *packet)
{
	struct source_key source = {.interface_id = key->interface_id, .tag = packet->source_tag};

	__u32 number = key->interface_id & (RECENT_SOURCES - 1);
	struct source_key *recent;

	if (packet->source.words[2] == OUTFLOW_MAPPED && !packet->source.halves[0])
		return;
	recent = bpf_map_lookup_elem(&recent_sources, &number);
	if (!recent || (recent->interface_id == source.interface_id && recent->tag == source.tag))
		return;
	if (bpf_map_lookup_elem(&sources, &source) ||
	    !bpf_map_update_elem(&sources, &source, &packet->source, BPF_NOEXIST))
		*recent = source;
}

static __always_inline void other_source(struct other_source_key *other, const struct flow_key *key,
					 const union address *source)
{
	other->flow = *key;
	__builtin_memcpy(other->source, source, sizeof(other->source));
}

/* A packet of a known tuple from another source than its first packet's. */
static __noinline int record_other_source(const struct flow_key *key, const struct packet *packet)
{
	struct other_source_key other;
	struct flow_stats *stats, fresh;

	other_source(&other, key, &packet->source);
	stats = bpf_map_lookup_elem(&other_sources, &other);
	if (!stats) {
		fill(&fresh, packet);
		if (!bpf_map_update_elem(&other_sources, &other, &fresh, BPF_NOEXIST))
			return COUNT_RECORDED;
		stats = bpf_map_lookup_elem(&other_sources, &other);
	}
	if (!stats)
		return COUNT_OTHER_SOURCE_FULL;
	add_to(stats, packet);
	return COUNT_RECORDED;
}

static __always_inline int record_known(struct flow_stats *stats, const struct flow_key *key,
					const struct packet *packet)
{
	if (stats->source_tag != packet->source_tag)
		return record_other_source(key, packet);
	add_to(stats, packet);
	return COUNT_RECORDED;
}

/* The table is full: the tuple travels by the ring. */
static __always_inline int record_overflow(const struct flow_key *key, const struct packet *packet)
{
	struct overflow_event *event = bpf_ringbuf_reserve(&overflow, sizeof(*event), 0);

	if (!event)
		return COUNT_RING_FULL;
	__builtin_memset(event, 0, sizeof(*event));
	event->key = *key;
	__builtin_memcpy(event->source, &packet->source, sizeof(event->source));
	event->packets = packet->packets;
	event->bytes = packet->bytes;
	event->flags = packet->flags;
	event->jiffies = bpf_jiffies64();
	event->attempt = packet->attempts;
	bpf_ringbuf_submit(event, 0);
	return COUNT_OVERFLOWED;
}

/* A packet that opens a tuple not in the table. Whoever loses the race of two inserts adds to the
 * winner's. A global function, so that the verifier looks at it once and not from every caller's
 * state; hence the question for NULL. */
__noinline int record_new(const struct flow_key *key, const struct packet *packet)
{
	struct flow_stats *stats, fresh;

	if (!key || !packet)
		return COUNT_MALFORMED;
	fill(&fresh, packet);
	if (!bpf_map_update_elem(&flows, key, &fresh, BPF_NOEXIST)) {
		remember_source(key, packet);
		return COUNT_RECORDED;
	}
	stats = bpf_map_lookup_elem(&flows, key);
	if (stats)
		return record_known(stats, key, packet);
	return record_overflow(key, packet);
}

/* The tuple that a packet to `source` answers: another source's is kept apart here, too. */
static __always_inline struct flow_stats *find_opened(const struct flow_key *key,
						      const union address *source)
{
	struct flow_stats *stats = bpf_map_lookup_elem(&flows, key);
	struct other_source_key other;

	if (!stats || stats->source_tag == source_tag_of(source->words))
		return stats;
	other_source(&other, key, source);
	return bpf_map_lookup_elem(&other_sources, &other);
}

#endif
