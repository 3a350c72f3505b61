// SPDX-License-Identifier: Apache-2.0
/* Somebody else's program on the same interface: counts the UDP it is shown. */
/* linux/bpf.h gives bpf_helpers.h its types, so it stands first. */
/* clang-format off */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <bpf/bpf_helpers.h>
/* clang-format on */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} witnessed SEC(".maps");

SEC("tc")
int witness(struct __sk_buff *skb)
{
	void *end = (void *)(long)skb->data_end;
	struct ethhdr *ethernet = (void *)(long)skb->data;
	struct iphdr *ip = (void *)(ethernet + 1);
	__u32 zero = 0;
	__u64 *count = bpf_map_lookup_elem(&witnessed, &zero);

	/* Little-endian machines only, as all of the tests'. */
	if ((void *)(ip + 1) > end || ethernet->h_proto != 0x0008 || ip->protocol != IPPROTO_UDP)
		return 0;
	if (count)
		__sync_fetch_and_add(count, 1);
	return 0; /* TC_ACT_OK: as programs do that think they are alone */
}

char LICENSE[] SEC("license") = "Apache-2.0";
