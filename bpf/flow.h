/* Every byte that crosses between kernel and user space. Included by both sides.
 *
 * Addresses are 16 bytes in network order, IPv4 mapped; ports in keys are network order; times are
 * jiffies (bpf_jiffies64(), cut to 32 bits): reading them is free, reading the clock costs as much
 * as the hash lookup does. One jiffy is the resolution that clock_getres(CLOCK_MONOTONIC_COARSE)
 * tells, and the program `read_clock` says which monotonic time a jiffy is. Both stand still while
 * the machine sleeps. 32 bits wrap after 49 days at 1,000 Hz, and first 5 minutes after the boot.
 */
#ifndef OUTFLOW_BPF_FLOW_H
#define OUTFLOW_BPF_FLOW_H

#include <linux/types.h>

/* The third word of an IPv4-mapped address: 0000:ffff in network order. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define OUTFLOW_MAPPED 0xffff0000U
#else
#define OUTFLOW_MAPPED 0x0000ffffU
#endif

/* Bumped with every change of a struct below; pinned maps of another layout are not adopted. */
#define OUTFLOW_LAYOUT 3

/* An egress tuple, opened by the pod: the veth is the source. */
struct flow_key {
	__u8 destination[16];
	__u32 interface_id;	 /* the agent's own number, never reused */
	__be16 destination_port; /* 0 where the protocol has none */
	__u8 protocol;
	__u8 reserved; /* 0 */
};

/* Bits of flow_stats.flags_refused; the values are FlowFlag of common/flow.h, except for those that
 * find no place in 8 bits: they use one that only user space sets there, and agent/delta.cc
 * translates them. */
enum flow_flag {
	FLOW_INFERRED = 1 << 0, /* met in the middle; taken back once the pod is seen to open it */
	FLOW_PRE_EXISTING = 1 << 1, /* written by user space, which knows it from another table */
	FLOW_VLAN = 1 << 3,
	FLOW_ICMP_REFUSED = 1 << 4,
	FLOW_QUIC = 1 << 5, /* its first datagram has a QUIC long header: kFlowQuic */
	FLOW_FRAGMENTED = 1 << 6,
};
#define FLOW_FLAGS 0xffU
#define FLOW_REFUSED_SHIFT 8
#define FLOW_REFUSED_ONE (1U << FLOW_REFUSED_SHIFT)

/* Cumulative; the map is the truth. 40 bytes: with the key and what the kernel keeps beside them
 * (48 bytes an element, 16 a bucket) a tuple costs 128 bytes. */
struct flow_stats {
	__u64 packets;	     /* GSO segments */
	__u64 bytes;	     /* IP header and up */
	__u32 attempts;	     /* SYN, INIT: retransmits included */
	__u32 established;   /* SYN-ACK, INIT-ACK; other protocols: 1 once an answer came */
	__u32 flags_refused; /* flow_flag in the low 8 bits; in the 24 above, where they wrap
			      * without touching the flags: RST or ABORT to an opening, ICMP
			      * unreachable */
	__u32 first_jiffies;
	__u32 last_jiffies;
	__u32 source_tag; /* of its first packet's source: source_tag_of() */
};

static inline __u32 flags_of(const struct flow_stats *stats)
{
	return stats->flags_refused & FLOW_FLAGS;
}

static inline __u32 refused_of(const struct flow_stats *stats)
{
	return stats->flags_refused >> FLOW_REFUSED_SHIFT;
}

/* What tells two sources of a tuple apart: an IPv4 address itself (as it stands in the packet), of
 * an IPv6 address 32 bits mixed from its words, whose whole is in `sources`. Addresses of one /96
 * never meet. Not a defence: a pod that looks for a second address of the same tag finds one.
 */
static inline __u32 source_tag_of(const __u32 words[4])
{
	/* Odd multipliers: those of MurmurHash3 and the golden ratio's. */
	if (!words[0] && !words[1] && words[2] == OUTFLOW_MAPPED)
		return words[3];
	return ((words[0] * 0xcc9e2d51U + words[1]) * 0x1b873593U + words[2]) * 0x9e3779b1U +
	       words[3];
}

struct source_key {
	__u32 interface_id;
	__u32 tag;
};

struct source_address {
	__u8 bytes[16];
};

/* A tuple sent from another address than its first packet's: the slow path, counted apart. */
struct other_source_key {
	struct flow_key flow;
	__u8 source[16];
};

/* What the table had no room for, one record a packet. */
struct overflow_event {
	struct flow_key key;
	__u8 source[16];
	__u32 packets;
	__u32 bytes;
	__u32 flags;
	__u32 jiffies;
	__u8 attempt;
	__u8 reserved[7];
};

/* Who spoke first on UDP: a peer that sent to the pod, and its ports. On interfaces that remember,
 * also who opened a TCP or SCTP connection to the pod. */
struct inbound_key {
	__u8 peer[16];
	__u32 interface_kind; /* the id, and an inbound_kind above it */
	__be16 peer_port;
	__be16 local_port; /* INBOUND_OTHER: the protocol's number, host order */
};

#define INBOUND_KIND_SHIFT 29
enum inbound_kind { INBOUND_UDP, INBOUND_TCP, INBOUND_SCTP, INBOUND_OTHER };

/* The memory of them is a table of our own, because a hash of the kernel's costs three times as
 * much a look: buckets of one cache line, found by a fingerprint of the key, which stands for it
 * (of 65,536 that are remembered, one in 2^46 strangers is mistaken for one). In a full bucket the
 * longest silent goes. */
#define INBOUND_BUCKETS 16384
#define INBOUND_BUCKET_SHIFT 50
#define INBOUND_WAYS 4
struct inbound_entry {
	__u64 print;   /* 0: empty */
	__u32 jiffies; /* of the conversation's latest packet */
	__u32 reserved;
};

struct inbound_bucket {
	struct inbound_entry ways[INBOUND_WAYS];
};

/* Multiply and fold, thrice: a word of the key each. */
static inline __u64 inbound_print(const struct inbound_key *key)
{
	__u64 high, low, rest, print;

	__builtin_memcpy(&high, key->peer, sizeof(high));
	__builtin_memcpy(&low, key->peer + sizeof(high), sizeof(low));
	__builtin_memcpy(&rest, &key->interface_kind, sizeof(rest));
	print = (high + 0x9e3779b97f4a7c15ULL) * 0xbf58476d1ce4e5b9ULL;
	print = (print ^ print >> 32 ^ low) * 0x94d049bb133111ebULL;
	print = (print ^ print >> 29 ^ rest) * 0xd6e8feb86659fd93ULL;
	return (print ^ print >> 32) | 1;
}

/* An interface's number is its id in the low 29 bits, from 1, and what is known of its past above.
 * A pod that is older than its hook has conversations whose openings nobody saw. */
#define INTERFACE_ID_MAX 0x1fffffffU
/* Who opens connections to the pod is remembered, so that its replies are known for such. */
#define INTERFACE_REMEMBERS (1U << 31)
/* ... and the tables that told of older ones were read: a segment within a connection that nobody
 * opened makes an inferred tuple. */
#define INTERFACE_INFERS (1U << 30)
/* No table told of older conversations: a datagram may be a reply, too. */
#define INTERFACE_UNTOLD (1U << 29)

/* ifindex -> what the agent calls it. Pinned, so that a restarted agent knows what the kernel
 * counted meanwhile. */
struct interface_entry {
	__u32 number; /* 0 is none */
	char name[16];
};

/* In front of `interfaces`: slot number ifindex & 0xffff, read first because an array costs
 * nothing. */
#define INTERFACE_SLOTS 65536
struct interface_slot {
	__u32 ifindex; /* 0: empty */
	__u32 number;
} __attribute__((aligned(8)));

/* One per life of the pinned maps. */
struct meta {
	__u32 layout; /* OUTFLOW_LAYOUT */
	__u32 next_interface_id;
	__u8 boot[16]; /* random */
};

/* The context of `read_clock`, run by BPF_PROG_RUN: both clocks at one moment. A jiffy's own moment
 * is up to one tick earlier. */
struct clock_reading {
	__u64 jiffies;	    /* uncut */
	__u64 monotonic_ns; /* CLOCK_MONOTONIC */
};

/* Every packet at the pod's egress hook ends in exactly one of: a recorded tuple (`recorded`
 * below), an overflow record, a skip, or a loss. Sum rule: seen = recorded + overflowed + skips +
 * losses. In GSO segments like flow_stats.packets, so that recorded is also the sum over the tables
 * as long as nothing is deleted. Per CPU, cumulative. */
enum packet_count {
	COUNT_SEEN,	  /* at the pod's egress hook */
	COUNT_RECORDED,	  /* in a tuple of `flows` or `other_sources` */
	COUNT_OVERFLOWED, /* in a record of the overflow ring */
	/* Skipped: nothing that opens a tuple. */
	COUNT_NOT_IP,
	COUNT_LATER_FRAGMENT,
	COUNT_TCP_UNOPENED, /* no tuple: a server's reply, or in the middle of what nobody told of
			     */
	COUNT_UDP_REPLY,    /* the peer spoke first; also of protocols without ports */
	COUNT_ICMP_OTHER,   /* echo replies, errors, neighbour discovery */
	COUNT_SCTP_UNOPENED,
	/* Losses: a tuple may be missing. */
	COUNT_NO_INTERFACE,   /* the hook is on, the id is not */
	COUNT_MALFORMED,      /* lengths lie, or the header of a known protocol is cut */
	COUNT_UNKNOWN_HEADER, /* IPv6 extension headers beyond those walked */
	COUNT_RING_FULL,      /* table full and ring full */
	COUNT_OTHER_SOURCE_FULL,
	COUNT_MAX,
};

/* One row a CPU: a packet finds all its counters by one lookup. */
struct packet_counts {
	__u64 of[COUNT_MAX];
};

/* A DNS answer to the pod, or a part of one: UDP payloads whole, TCP payloads as they come, in
 * parts of at most DNS_PART_MAX bytes. Whoever reads them puts messages together. */
#define DNS_PORT 53
#define DNS_HEADER_BYTES 12 /* RFC 1035 4.1.1 */
#define DNS_PART_SMALL 512  /* RFC 1035 4.2.1: what every resolver may send by UDP */
#define DNS_PART_MAX 4096
#define DNS_PARTS_MAX 16 /* 64 KiB: an IP packet has no more */
struct dns_record {
	__u8 resolver[16];
	__u8 client[16]; /* the pod's address that was answered */
	__u32 interface_id;
	__u32 jiffies;
	__u32 sequence; /* TCP: of the payload's first byte, host order */
	__u32 length;	/* of the payload */
	__u32 offset;	/* of this part in it */
	__u16 copied;	/* bytes of this part */
	__be16 client_port;
	__u8 protocol; /* TCP or UDP */
	__u8 cut;      /* the payload is a first fragment's: there was more */
	__u8 reserved[6];
};

/* What became of packets from port 53 that could carry an answer. Per CPU, cumulative. Losses here
 * are losses of names, never of tuples. */
enum dns_count {
	DNS_COPIED,
	DNS_NOT_ANSWER, /* UDP: no DNS header, or a query; either: nothing the pod had opened */
	DNS_CUT,	/* a first fragment, copied as far as it goes */
	DNS_LIMITED,	/* beyond dns_answers_max a second for this interface */
	DNS_RING_FULL,
	DNS_COUNT_MAX,
};

struct dns_counts {
	__u64 of[DNS_COUNT_MAX];
};

/* How many answers an interface got in the current second; interfaces whose ids share the low bits
 * share a budget. */
#define DNS_BUDGETS 4096
struct dns_budget {
	__u32 since_jiffies;
	__u32 answers;
};

/* What the pod says itself of whom it wants: the first bytes of a TCP connection it opened, where
 * they are a TLS ClientHello, or at HTTP_PORT a request's head. In parts, as the segments come; a
 * connection that begins otherwise is not copied. Whoever reads them puts hellos together. */
#define HTTP_PORT 80
#define SAID_PART_MAX 2048
/* A hello with a post-quantum key share has 1.8 KiB, one that resumes a session up to a ticket
 * more. A request is copied as far as its first segment and one part go. */
#define SAID_BYTES_MAX 8192

struct said_record {
	__u8 destination[16];
	__u32 interface_id;
	__u32 jiffies;
	__u32 begin;  /* TCP sequence of the connection's first byte, host order */
	__u16 offset; /* of this part behind it */
	__u16 copied; /* bytes of this part: 1 to SAID_PART_MAX */
	__u16 wanted; /* bytes there are to come in all: 1 to SAID_BYTES_MAX */
	__be16 source_port;
	__be16 destination_port;
	__u16 reserved;
};

/* Connections whose next byte is waited for: from the SYN on until it has come, and of a hello that
 * is split over segments until it is whole. An array, because a packet's look at one costs nothing:
 * of two connections in a slot the older goes, and is counted unless it said nothing for
 * SAID_WAIT_SECONDS. */
#define SAID_SLOTS 4096
#define SAID_SLOT_SHIFT 52 /* of said_print(): the top 12 bits */
#define SAID_WAIT_SECONDS 3
struct said_slot {
	__u32 print;	 /* the upper half of said_print(), odd; 0: empty */
	__be32 sequence; /* of the byte waited for */
	__u32 jiffies;	 /* of the SYN */
	__u16 wanted;	 /* 0: nothing has come yet */
	__u16 taken;
};

/* What became of connections that pods opened and began to send on. Per CPU, cumulative. All but
 * the first two are losses of names. */
enum said_count {
	SAID_COPIED,	/* a hello or a request, its first part at least */
	SAID_OTHER,	/* began with neither */
	SAID_CUT,	/* a hello of more than SAID_BYTES_MAX */
	SAID_LIMITED,	/* beyond said_max a second for this interface */
	SAID_RING_FULL, /* a part of one: what came before it is in the ring */
	SAID_DISPLACED, /* another connection took its slot before it said anything, or all */
	SAID_COUNT_MAX,
};

struct said_counts {
	__u64 of[SAID_COUNT_MAX];
};

#ifdef __cplusplus
#define OUTFLOW_SIZE(type, bytes) static_assert(sizeof(type) == (bytes), "layout")
#else
#define OUTFLOW_SIZE(type, bytes) _Static_assert(sizeof(type) == (bytes), "layout")
#endif
OUTFLOW_SIZE(struct flow_key, 24);
OUTFLOW_SIZE(struct flow_stats, 40);
OUTFLOW_SIZE(struct source_key, 8);
OUTFLOW_SIZE(struct source_address, 16);
OUTFLOW_SIZE(struct other_source_key, 40);
OUTFLOW_SIZE(struct overflow_event, 64);
OUTFLOW_SIZE(struct inbound_key, 24);
OUTFLOW_SIZE(struct inbound_bucket, 64);
OUTFLOW_SIZE(struct interface_entry, 20);
OUTFLOW_SIZE(struct interface_slot, 8);
OUTFLOW_SIZE(struct meta, 24);
OUTFLOW_SIZE(struct clock_reading, 16);
OUTFLOW_SIZE(struct dns_record, 64);
OUTFLOW_SIZE(struct dns_budget, 8);
OUTFLOW_SIZE(struct said_record, 40);
OUTFLOW_SIZE(struct said_slot, 16);

#endif
