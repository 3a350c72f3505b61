// SPDX-License-Identifier: Apache-2.0
/* What our datapath is measured against, in the same process and the same rounds:
 *   null      returns -1: the cost of being called
 *   floor     parse, one hash lookup, two atomic counters: the least a flow counter can do
 *   exporter  the usual shape of a flow exporter: floor, a 40-byte 5-tuple key, spin lock, clock;
 * it stands on both hooks and `walk`, which gives each packet another address before it tail-calls
 * the program measured, so that many tuples can be visited by one prog_test_run.
 *
 * A counter that is only written could be optimised away. These are in maps, of which the compiler
 * knows nothing, and `llvm-objdump-14 -d --mcpu=v3` shows the floor's two locked additions.
 */
/* linux/bpf.h gives bpf_helpers.h its types, so it stands first. */
/* clang-format off */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
/* clang-format on */

#define L4_PORTS 4

struct floor4_key {
	__u32 source;
	__u32 destination;
	__u16 source_port;
	__u16 destination_port;
	__u32 protocol;
};

struct floor6_key {
	__u8 destination[16];
	__u32 interface;
	__u16 destination_port;
	__u16 protocol;
};

struct floor_value {
	__u64 packets;
	__u64 bytes;
};

/* All tables have the room of ours, hence as many buckets: so user space says before the load. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, struct floor4_key);
	__type(value, struct floor_value);
} floor4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, struct floor6_key);
	__type(value, struct floor_value);
} floor6 SEC(".maps");

struct exporter_key {
	__u8 source[16];
	__u8 destination[16];
	__u16 source_port;
	__u16 destination_port;
	__u8 protocol;
	__u8 pad[3];
};

struct exporter_value {
	struct bpf_spin_lock lock;
	__u32 flags;
	__u64 packets;
	__u64 bytes;
	__u64 first_ns;
	__u64 last_ns;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, struct exporter_key);
	__type(value, struct exporter_value);
} exported SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} measured SEC(".maps");

/* Set by user space between rounds. */
__u32 walk_count; /* how many tuples are visited */
__u32 walk_next;
__u32 walk_step;  /* 1: in turn; a prime: each once in a scattered order, against prefetching */
__u8 walk_source; /* vary the source address (another peer) instead of the destination */

SEC("tc")
int null_hook(struct __sk_buff *skb __attribute__((unused)))
{
	return -1;
}

static __always_inline int floor_add(void *map, const void *key, __u32 bytes)
{
	struct floor_value *value = bpf_map_lookup_elem(map, key);

	if (!value) {
		static const struct floor_value none = {};

		bpf_map_update_elem(map, key, &none, BPF_NOEXIST);
		value = bpf_map_lookup_elem(map, key);
		if (!value)
			return -1;
	}
	__sync_fetch_and_add(&value->packets, 1);
	__sync_fetch_and_add(&value->bytes, bytes);
	return -1;
}

SEC("tc")
int flow_floor(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data;
	void *end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;

	if ((void *)(eth + 1) > end)
		return -1;
	if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = (void *)(eth + 1);
		__u16 *ports = (void *)(ip + 1);

		if ((void *)ports + L4_PORTS > end)
			return -1;
		struct floor4_key key = {.source = ip->saddr,
					 .destination = ip->daddr,
					 .source_port = ports[0],
					 .destination_port = ports[1],
					 .protocol = ip->protocol};
		return floor_add(&floor4, &key, skb->len);
	}
	if (eth->h_proto == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip = (void *)(eth + 1);
		__u16 *ports = (void *)(ip + 1);

		if ((void *)ports + L4_PORTS > end)
			return -1;
		struct floor6_key key = {.interface = skb->ifindex,
					 .destination_port = ports[1],
					 .protocol = ip->nexthdr};
		__builtin_memcpy(key.destination, &ip->daddr, 16);
		return floor_add(&floor6, &key, skb->len);
	}
	return -1;
}

static __always_inline void mapped(__u8 *to, __u32 address)
{
	__builtin_memset(to, 0, 10);
	to[10] = 0xff;
	to[11] = 0xff;
	__builtin_memcpy(to + 12, &address, 4);
}

SEC("tc")
int exporter(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data;
	void *end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;
	struct exporter_key key = {};
	struct exporter_value *value;
	__u64 now = bpf_ktime_get_ns();
	__u16 *ports;

	if ((void *)(eth + 1) > end)
		return -1;
	if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = (void *)(eth + 1);

		ports = (void *)(ip + 1);
		if ((void *)ports + L4_PORTS > end)
			return -1;
		mapped(key.source, ip->saddr);
		mapped(key.destination, ip->daddr);
		key.protocol = ip->protocol;
	} else if (eth->h_proto == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip = (void *)(eth + 1);

		ports = (void *)(ip + 1);
		if ((void *)ports + L4_PORTS > end)
			return -1;
		__builtin_memcpy(key.source, &ip->saddr, 16);
		__builtin_memcpy(key.destination, &ip->daddr, 16);
		key.protocol = ip->nexthdr;
	} else {
		return -1;
	}
	key.source_port = ports[0];
	key.destination_port = ports[1];
	value = bpf_map_lookup_elem(&exported, &key);
	if (!value) {
		struct exporter_value fresh = {
			.packets = 1, .bytes = skb->len, .first_ns = now, .last_ns = now};

		bpf_map_update_elem(&exported, &key, &fresh, BPF_NOEXIST);
		return -1;
	}
	bpf_spin_lock(&value->lock);
	value->packets += 1;
	value->bytes += skb->len;
	value->last_ns = now;
	value->flags |= 1;
	bpf_spin_unlock(&value->lock);
	return -1;
}

/* A bare insert of our key and value sizes: what a new tuple costs at least. User space gives the
 * map our table's value size before the load; a value of ours is not longer than this. */
struct bare_key {
	__u8 destination[16];
	__u64 rest;
};

struct bare_value {
	__u8 bytes[64];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(key_size, sizeof(struct bare_key));
	__uint(value_size, sizeof(struct bare_value));
} bare SEC(".maps");

SEC("tc")
int bare_insert(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data;
	void *end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;
	static const struct bare_value none = {};
	struct bare_key key = {.rest = skb->ifindex};

	if ((void *)(eth + 1) + sizeof(struct ipv6hdr) > end)
		return -1;
	if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		const struct iphdr *ip = (void *)(eth + 1);

		mapped(key.destination, ip->daddr);
	} else {
		const struct ipv6hdr *ip = (void *)(eth + 1);

		__builtin_memcpy(key.destination, &ip->daddr, 16);
	}
	bpf_map_update_elem(&bare, &key, &none, BPF_NOEXIST);
	return -1;
}

SEC("tc")
int walk(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data;
	void *end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;
	__u32 n = walk_next;

	walk_next = n + 1 >= walk_count ? 0 : n + 1;
	n = (__u64)n * walk_step % walk_count;
	if ((void *)(eth + 1) + sizeof(struct ipv6hdr) > end)
		return -1;
	/* The low 24 bits of the address: 10.x.x.x, or the tail of an IPv6 address. */
	if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = (void *)(eth + 1);
		__u32 address = bpf_htonl(0x0a000000 | (n & 0xffffff));

		if (walk_source)
			ip->saddr = address;
		else
			ip->daddr = address;
	} else {
		struct ipv6hdr *ip = (void *)(eth + 1);

		if (walk_source)
			ip->saddr.in6_u.u6_addr32[3] = bpf_htonl(n);
		else
			ip->daddr.in6_u.u6_addr32[3] = bpf_htonl(n);
	}
	bpf_tail_call(skb, &measured, 0);
	return -1;
}

char LICENSE[] SEC("license") = "Apache-2.0";
