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

/* Bumped with every change of a struct below; pinned maps of another layout are not adopted. */
#define OUTFLOW_LAYOUT 1

/* An egress tuple, opened by the pod: the veth is the source. */
struct flow_key {
	__u8 destination[16];
	__u32 interface_id;	 /* the agent's own number, never reused */
	__be16 destination_port; /* 0 where the protocol has none */
	__u8 protocol;
	__u8 reserved; /* 0 */
};

/* Bits of flow_stats.flags; the low values are FlowFlag of common/flow.h. */
enum flow_flag {
	FLOW_VLAN = 1 << 3,
	FLOW_ICMP_REFUSED = 1 << 4,
	FLOW_FRAGMENTED = 1 << 6,
};

/* Cumulative; the map is the truth. */
struct flow_stats {
	__u64 packets;	   /* GSO segments */
	__u64 bytes;	   /* IP header and up */
	__u32 attempts;	   /* SYN, INIT: retransmits included */
	__u32 established; /* SYN-ACK, INIT-ACK; other protocols: 1 once an answer came */
	__u32 refused;	   /* RST or ABORT to an opening, ICMP unreachable */
	__u32 flags;
	__u32 first_jiffies;
	__u32 last_jiffies;
	__u8 source[16]; /* of its first packet */
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

/* Who spoke first on UDP: a peer that sent to the pod, remembered until it falls out of the LRU. */
struct inbound_key {
	__u8 peer[16];
	__u32 interface_id;
	__be16 peer_port;
	__be16 local_port;
	__u8 protocol;
	__u8 reserved[3];
};

/* ifindex -> what the agent calls it. Pinned, so that a restarted agent knows what the kernel
 * counted meanwhile. */
struct interface_entry {
	__u32 id; /* from 1; 0 is none */
	char name[16];
};

/* In front of `interfaces`: slot number ifindex & 0xffff, read first because an array costs
 * nothing. Eight bytes, aligned, so that neither side ever sees half of it. */
#define INTERFACE_SLOTS 65536
struct interface_slot {
	__u32 ifindex; /* 0: empty */
	__u32 id;
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
	COUNT_TCP_UNOPENED, /* no tuple: a server's reply, or older than the agent */
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

#ifdef __cplusplus
#define OUTFLOW_SIZE(type, bytes) static_assert(sizeof(type) == (bytes), "layout")
#else
#define OUTFLOW_SIZE(type, bytes) _Static_assert(sizeof(type) == (bytes), "layout")
#endif
OUTFLOW_SIZE(struct flow_key, 24);
OUTFLOW_SIZE(struct flow_stats, 56);
OUTFLOW_SIZE(struct other_source_key, 40);
OUTFLOW_SIZE(struct overflow_event, 64);
OUTFLOW_SIZE(struct inbound_key, 28);
OUTFLOW_SIZE(struct interface_entry, 20);
OUTFLOW_SIZE(struct interface_slot, 8);
OUTFLOW_SIZE(struct meta, 24);
OUTFLOW_SIZE(struct clock_reading, 16);

#endif
