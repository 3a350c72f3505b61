// SPDX-License-Identifier: Apache-2.0
/* Somebody else's programs on a pod's veth: each counts the UDP it is shown and decides. */
/* linux/bpf.h gives bpf_helpers.h its types, so it stands first. */
/* clang-format off */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>
/* clang-format on */

const volatile __u32 redirect_to = 0; /* ifindex */
__u64 shown = 0;

static __always_inline _Bool is_udp(struct __sk_buff *skb)
{
	void *end = (void *)(long)skb->data_end;
	struct ethhdr *ethernet = (void *)(long)skb->data;
	struct iphdr *ip = (void *)(ethernet + 1);

	/* Little-endian machines only, as all of the tests'. */
	if ((void *)(ip + 1) > end || ethernet->h_proto != 0x0008 || ip->protocol != IPPROTO_UDP)
		return 0;
	__sync_fetch_and_add(&shown, 1);
	return 1;
}

SEC("tc")
int watches(struct __sk_buff *skb)
{
	is_udp(skb);
	return TC_ACT_UNSPEC;
}

SEC("tc")
int accepts(struct __sk_buff *skb)
{
	is_udp(skb);
	return TC_ACT_OK;
}

SEC("tc")
int drops(struct __sk_buff *skb)
{
	return is_udp(skb) ? TC_ACT_SHOT : TC_ACT_OK;
}

SEC("tc")
int redirects(struct __sk_buff *skb)
{
	return is_udp(skb) ? bpf_redirect(redirect_to, 0) : TC_ACT_OK;
}

char LICENSE[] SEC("license") = "Apache-2.0";
