// SPDX-License-Identifier: Apache-2.0
/* Who opens what: the two hooks of a pod's host-side veth. An egress tuple is opened by the pod:
 * TCP and SCTP by their first segment, echo by its request, everything else by who spoke first.
 * What comes back to the pod tells whether it was answered.
 *
 * Both only watch: -1 (TC_ACT_UNSPEC, TCX_NEXT) lets every program after ours decide.
 */
#include "plain.bpf.h"

#define PASS_ON (-1)

/* What a packet from the pod may do. */
enum role {
	ROLE_OPENING,  /* opens a tuple */
	ROLE_DATAGRAM, /* opens one unless the peer spoke first */
	ROLE_WITHIN,   /* counts on the tuple that is there */
	ROLE_NONE,     /* never egress of its own */
};

static __always_inline enum role role_of(struct packet *packet)
{
	switch (packet->protocol) {
	case IPPROTO_TCP:
		packet->attempts = (packet->kind & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN;
		return packet->attempts ? ROLE_OPENING : ROLE_WITHIN;
	case IPPROTO_SCTP:
		packet->attempts = packet->kind == SCTP_CHUNK_INIT;
		return packet->attempts ? ROLE_OPENING : ROLE_WITHIN;
	case IPPROTO_ICMP:
		return packet->kind == ICMP_V4_ECHO ? ROLE_OPENING : ROLE_NONE;
	case IPPROTO_ICMPV6:
		return packet->kind == ICMP_V6_ECHO ? ROLE_OPENING : ROLE_NONE;
	default:
		return ROLE_DATAGRAM;
	}
}

static __always_inline void make_key(struct flow_key *key, __u32 interface,
				     const struct packet *packet, _Bool to_pod)
{
	key->interface_id = interface & INTERFACE_ID_MAX;
	set_pair(&key->destination_port, to_pod ? packet->source_port : packet->destination_port,
		 key_tail(packet->protocol));
	__builtin_memcpy(key->destination, to_pod ? &packet->source : &packet->destination,
			 sizeof(key->destination));
}

/* Segments that only who was connected to sends: the peer opened. */
static __always_inline _Bool accepts(const struct packet *packet)
{
	if (packet->protocol == IPPROTO_TCP)
		return (packet->kind & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK);
	return packet->kind == SCTP_CHUNK_INIT_ACK || packet->kind == SCTP_CHUNK_COOKIE_ACK;
}

/* Segments that end what is not there tell nothing of who opened it. */
static __always_inline _Bool ends(const struct packet *packet)
{
	if (packet->protocol == IPPROTO_TCP)
		return packet->kind & TCP_RST;
	return packet->kind == SCTP_CHUNK_ABORT || packet->kind == SCTP_CHUNK_SHUTDOWN_COMPLETE;
}

/* A segment within a connection of which there is no tuple. On an interface older than its hook
 * somebody's opening may have been missed: unless the peer's is remembered, nobody can tell whose.
 */
static __noinline int watch_midway(__u32 interface, struct flow_key *key, struct packet *packet)
{
	int unopened;

	if (!key || !packet)
		return COUNT_MALFORMED;
	unopened = packet->protocol == IPPROTO_TCP ? COUNT_TCP_UNOPENED : COUNT_SCTP_UNOPENED;
	if (accepts(packet)) {
		remember_peer(key->interface_id, packet, 0);
		return unopened;
	}
	if (!(interface & INTERFACE_INFERS) || ends(packet) ||
	    answers_peer(key->interface_id, packet))
		return unopened;
	packet->flags |= FLOW_INFERRED;
	return record_new(key, packet);
}

/* The one counter the packet belongs to. */
static __noinline int watch_egress(struct __sk_buff *skb)
{
	struct packet memory, *packet = &memory;
	struct flow_key key;
	struct flow_stats *stats;
	enum role role;
	__u32 interface;
	int result = parse_packet(skb, packet);

	if (result != PARSED)
		return result;
	role = role_of(packet);
	if (role == ROLE_NONE)
		return COUNT_ICMP_OTHER;
	interface = interface_number(skb);
	if (!interface)
		return COUNT_NO_INTERFACE;

	if (said_names && packet->protocol == IPPROTO_TCP)
		watch_parsed_said(skb, packet, interface & INTERFACE_ID_MAX);
	make_key(&key, interface, packet, 0);
	stats = bpf_map_lookup_elem(&flows, &key);
	if (stats)
		return record_known(stats, &key, packet);
	if (role == ROLE_WITHIN) {
		if (interface & INTERFACE_REMEMBERS)
			return watch_midway(interface, &key, packet);
		return packet->protocol == IPPROTO_TCP ? COUNT_TCP_UNOPENED : COUNT_SCTP_UNOPENED;
	}
	if (role == ROLE_DATAGRAM) {
		struct inbound_key peer = inbound_key(key.interface_id, packet, 0);
		__u64 print = inbound_print(&peer);

		if (is_remembered(print, 1))
			return COUNT_UDP_REPLY;
		if (interface & INTERFACE_UNTOLD)
			packet->flags |= FLOW_INFERRED;
		if (packet->protocol == IPPROTO_UDP)
			packet->flags |= quic_flag(skb, packet->transport);
		return opened_datagram(print, record_new(&key, packet));
	}
	return record_new(&key, packet);
}

SEC("tc")
int from_pod(struct __sk_buff *skb)
{
	__u32 packets = skb->gso_segs ?: 1;
	int outcome = watch_plain_egress(skb, packets);

	if (outcome == NOT_PLAIN)
		outcome = watch_egress(skb);
	count(outcome, packets);
	return PASS_ON;
}

/* What a packet to the pod says of the tuple it answers. */
enum answer {
	ANSWER_NONE,	    /* nothing */
	ANSWER_ESTABLISHED, /* counted each time */
	ANSWER_REFUSED,
	ANSWER_ABORT,	 /* refused, if an opening is still unanswered */
	ANSWER_ECHO,	 /* established, once */
	ANSWER_DATAGRAM, /* established, once; without a tuple the peer spoke first */
	ANSWER_STREAM,	 /* a DNS server's segment: nothing but what it carries */
	ANSWER_OPENING,	 /* no answer: the peer opens a connection */
};

/* RFC 9293 3.10.7.1: what refuses a SYN has sequence 0 and ACK; every later RST has neither or not
 * both. */
static __always_inline enum answer answer_of_tcp(struct __sk_buff *skb, const struct packet *packet)
{
	__u8 flags = packet->kind & (TCP_SYN | TCP_RST | TCP_ACK);
	__be32 sequence;

	if (flags == (TCP_SYN | TCP_ACK))
		return ANSWER_ESTABLISHED;
	if (flags == TCP_SYN)
		return ANSWER_OPENING;
	if (flags == TCP_ACK && packet->source_port == bpf_htons(DNS_PORT))
		return ANSWER_STREAM;
	if (flags != (TCP_RST | TCP_ACK) ||
	    bpf_skb_load_bytes(skb, packet->transport + 4, &sequence, sizeof(sequence)))
		return ANSWER_NONE;
	return sequence == 0 ? ANSWER_REFUSED : ANSWER_NONE;
}

static __always_inline enum answer answer_of(struct __sk_buff *skb, const struct packet *packet)
{
	switch (packet->protocol) {
	case IPPROTO_TCP:
		return answer_of_tcp(skb, packet);
	case IPPROTO_SCTP:
		if (packet->kind == SCTP_CHUNK_INIT_ACK)
			return ANSWER_ESTABLISHED;
		if (packet->kind == SCTP_CHUNK_INIT)
			return ANSWER_OPENING;
		return packet->kind == SCTP_CHUNK_ABORT ? ANSWER_ABORT : ANSWER_NONE;
	case IPPROTO_ICMP:
		return packet->kind == ICMP_V4_ECHO_REPLY ? ANSWER_ECHO : ANSWER_NONE;
	case IPPROTO_ICMPV6:
		return packet->kind == ICMP_V6_ECHO_REPLY ? ANSWER_ECHO : ANSWER_NONE;
	default:
		return ANSWER_DATAGRAM;
	}
}

static __always_inline _Bool is_unreachable(const struct packet *packet)
{
	if (packet->protocol == IPPROTO_ICMP)
		return packet->kind == ICMP_V4_UNREACHABLE &&
		       packet->code != ICMP_V4_FRAGMENTATION_NEEDED;
	return packet->protocol == IPPROTO_ICMPV6 && packet->kind == ICMP_V6_UNREACHABLE;
}

/* The tuple of the packet that the error quotes; if the pod never opened it, a claim of strangers.
 */
static __always_inline void watch_unreachable(struct __sk_buff *skb, struct packet *packet)
{
	struct flow_key key;
	struct flow_stats *stats;
	__u32 interface = interface_number(skb);

	if (!interface || parse_quoted(skb, packet) != PARSED)
		return;
	make_key(&key, interface, packet, 0);
	stats = find_opened(&key, &packet->source);
	if (!stats)
		return;
	__sync_fetch_and_add(&stats->flags_refused, FLOW_REFUSED_ONE);
	set_flags(stats, FLOW_ICMP_REFUSED);
}

static __always_inline void record_answer(struct flow_stats *stats, enum answer answer)
{
	switch (answer) {
	case ANSWER_ESTABLISHED:
		__sync_fetch_and_add(&stats->established, 1);
		break;
	case ANSWER_ABORT:
		if (stats->established + refused_of(stats) >= stats->attempts)
			break;
		__sync_fetch_and_add(&stats->flags_refused, FLOW_REFUSED_ONE);
		break;
	case ANSWER_REFUSED:
		__sync_fetch_and_add(&stats->flags_refused, FLOW_REFUSED_ONE);
		break;
	case ANSWER_ECHO:
	case ANSWER_DATAGRAM:
		if (!stats->established)
			stats->established = 1;
		/* The peer spoke: what the pod says next is no proof that it opens. */
		if (stats->flags_refused & FLOW_INFERRED)
			stats->last_jiffies = bpf_jiffies64();
		break;
	default:
		break;
	}
}

static __noinline int watch_answer(struct __sk_buff *skb)
{
	struct packet packet;
	struct flow_key key;
	struct flow_stats *stats;
	enum answer answer;
	__u32 interface;

	if (parse_packet(skb, &packet) != PARSED)
		return 0;
	if (is_unreachable(&packet)) {
		watch_unreachable(skb, &packet);
		return 0;
	}
	answer = answer_of(skb, &packet);
	if (answer == ANSWER_NONE)
		return 0;
	interface = interface_number(skb);
	if (!interface)
		return 0;
	if (answer == ANSWER_OPENING) {
		if (interface & INTERFACE_REMEMBERS)
			remember_peer(interface & INTERFACE_ID_MAX, &packet, 1);
		return 0;
	}

	make_key(&key, interface, &packet, 1);
	stats = find_opened(&key, &packet.destination);
	if (stats)
		record_answer(stats, answer);
	else if (answer == ANSWER_DATAGRAM)
		remember_peer(key.interface_id, &packet, 1);
	if (packet.source_port == bpf_htons(DNS_PORT) && packet.protocol != IPPROTO_SCTP)
		watch_dns(skb, &packet, key.interface_id, stats != NULL);
	return 0;
}

SEC("tc")
int to_pod(struct __sk_buff *skb)
{
	if (!watch_plain_answer(skb))
		watch_answer(skb);
	return PASS_ON;
}

/* Another table told that the pod opened it: what was inferred meanwhile is proven. */
SEC("syscall")
int confirm_opened(struct flow_key *context)
{
	struct flow_key key = *context; /* a map takes no pointer to a context */
	struct flow_stats *stats = bpf_map_lookup_elem(&flows, &key);

	if (stats && stats->flags_refused & FLOW_INFERRED) {
		__sync_fetch_and_and(&stats->flags_refused, ~(__u32)FLOW_INFERRED);
		__sync_fetch_and_or(&stats->flags_refused, FLOW_PRE_EXISTING);
	}
	return 0;
}

/* User space's way to what it cannot write without a race: see struct inbound_bucket. */
SEC("syscall")
int remember_inbound(struct inbound_key *key)
{
	remember(inbound_print(key));
	return 0;
}

SEC("syscall")
int read_clock(struct clock_reading *reading)
{
	reading->jiffies = bpf_jiffies64();
	reading->monotonic_ns = bpf_ktime_get_ns();
	return 0;
}

char LICENSE[] SEC("license") = "Apache-2.0";
