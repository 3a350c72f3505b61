/* SPDX-License-Identifier: Apache-2.0 */
/* Almost every packet: TCP or UDP straight behind an IPv4 header without options or an IPv6 header,
 * whole, untagged, in the linear part. Seen without a copy of anything, because in the middle of a
 * real path the instructions and lines a program touches cost more than what it computes.
 *
 * A shortcut, not a second opinion: whatever is not plain, or tells more than that a known
 * conversation goes on, is left to the way through parse.bpf.h, which comes to the same.
 */
#ifndef OUTFLOW_BPF_PLAIN_H
#define OUTFLOW_BPF_PLAIN_H

#include "inbound.bpf.h"
#include "quic.bpf.h"
#include "said.bpf.h"

/* No packet_count: take the long way. */
#define NOT_PLAIN COUNT_MAX

/* The compiler lays the common case out in one run: fewer lines to fetch. */
#define likely(condition) __builtin_expect(!!(condition), 1)
#define unlikely(condition) __builtin_expect(!!(condition), 0)

struct plain {
	const __u32 *source; /* 1 word in the packet, IPv6: 4 */
	const __u32 *destination;
	const __be16 *ports; /* source, destination */
	_Bool v6;
	_Bool tcp;
	__u8 tcp_flags; /* 0 for UDP */
};

static __always_inline _Bool see_plain_v4(struct __sk_buff *skb, struct plain *plain)
{
	const struct iphdr *ip = (void *)(long)skb->data + sizeof(struct ethhdr);
	const __u8 *transport = (const __u8 *)(ip + 1), *end = (void *)(long)skb->data_end;
	__u32 length;

	if (transport + sizeof(struct udphdr) > end)
		return 0;
	length = bpf_ntohs(ip->tot_len);
	if (*(const __u8 *)ip != 0x45 || length > skb->len - sizeof(struct ethhdr) ||
	    ip->frag_off & bpf_htons(IPV4_MORE_FRAGMENTS | IPV4_FRAGMENT_OFFSET))
		return 0;
	plain->v6 = 0;
	plain->source = &ip->saddr;
	plain->destination = &ip->daddr;
	plain->ports = (const __be16 *)transport;
	if (ip->protocol == IPPROTO_UDP) {
		plain->tcp = 0;
		plain->tcp_flags = 0;
		return length >= sizeof(*ip) + sizeof(struct udphdr);
	}
	if (ip->protocol != IPPROTO_TCP || transport + sizeof(struct tcphdr) > end)
		return 0;
	plain->tcp = 1;
	plain->tcp_flags = transport[13];
	return length >= sizeof(*ip) + sizeof(struct tcphdr);
}

static __always_inline _Bool see_plain_v6(struct __sk_buff *skb, struct plain *plain)
{
	const struct ipv6hdr *ip = (void *)(long)skb->data + sizeof(struct ethhdr);
	const __u8 *transport = (const __u8 *)(ip + 1), *end = (void *)(long)skb->data_end;
	__u32 length;

	if (transport + sizeof(struct udphdr) > end)
		return 0;
	length = bpf_ntohs(ip->payload_len);
	if (*(const __u8 *)ip >> 4 != 6 || length > skb->len - sizeof(struct ethhdr) - sizeof(*ip))
		return 0;
	plain->v6 = 1;
	plain->source = ip->saddr.in6_u.u6_addr32;
	plain->destination = ip->daddr.in6_u.u6_addr32;
	plain->ports = (const __be16 *)transport;
	if (ip->nexthdr == IPPROTO_UDP) {
		plain->tcp = 0;
		plain->tcp_flags = 0;
		return length >= sizeof(struct udphdr);
	}
	if (ip->nexthdr != IPPROTO_TCP || transport + sizeof(struct tcphdr) > end)
		return 0;
	plain->tcp = 1;
	plain->tcp_flags = transport[13];
	return length >= sizeof(struct tcphdr);
}

static __always_inline _Bool see_plain(struct __sk_buff *skb, struct plain *plain)
{
	const __be16 *type = (void *)(long)skb->data + 2 * ETH_ALEN;

	if ((void *)(type + 1) > (void *)(long)skb->data_end || skb->vlan_present)
		return 0;
	if (likely(*type == bpf_htons(ETH_P_IP)))
		return see_plain_v4(skb, plain);
	return *type == bpf_htons(ETH_P_IPV6) && see_plain_v6(skb, plain);
}

static __always_inline void set_peer(void *at, const __u32 *address, _Bool v6)
{
	__u32 *words = at;

	if (unlikely(v6)) {
		__builtin_memcpy(words, address, 16);
	} else {
		*(__u64 *)words = 0;
		words[2] = OUTFLOW_MAPPED;
		words[3] = *address;
	}
}

static __always_inline __u32 plain_tag(const __u32 *address, _Bool v6)
{
	return v6 ? source_tag_of(address) : *address;
}

/* The tuple towards `peer` at `port`. */
static __always_inline void plain_key(struct flow_key *key, const struct plain *plain,
				      const __u32 *peer, __be16 port, __u32 interface)
{
	set_peer(key->destination, peer, plain->v6);
	key->interface_id = interface & INTERFACE_ID_MAX;
	set_pair(&key->destination_port, port, key_tail(plain->tcp ? IPPROTO_TCP : IPPROTO_UDP));
}

static __always_inline __u64 plain_print(const struct flow_key *key, __be16 peer_port,
					 __be16 local_port)
{
	struct inbound_key inbound;

	__builtin_memcpy(inbound.peer, key->destination, sizeof(inbound.peer));
	inbound.interface_kind = key->interface_id | INBOUND_UDP << INBOUND_KIND_SHIFT;
	set_pair(&inbound.peer_port, peer_port, local_port);
	return inbound_print(&inbound);
}

/* The slot that would wait for what this TCP connection says. */
static __always_inline __u64 plain_said_print(const struct plain *plain, __u32 interface)
{
	return said_print(interface & INTERFACE_ID_MAX, *(const __u32 *)plain->ports,
			  plain->destination[plain->v6 ? 3 : 0]);
}

/* TCP's sequence, in network order: the word behind the ports. */
static __always_inline __be32 plain_sequence(const struct plain *plain)
{
	return ((const __be32 *)plain->ports)[1];
}

/* A tuple that is not there yet, by what record.bpf.h needs of a packet. Inline, or the verifier
 * forgets which family's words the pointers lead to. */
static __always_inline int open_plain(struct __sk_buff *skb, const struct plain *plain,
				      const struct flow_key *key, __u32 interface, __u32 packets)
{
	struct packet packet;

	__builtin_memset(&packet, 0, sizeof(packet));
	set_peer(&packet.source, plain->source, plain->v6);
	packet.source_tag = plain_tag(plain->source, plain->v6);
	packet.protocol = plain->tcp ? IPPROTO_TCP : IPPROTO_UDP;
	packet.attempts = plain->tcp;
	packet.packets = packets;
	packet.bytes = skb->len - sizeof(struct ethhdr);
	if (!plain->tcp) {
		packet.flags = quic_flag(skb, sizeof(struct ethhdr) + (plain->v6 ? 40 : 20));
		if (interface & INTERFACE_UNTOLD)
			packet.flags |= FLOW_INFERRED;
	}
	return record_new(key, &packet);
}

/* From the pod: a known tuple goes on, one is opened, or what is none of the pod's own. Else
 * NOT_PLAIN. */
static __always_inline int watch_plain_egress(struct __sk_buff *skb, __u32 packets)
{
	struct plain plain;
	struct flow_key key;
	struct flow_stats *stats;
	__u32 interface, bytes;
	__u64 print;

	if (unlikely(!see_plain(skb, &plain)))
		return NOT_PLAIN;
	interface = interface_number(skb);
	if (unlikely(!interface))
		return NOT_PLAIN;
	bytes = skb->len - sizeof(struct ethhdr);
	plain_key(&key, &plain, plain.destination, plain.ports[1], interface);
	stats = bpf_map_lookup_elem(&flows, &key);
	if (likely(stats)) {
		if (unlikely(plain.tcp_flags & TCP_SYN || stats->flags_refused & FLOW_INFERRED ||
			     stats->source_tag != plain_tag(plain.source, plain.v6)))
			return NOT_PLAIN;
		__sync_fetch_and_add(&stats->packets, packets);
		__sync_fetch_and_add(&stats->bytes, bytes);
		stats->last_jiffies = bpf_jiffies64();
		if (said_names && plain.tcp &&
		    unlikely(may_be_awaited(plain_said_print(&plain, interface),
					    plain_sequence(&plain))))
			watch_plain_said(skb, interface & INTERFACE_ID_MAX);
		return COUNT_RECORDED;
	}
	if (plain.tcp) {
		if ((plain.tcp_flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN) {
			__be32 sequence = plain_sequence(&plain);
			int outcome;

			print = plain_said_print(&plain, interface);
			outcome = open_plain(skb, &plain, &key, interface, packets);
			/* Behind the insert, whose lock would wait for the slot's line. */
			if (said_names)
				await_said(print, sequence);
			return outcome;
		}
		return interface & INTERFACE_REMEMBERS ? NOT_PLAIN : COUNT_TCP_UNOPENED;
	}
	print = plain_print(&key, plain.ports[1], plain.ports[0]);
	if (is_remembered(print, 1))
		return COUNT_UDP_REPLY;
	return opened_datagram(print, open_plain(skb, &plain, &key, interface, packets));
}

/* To the pod: a segment within a connection, or one that accepts it; a datagram that answers, or
 * after which an answer of the pod is none of its own. DNS apart. False: take the long way. */
static __always_inline _Bool watch_plain_answer(struct __sk_buff *skb)
{
	struct plain plain;
	struct flow_key key;
	struct flow_stats *stats;
	__u32 interface;

	if (unlikely(!see_plain(skb, &plain) || plain.ports[0] == bpf_htons(DNS_PORT)))
		return 0;
	if (likely(plain.tcp)) {
		if (likely(!(plain.tcp_flags & (TCP_SYN | TCP_RST))))
			return 1;
		if ((plain.tcp_flags & (TCP_SYN | TCP_RST | TCP_ACK)) != (TCP_SYN | TCP_ACK))
			return 0;
	}
	interface = interface_number(skb);
	if (!interface)
		return 1;
	plain_key(&key, &plain, plain.source, plain.ports[0], interface);
	stats = bpf_map_lookup_elem(&flows, &key);
	if (!stats) {
		if (!plain.tcp)
			remember(plain_print(&key, plain.ports[0], plain.ports[1]));
		return 1;
	}
	if (unlikely(stats->source_tag != plain_tag(plain.destination, plain.v6)))
		return 0;
	if (plain.tcp)
		__sync_fetch_and_add(&stats->established, 1);
	else if (unlikely(stats->flags_refused & FLOW_INFERRED))
		return 0;
	else if (!stats->established)
		stats->established = 1;
	return 1;
}

#endif
