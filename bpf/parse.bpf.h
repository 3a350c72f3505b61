/* SPDX-License-Identifier: Apache-2.0 */
/* Packet -> struct packet, or why not. Reads bytes only: Ethernet, at most two VLAN tags, IPv4 with
 * options, IPv6 behind the extension headers we know, and of the transport header the ports and
 * what tells who opens. Never reads beyond what the IP header says is the packet, never guesses,
 * never changes the packet except for pulling headers out of fragments where the linear part is
 * short.
 *
 * What we do not read we do not judge: a wrong checksum or UDP length is the receiver's affair,
 * while the destination is ours.
 */
#ifndef OUTFLOW_BPF_PARSE_H
#define OUTFLOW_BPF_PARSE_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "flow.h"

#define VLAN_TAGS_MAX 2
/* RFC 8200 4.1: each at most once, destination options twice; of these we walk six (ESP hides what
 * is behind it). */
#define EXTENSIONS_MAX 6
/* No header that begins beyond this many bytes of the frame is read. */
#define HEADERS_MAX 512
#define PULL_MAX (HEADERS_MAX + 128)

#define IPV4_MORE_FRAGMENTS 0x2000
#define IPV4_FRAGMENT_OFFSET 0x1fff
#define IPV6_MORE_FRAGMENTS 0x0001
#define IPV6_FRAGMENT_OFFSET 0xfff8

#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

#define SCTP_CHUNK_INIT 1
#define SCTP_CHUNK_INIT_ACK 2
#define SCTP_CHUNK_ABORT 6
#define SCTP_CHUNK_SHUTDOWN_COMPLETE 14
#define SCTP_CHUNK_COOKIE_ACK 11

#define ICMP_V4_ECHO_REPLY 0
#define ICMP_V4_UNREACHABLE 3
#define ICMP_V4_FRAGMENTATION_NEEDED 4 /* a code of the above: about size, not refusal */
#define ICMP_V4_ECHO 8
#define ICMP_V6_UNREACHABLE 1
#define ICMP_V6_ECHO 128
#define ICMP_V6_ECHO_REPLY 129

/* What is wrong is told as the counter it belongs to. */
enum parse_result {
	PARSED = 0,
	PARSE_NOT_IP = COUNT_NOT_IP,
	PARSE_LATER_FRAGMENT = COUNT_LATER_FRAGMENT,
	PARSE_MALFORMED = COUNT_MALFORMED,
	PARSE_UNKNOWN_HEADER = COUNT_UNKNOWN_HEADER,
	PARSE_SHORT = COUNT_MAX, /* the linear part ends too early: see parse_packet() */
};

/* As the words of an address, so that copying and comparing is two steps. */
union address {
	__u8 bytes[16];
	__u32 words[4];
	__u64 halves[2];
};

struct packet {
	union address source;
	union address destination;
	__be16 source_port; /* ports are 0 where the protocol has none that we know */
	__be16 destination_port;
	__u8 protocol;	 /* the transport's, behind all extension headers */
	__u8 kind;	 /* TCP flags, ICMP type, first SCTP chunk type */
	__u8 code;	 /* ICMP */
	__u32 flags;	 /* enum flow_flag */
	__u32 network;	 /* where the IP header begins */
	__u32 transport; /* where the transport header begins */
	__u32 room;	 /* bytes from there to the end of the IP packet */
	__u32 bytes;	 /* IP header and up */
	__u32 packets;	 /* GSO segments */
	__u32 source_tag;
	__u32 attempts; /* 1 if it tries to open a connection; set by the caller */
};

/* Where the walk through a frame stands. */
struct walk {
	void *data;
	void *end;
	__u32 offset; /* of the next header */
	__u32 room;   /* bytes from there to the end of the IP packet */
	_Bool quoted; /* an ICMP error's original packet: cut short by nature */
};

/* The next `size` bytes, or NULL if the linear part has fewer. The mask tells the verifier of clang
 * 14's code what the callers have checked. */
static __always_inline void *header_at(const struct walk *walk, __u32 size)
{
	__u32 offset = walk->offset;
	void *header;

	asm volatile("" : "+r"(offset));
	offset &= 2 * HEADERS_MAX - 1;
	header = walk->data + offset;
	return header + size > walk->end ? NULL : header;
}

static __always_inline _Bool is_extension(__u8 protocol)
{
	const __u64 known = 1ULL << IPPROTO_HOPOPTS | 1ULL << IPPROTO_ROUTING |
			    1ULL << IPPROTO_FRAGMENT | 1ULL << IPPROTO_AH | 1ULL << IPPROTO_DSTOPTS;

	return protocol < 64 && known >> protocol & 1;
}

static __always_inline enum parse_result parse_ports(struct packet *packet, const __be16 *ports)
{
	packet->source_port = ports[0];
	packet->destination_port = ports[1];
	return PARSED;
}

/* Notes where the next header begins. In a global function `packet` is memory of which the verifier
 * knows nothing, so what is read back is any number to it: the ways that led here all look alike
 * from here on, and it follows one of them instead of thousands. */
static __always_inline void stand_at(struct packet *packet, struct walk *walk, __u32 offset,
				     __u32 room)
{
	packet->transport = offset;
	packet->room = room;
	walk->offset = *(volatile __u32 *)&packet->transport;
	walk->room = *(volatile __u32 *)&packet->room;
}

/* A cut header of a protocol we know is malformed; any other protocol has ports 0. */
static __always_inline enum parse_result parse_transport(struct packet *packet,
							 const struct walk *walk)
{
	__u8 protocol = packet->protocol;
	__u32 size;
	__u8 *header;

	if (protocol == IPPROTO_TCP)
		size = sizeof(struct tcphdr);
	else if (protocol == IPPROTO_UDP || protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6)
		size = sizeof(struct udphdr);
	else if (protocol == IPPROTO_SCTP)
		size = 16; /* the common header and a chunk's */
	else
		return PARSED;
	if (walk->quoted)
		size = 8; /* all that RFC 792 promises */
	if (walk->room < size)
		return PARSE_MALFORMED;

	header = header_at(walk, 8);
	if (!header)
		return PARSE_SHORT;
	if (protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6) {
		packet->kind = header[0];
		packet->code = header[1];
		return PARSED;
	}
	if (walk->quoted || protocol == IPPROTO_UDP)
		return parse_ports(packet, (const __be16 *)header);
	/* 16 bytes hold both TCP's flags and the type of SCTP's first chunk. */
	header = header_at(walk, 16);
	if (!header)
		return PARSE_SHORT;
	packet->kind = protocol == IPPROTO_TCP ? header[13] : header[12];
	return parse_ports(packet, (const __be16 *)header);
}

static __always_inline void map_ipv4(union address *address, __be32 ipv4)
{
	address->halves[0] = 0;
	address->words[2] = bpf_htonl(0xffff);
	address->words[3] = ipv4;
}

static __always_inline enum parse_result parse_ipv4(struct packet *packet, struct walk *walk)
{
	const struct iphdr *ip = header_at(walk, sizeof(*ip));
	__u32 header_bytes, total;
	__u16 fragment;

	if (walk->room < sizeof(*ip))
		return PARSE_MALFORMED;
	if (!ip)
		return PARSE_SHORT;
	header_bytes = (*(const __u8 *)ip & 0xf) * 4;
	total = bpf_ntohs(ip->tot_len);
	/* A super-packet beyond 64 KiB says 0; a quoted packet is cut, whatever it says. */
	if (walk->quoted || (total == 0 && walk->room > 0xffff))
		total = walk->room;
	if (*(const __u8 *)ip >> 4 != 4 || header_bytes < sizeof(*ip) || total < header_bytes ||
	    total > walk->room)
		return PARSE_MALFORMED;

	map_ipv4(&packet->source, ip->saddr);
	packet->source_tag = ip->saddr;
	map_ipv4(&packet->destination, ip->daddr);
	packet->protocol = ip->protocol;
	stand_at(packet, walk, walk->offset + header_bytes, total - header_bytes);
	fragment = bpf_ntohs(ip->frag_off);
	if (fragment & IPV4_FRAGMENT_OFFSET)
		return PARSE_LATER_FRAGMENT;
	if (fragment & IPV4_MORE_FRAGMENTS)
		packet->flags |= FLOW_FRAGMENTED;
	return parse_transport(packet, walk);
}

/* One extension header: its next-header field becomes the packet's protocol. */
static __always_inline enum parse_result skip_extension(struct packet *packet, struct walk *walk)
{
	const __u8 *header = header_at(walk, 8); /* none is shorter */
	__u32 size;

	if (walk->room < 8)
		return PARSE_MALFORMED;
	if (!header)
		return PARSE_SHORT;
	if (packet->protocol == IPPROTO_FRAGMENT) {
		__u16 fragment = bpf_ntohs(*(const __be16 *)(header + 2));

		if (fragment & IPV6_FRAGMENT_OFFSET)
			return PARSE_LATER_FRAGMENT;
		if (fragment & IPV6_MORE_FRAGMENTS)
			packet->flags |= FLOW_FRAGMENTED;
		size = 8;
	} else if (packet->protocol == IPPROTO_AH) {
		size = (header[1] + 2) * 4;
	} else {
		size = (header[1] + 1) * 8;
	}
	if (size > walk->room)
		return PARSE_MALFORMED;
	packet->protocol = header[0];
	stand_at(packet, walk, walk->offset + size, walk->room - size);
	return walk->offset > HEADERS_MAX ? PARSE_UNKNOWN_HEADER : PARSED;
}

static __always_inline enum parse_result parse_ipv6(struct packet *packet, struct walk *walk)
{
	const struct ipv6hdr *ip = header_at(walk, sizeof(*ip));
	__u32 payload;

	if (walk->room < sizeof(*ip))
		return PARSE_MALFORMED;
	if (!ip)
		return PARSE_SHORT;
	payload = bpf_ntohs(ip->payload_len);
	if (walk->quoted || (payload == 0 && walk->room > 0xffff))
		payload = walk->room - sizeof(*ip);
	if (*(const __u8 *)ip >> 4 != 6 || payload > walk->room - sizeof(*ip))
		return PARSE_MALFORMED;

	__builtin_memcpy(&packet->source, &ip->saddr, sizeof(packet->source));
	packet->source_tag = source_tag_of(packet->source.words);
	__builtin_memcpy(&packet->destination, &ip->daddr, sizeof(packet->destination));
	packet->protocol = ip->nexthdr;
	stand_at(packet, walk, walk->offset + sizeof(*ip), payload);
	for (int i = 0; i < EXTENSIONS_MAX && is_extension(packet->protocol); i++) {
		enum parse_result result = skip_extension(packet, walk);

		if (result != PARSED)
			return result;
	}
	if (is_extension(packet->protocol))
		return PARSE_UNKNOWN_HEADER;
	return parse_transport(packet, walk);
}

static __always_inline _Bool is_vlan(__be16 type)
{
	return type == bpf_htons(ETH_P_8021Q) || type == bpf_htons(ETH_P_8021AD);
}

static __always_inline enum parse_result parse_frame(struct __sk_buff *skb, struct packet *packet)
{
	struct walk walk = {
		.data = (void *)(long)skb->data,
		.end = (void *)(long)skb->data_end,
		.offset = sizeof(struct ethhdr),
	};
	const __be16 *type = walk.data + sizeof(struct ethhdr) - sizeof(*type);

	__builtin_memset(packet, 0, sizeof(*packet));
	packet->packets = skb->gso_segs ?: 1;
	if (skb->vlan_present)
		packet->flags |= FLOW_VLAN;
	for (int tags = 0;; tags++) {
		if (skb->len < walk.offset)
			return PARSE_MALFORMED;
		if ((void *)(type + 1) > walk.end)
			return PARSE_SHORT;
		if (tags == VLAN_TAGS_MAX || !is_vlan(*type))
			break;
		packet->flags |= FLOW_VLAN;
		type += 2; /* a tag is 4 bytes, the type behind it its last 2 */
		walk.offset += 4;
	}

	packet->network = walk.offset;
	packet->bytes = skb->len - walk.offset;
	stand_at(packet, &walk, walk.offset, packet->bytes);
	if (*type == bpf_htons(ETH_P_IP))
		return parse_ipv4(packet, &walk);
	if (*type == bpf_htons(ETH_P_IPV6))
		return parse_ipv6(packet, &walk);
	return PARSE_NOT_IP;
}

/* The walk through tags and extension headers. A global function, so that the verifier looks at it
 * once and not from every caller's state; hence the question for NULL. */
__noinline int walk_frame(struct __sk_buff *skb, struct packet *packet)
{
	return packet ? parse_frame(skb, packet) : PARSE_MALFORMED;
}

/* Headers in page fragments are pulled, and the walk begun again. A global function like the one
 * above. */
__noinline int parse_packet(struct __sk_buff *skb, struct packet *packet)
{
	__u32 wanted = skb->len < PULL_MAX ? skb->len : PULL_MAX;
	int result;

	if (!packet)
		return PARSE_MALFORMED;
	result = walk_frame(skb, packet);
	if (result == PARSE_SHORT && !bpf_skb_pull_data(skb, wanted))
		result = walk_frame(skb, packet);
	return result == PARSE_SHORT ? PARSE_MALFORMED : result;
}

/* The original packet that an ICMP error quotes behind its own 8 bytes, in place of the error.
 * Rare, so it is pulled whenever any of it could lie in a page fragment. A global function like the
 * one above. */
__noinline int parse_quoted(struct __sk_buff *skb, struct packet *packet)
{
	struct walk walk = {.quoted = 1};
	enum parse_result result;
	_Bool ipv6;

	if (!packet)
		return PARSE_MALFORMED;
	walk.offset = packet->transport + 8;
	ipv6 = packet->protocol == IPPROTO_ICMPV6;
	if (walk.offset > HEADERS_MAX || walk.offset >= skb->len)
		return PARSE_MALFORMED;
	bpf_skb_pull_data(skb, skb->len < PULL_MAX ? skb->len : PULL_MAX);
	walk.data = (void *)(long)skb->data;
	walk.end = (void *)(long)skb->data_end;
	walk.room = packet->room - 8; /* what lies behind the IP packet is padding */
	__builtin_memset(packet, 0, sizeof(*packet));
	result = ipv6 ? parse_ipv6(packet, &walk) : parse_ipv4(packet, &walk);
	return result == PARSE_SHORT ? PARSE_MALFORMED : result;
}

#endif
