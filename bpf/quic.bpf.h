/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a datagram that opens a tuple begins a QUIC connection: by its long header, which is the
 * same in every version (RFC 8999 5.1). Later datagrams are not asked, so that a known tuple pays
 * nothing.
 */
#ifndef OUTFLOW_BPF_QUIC_H
#define OUTFLOW_BPF_QUIC_H

#include "parse.bpf.h"

#define QUIC_LONG_HEADER 0xc0 /* the header form and the fixed bit: RFC 9000 17.2 */
#define QUIC_V1 0x00000001U   /* RFC 9000 15 */
#define QUIC_V2 0x6b3343cfU   /* RFC 9369 3.1 */
#define QUIC_HEAD 5	      /* the form and the version */

/* FLOW_QUIC or 0; `udp` is where the UDP header begins. A version we do not know is not claimed:
 * other protocols have these bits, too. A global function, so that the verifier looks at it once.
 */
__noinline int quic_flag(struct __sk_buff *skb, __u32 udp)
{
	/* From the length in the UDP header on: 2 bytes, a checksum of 2, the payload. */
	__u8 bytes[4 + QUIC_HEAD];
	__u32 version;

	if (bpf_skb_load_bytes(skb, udp + 4, bytes, sizeof(bytes)) ||
	    (bytes[0] << 8 | bytes[1]) < (int)sizeof(struct udphdr) + QUIC_HEAD ||
	    (bytes[4] & QUIC_LONG_HEADER) != QUIC_LONG_HEADER)
		return 0;
	version = (__u32)bytes[5] << 24 | bytes[6] << 16 | bytes[7] << 8 | bytes[8];
	return version == QUIC_V1 || version == QUIC_V2 ? FLOW_QUIC : 0;
}

#endif
