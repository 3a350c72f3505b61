/* SPDX-License-Identifier: Apache-2.0 */
/* What a pod says on the TCP connections it opens: of the first bytes it sends, a TLS ClientHello
 * or an HTTP request's head -> the `said` ring. What they mean is user space's affair.
 *
 * A SYN puts the connection into a slot, with the sequence of its first byte; every later segment
 * compares its own with that of one slot, and only the one that is waited for is looked into. So a
 * hello is found wherever it goes to, split as it likes behind its first 6 bytes, and no other
 * payload is ever read. Not seen: what rides on the SYN itself (TCP Fast Open), later requests of a
 * connection, and connections older than the hook.
 */
#ifndef OUTFLOW_BPF_SAID_H
#define OUTFLOW_BPF_SAID_H

#include "dns.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 512 * 1024);
} said SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SAID_SLOTS);
	__type(key, __u32);
	__type(value, struct said_slot);
} said_slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct said_counts);
} said_counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, DNS_BUDGETS);
	__type(key, __u32);
	__type(value, struct dns_budget);
} said_budgets SEC(".maps");

/* Where a part is made: so the ring is given its very size, where a reservation takes constants. */
struct said_part {
	struct said_record head;
	__u8 bytes[SAID_PART_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct said_part);
} said_parts SEC(".maps");

/* Off: the verifier leaves none of it in the loaded program. */
const volatile __u8 said_names = 1;
/* Hellos and requests for each interface and second. */
const volatile __u32 said_max = 2000;

#define TLS_RECORD_HEADER 5    /* RFC 8446 5.1 */
#define TLS_HANDSHAKE_HEADER 4 /* RFC 8446 4 */
#define TLS_HANDSHAKE 22
#define TLS_CLIENT_HELLO 1

static __always_inline void count_said(__u32 reason)
{
	__u32 zero = 0;
	struct said_counts *all = bpf_map_lookup_elem(&said_counts, &zero);

	if (all && reason < SAID_COUNT_MAX)
		all->of[reason] += 1;
}

/* One multiplication for the interface, both ports as they stand in the packet, and the last word
 * of the peer's address: what else is alike has another sequence. Not a defence: a pod that looks
 * for the slots of others finds them, and what it displaces is counted. */
static __always_inline __u64 said_print(__u32 interface, __u32 ports, __u32 peer)
{
	return (((__u64)ports << 32 | peer) + ((__u64)interface << 16)) * 0x9e3779b97f4a7c15ULL;
}

/* The ports as they stand in the packet, as one word. */
static __always_inline __u64 packet_print(const struct packet *packet, __u32 interface)
{
	__u32 ports;

	set_pair(&ports, packet->source_port, packet->destination_port);
	return said_print(interface, ports, packet->destination.words[3]);
}

static __always_inline struct said_slot *said_slot(__u64 print)
{
	__u32 number = print >> SAID_SLOT_SHIFT & (SAID_SLOTS - 1);

	return bpf_map_lookup_elem(&said_slots, &number);
}

static __always_inline __u32 said_mark(__u64 print)
{
	return print >> 32 | 1;
}

/* Almost never, and then it is almost always so. */
static __always_inline _Bool may_be_awaited(__u64 print, __be32 sequence)
{
	const struct said_slot *slot = said_slot(print);

	return slot && slot->sequence == sequence;
}

static __always_inline int leave(struct said_slot *slot)
{
	slot->print = 0;
	slot->sequence = 0;
	return 0;
}

/* The pod opens a connection by a SYN of this sequence, in network order. A global function, so
 * that the verifier looks at it once; so are those below. */
__noinline int await_said(__u64 print, __u32 sequence)
{
	struct said_slot *slot = said_slot(print);
	__u32 now = bpf_jiffies64(), mark = said_mark(print);

	if (!slot)
		return 0;
	if (slot->print && slot->print != mark &&
	    now - slot->jiffies < SAID_WAIT_SECONDS * second_jiffies)
		count_said(SAID_DISPLACED);
	slot->print = mark;
	slot->sequence = bpf_htonl(bpf_ntohl(sequence) + 1);
	slot->jiffies = now;
	slot->wanted = 0;
	slot->taken = 0;
	return 0;
}

/* Of a ClientHello, whether it goes on in further records. */
static __always_inline _Bool is_in_records(struct __sk_buff *skb, const struct dns_payload *payload,
					   __u32 record)
{
	__u8 head[TLS_RECORD_HEADER + TLS_HANDSHAKE_HEADER];

	return payload->length > record &&
	       !bpf_skb_load_bytes(skb, payload->begin, head, sizeof(head)) &&
	       sizeof(head) + (head[6] << 16 | head[7] << 8 | head[8]) > record;
}

/* How many bytes a connection that begins with this payload has to say; 0: nothing that we read. */
__noinline int look_into(struct __sk_buff *skb, const struct dns_payload *payload, __u32 http)
{
	/* The record's header and the type of the message in it; more is not asked of a segment. */
	__u8 head[TLS_RECORD_HEADER + 1];
	__u32 record;

	if (!payload || payload->length < sizeof(head) ||
	    bpf_skb_load_bytes(skb, payload->begin, head, sizeof(head)))
		return 0;
	if (head[0] == TLS_HANDSHAKE && head[1] == 3 && head[2] <= 4 &&
	    head[5] == TLS_CLIENT_HELLO) {
		record = TLS_RECORD_HEADER + (head[3] << 8 | head[4]);
		if (!is_in_records(skb, payload, record))
			return record;
		/* As much of it as this segment has. */
		return payload->length < SAID_BYTES_MAX ? payload->length : SAID_BYTES_MAX;
	}
	/* RFC 9110 9.1: a method is a token, in practice of capitals, at least three. */
	for (int i = 0; i < 3; i++)
		http &= (__u8)(head[i] - 'A') < 26;
	if (!http)
		return 0;
	return payload->length < SAID_PART_MAX ? payload->length : SAID_PART_MAX;
}

/* The counter that the connection's beginning belongs to. */
static __always_inline enum said_count begin_said(struct said_slot *slot, __u32 wanted,
						  __u32 interface)
{
	__u32 number = interface & (DNS_BUDGETS - 1);

	if (!wanted)
		return SAID_OTHER;
	if (wanted > SAID_BYTES_MAX)
		return SAID_CUT;
	if (!within_budget(bpf_map_lookup_elem(&said_budgets, &number), said_max))
		return SAID_LIMITED;
	slot->wanted = wanted;
	return SAID_COPIED;
}

/* One part, behind which the payload then begins. False: no room. */
__noinline int copy_said(struct __sk_buff *skb, const struct packet *packet,
			 struct dns_payload *payload, struct said_slot *slot, __u32 interface)
{
	__u32 zero = 0, size;
	struct said_part *part = bpf_map_lookup_elem(&said_parts, &zero);

	if (!part || !packet || !payload || !slot)
		return 0;
	__builtin_memcpy(part->head.destination, &packet->destination,
			 sizeof(part->head.destination));
	part->head.interface_id = interface;
	part->head.jiffies = bpf_jiffies64();
	part->head.begin = payload->sequence - slot->taken;
	part->head.offset = slot->taken;
	part->head.wanted = slot->wanted;
	part->head.source_port = packet->source_port;
	part->head.destination_port = packet->destination_port;
	size = (__u32)slot->wanted - slot->taken;
	if (size > payload->length)
		size = payload->length;
	if (size > SAID_PART_MAX)
		size = SAID_PART_MAX;
	/* From 1 to SAID_PART_MAX, in a form that the verifier follows in clang 14's code. */
	asm volatile("" : "+r"(size));
	size = ((size - 1) & (SAID_PART_MAX - 1)) + 1;
	part->head.copied = size;
	if (bpf_skb_load_bytes(skb, payload->begin, part->bytes, size) ||
	    bpf_ringbuf_output(&said, part, sizeof(part->head) + size, BPF_RB_NO_WAKEUP))
		return 0;
	slot->taken += size;
	payload->begin += size;
	payload->sequence += size;
	payload->length -= size;
	return 1;
}

/* A TCP segment from the pod that a slot may wait for. */
__noinline int watch_said(struct __sk_buff *skb, const struct packet *packet, __u32 interface)
{
	struct dns_payload payload = {};
	struct said_slot *slot;
	enum said_count outcome;
	_Bool copied = 1;
	__u64 print;

	if (!packet)
		return 0;
	find_payload(skb, packet, &payload);
	print = packet_print(packet, interface);
	slot = said_slot(print);
	if (!slot || !payload.length || slot->print != said_mark(print) ||
	    slot->sequence != bpf_htonl(payload.sequence))
		return 0;
	if (!slot->wanted) {
		outcome = begin_said(
			slot,
			look_into(skb, &payload, packet->destination_port == bpf_htons(HTTP_PORT)),
			interface);
		count_said(outcome);
		if (outcome != SAID_COPIED)
			return leave(slot);
	}
	for (int i = 0; i < SAID_BYTES_MAX / SAID_PART_MAX && copied && payload.length; i++) {
		if (slot->taken >= slot->wanted)
			break;
		copied = copy_said(skb, packet, &payload, slot, interface);
	}
	if (!copied)
		count_said(SAID_RING_FULL);
	if (!copied || slot->taken >= slot->wanted)
		return leave(slot);
	slot->sequence = bpf_htonl(payload.sequence);
	return 0;
}

/* The same by the plain way, which has no struct packet. */
__noinline int watch_plain_said(struct __sk_buff *skb, __u32 interface)
{
	struct packet packet;

	if (parse_packet(skb, &packet) != PARSED)
		return 0;
	return watch_said(skb, &packet, interface);
}

/* A TCP segment of the way through parse.bpf.h. */
static __always_inline void watch_parsed_said(struct __sk_buff *skb, const struct packet *packet,
					      __u32 interface)
{
	__u32 sequence;

	if (!packet->attempts)
		watch_said(skb, packet, interface);
	else if (!bpf_skb_load_bytes(skb, packet->transport + 4, &sequence, sizeof(sequence)))
		await_said(packet_print(packet, interface), sequence);
}

#endif
