/* SPDX-License-Identifier: Apache-2.0 */
/* DNS answers to the pod -> the `dns` ring, byte for byte: what a name means is user space's
 * affair. Any resolver at port 53 that the pod asked; a flood costs a comparison a packet, and what
 * is not copied is counted.
 */
#ifndef OUTFLOW_BPF_DNS_H
#define OUTFLOW_BPF_DNS_H

#include "record.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 2 * 1024 * 1024);
} dns SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct dns_counts);
} dns_counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, DNS_BUDGETS);
	__type(key, __u32);
	__type(value, struct dns_budget);
} dns_budgets SEC(".maps");

/* For each interface and second; a second is that of 250 Hz unless user space says otherwise. */
const volatile __u32 dns_answers_max = 20000;
const volatile __u32 second_jiffies = 250;

static __always_inline void count_dns(__u32 reason)
{
	__u32 zero = 0;
	struct dns_counts *all = bpf_map_lookup_elem(&dns_counts, &zero);

	if (all && reason < DNS_COUNT_MAX)
		all->of[reason] += 1;
}

/* CPUs that meet here let a few answers more or fewer through. */
static __always_inline _Bool within_budget(struct dns_budget *budget, __u32 answers_max)
{
	__u32 now = bpf_jiffies64();

	if (!budget)
		return 0;
	if (now - budget->since_jiffies >= second_jiffies) {
		budget->since_jiffies = now;
		budget->answers = 0;
	}
	return budget->answers++ < answers_max;
}

struct dns_payload {
	__u32 begin; /* in the frame */
	__u32 length;
	__u32 sequence;
};

/* Where the payload is; length 0: there is none, or it is no answer. */
static __always_inline void find_payload(struct __sk_buff *skb, const struct packet *packet,
					 struct dns_payload *payload)
{
	__u32 header = sizeof(struct udphdr);
	__u8 bytes[4];
	__be32 sequence = 0;

	payload->length = 0;
	if (packet->protocol == IPPROTO_TCP) {
		if (bpf_skb_load_bytes(skb, packet->transport + 12, bytes, 1) ||
		    bpf_skb_load_bytes(skb, packet->transport + 4, &sequence, sizeof(sequence)))
			return;
		header = (bytes[0] >> 4) * 4;
		if (header < sizeof(struct tcphdr))
			return;
	}
	if (packet->room <= header)
		return;
	payload->begin = packet->transport + header;
	payload->length = packet->room - header;
	payload->sequence = bpf_ntohl(sequence);
	if (packet->protocol == IPPROTO_TCP)
		return;
	/* QR, the first bit behind the id: 1 in an answer (RFC 1035 4.1.1). */
	if (payload->length < DNS_HEADER_BYTES ||
	    bpf_skb_load_bytes(skb, payload->begin, bytes, sizeof(bytes)) || !(bytes[2] & 0x80))
		payload->length = 0;
}

/* One part of at most `room` bytes, a constant: the ring takes no other sizes. False: no room. */
static __always_inline _Bool copy_part(struct __sk_buff *skb, const struct packet *packet,
				       const struct dns_payload *payload, __u32 interface,
				       __u32 offset, const __u32 room)
{
	struct dns_record *record = bpf_ringbuf_reserve(&dns, sizeof(*record) + room, 0);
	__u32 size = payload->length - offset;

	if (!record)
		return 0;
	if (size > room)
		size = room;
	__builtin_memset(record, 0, sizeof(*record));
	__builtin_memcpy(record->resolver, &packet->source, sizeof(record->resolver));
	__builtin_memcpy(record->client, &packet->destination, sizeof(record->client));
	record->interface_id = interface;
	record->jiffies = bpf_jiffies64();
	record->sequence = payload->sequence;
	record->length = payload->length;
	record->offset = offset;
	record->client_port = packet->destination_port;
	record->protocol = packet->protocol;
	record->cut = !!(packet->flags & FLOW_FRAGMENTED);
	/* From 1 to room, in a form that the verifier follows in clang 14's code. */
	asm volatile("" : "+r"(size));
	size = (size - 1) & (room - 1);
	if (!bpf_skb_load_bytes(skb, payload->begin + offset, record + 1, size + 1))
		record->copied = size + 1;
	/* The agent looks often enough; waking it costs more than the copy. */
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
	return 1;
}

/* A global function, so that the verifier looks at it once and not once a part. */
__noinline int copy_large_part(struct __sk_buff *skb, const struct packet *packet,
			       const struct dns_payload *payload, __u32 interface, __u32 offset)
{
	if (!packet || !payload)
		return 0;
	return copy_part(skb, packet, payload, interface, offset, DNS_PART_MAX);
}

/* A global function like the one above. */
__noinline int watch_dns(struct __sk_buff *skb, const struct packet *packet, __u32 interface,
			 _Bool opened)
{
	struct dns_payload payload;
	__u32 number = interface & (DNS_BUDGETS - 1);
	_Bool copied = 1;

	if (!packet)
		return 0;
	find_payload(skb, packet, &payload);
	if (!payload.length && packet->protocol == IPPROTO_TCP)
		return 0; /* a bare acknowledgement */
	if (!payload.length || !opened) {
		count_dns(DNS_NOT_ANSWER);
		return 0;
	}
	if (!within_budget(bpf_map_lookup_elem(&dns_budgets, &number), dns_answers_max)) {
		count_dns(DNS_LIMITED);
		return 0;
	}
	if (payload.length <= DNS_PART_SMALL) {
		copied = copy_part(skb, packet, &payload, interface, 0, DNS_PART_SMALL);
	} else {
		for (__u32 part = 0; part < DNS_PARTS_MAX && copied; part++) {
			if (part * DNS_PART_MAX >= payload.length)
				break;
			copied = copy_large_part(skb, packet, &payload, interface,
						 part * DNS_PART_MAX);
		}
	}
	if (!copied)
		count_dns(DNS_RING_FULL);
	else
		count_dns(packet->flags & FLOW_FRAGMENTED ? DNS_CUT : DNS_COPIED);
	return 0;
}

#endif
