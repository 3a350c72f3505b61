// Calico's log lines as its releases write them, and the tuples a careful reader takes from each.
// The expectations are written by hand, not computed.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "aggregator/ingest/calico_log.h"

namespace outflow::ingest {

// "interface source > destination port/protocol bytes", with " denied" for a denied packet.
inline std::string tuple_of(const LogFlow& flow) {
  return fmt::format("{} {} > {} {}/{} {}{}",
                     flow.interface_name.empty() ? "-" : flow.interface_name,
                     flow.source.to_string(), flow.destination.to_string(), flow.port,
                     to_text(flow.protocol), flow.bytes, flow.denied ? " denied" : "");
}

// A line's text from IN= on, and its tuple, or "skip <reason>".
struct SampleLine {
  std::string_view body;
  std::string_view tuple;
};

// Every dataplane but eBPF. The first ten are in every form's file, the first 13 in nftables' old
// one.
inline constexpr std::array<SampleLine, 16> kPacketLines{{
    {"IN=cali814aae5e834 OUT=ens18 MAC=ee:ee:ee:ee:ee:ee:9a:41:2f:6c:0d:11:08:00 SRC=10.244.3.17 "
     "DST=140.82.121.3 LEN=60 TOS=0x00 PREC=0x00 TTL=63 ID=41822 DF PROTO=TCP SPT=47110 DPT=22 "
     "WINDOW=64240 RES=0x00 SYN URGP=0 ",
     "cali814aae5e834 10.244.3.17 > 140.82.121.3 22/TCP 60"},
    {"IN=cali2dbb20d966b OUT=vxlan.calico MAC=ee:ee:ee:ee:ee:ee:be:7d:03:aa:52:9c:08:00 "
     "SRC=10.244.3.21 DST=10.244.1.9 LEN=71 TOS=0x00 PREC=0x00 TTL=63 ID=5521 DF PROTO=UDP "
     "SPT=40213 DPT=53 LEN=51 ",
     "cali2dbb20d966b 10.244.3.21 > 10.244.1.9 53/UDP 71"},
    {"IN=cali2dbb20d966b OUT=vxlan.calico MAC=ee:ee:ee:ee:ee:ee:be:7d:03:aa:52:9c:08:00 "
     "SRC=10.244.3.21 DST=10.244.1.9 LEN=60 TOS=0x00 PREC=0x00 TTL=63 ID=5544 DF PROTO=TCP "
     "SPT=53644 DPT=53 WINDOW=64860 RES=0x00 SYN URGP=0 ",
     "cali2dbb20d966b 10.244.3.21 > 10.244.1.9 53/TCP 60"},
    {"IN=cali6d40b5976c5 OUT=cali0a99c36a91f MAC=ee:ee:ee:ee:ee:ee:1a:f3:6d:22:b8:45:08:00 "
     "SRC=10.244.3.40 DST=10.244.3.88 LEN=60 TOS=0x00 PREC=0x00 TTL=63 ID=62210 DF PROTO=TCP "
     "SPT=38876 DPT=5432 WINDOW=64860 RES=0x00 SYN URGP=0 ",
     "cali6d40b5976c5 10.244.3.40 > 10.244.3.88 5432/TCP 60"},
    {"IN=calia25457139ee OUT=ens18 MAC=ee:ee:ee:ee:ee:ee:72:5b:e4:09:c6:a0:08:00 SRC=10.244.3.52 "
     "DST=10.0.20.100 LEN=60 TOS=0x00 PREC=0x00 TTL=63 ID=1177 DF PROTO=TCP SPT=51998 DPT=6443 "
     "WINDOW=64860 RES=0x00 SYN URGP=0 ",
     "calia25457139ee 10.244.3.52 > 10.0.20.100 6443/TCP 60"},
    {"IN=cali86066b6366b OUT= MAC=ee:ee:ee:ee:ee:ee:4e:10:88:d1:7f:33:08:00 SRC=10.244.3.61 "
     "DST=10.0.20.103 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=23094 DF PROTO=TCP SPT=44718 DPT=10250 "
     "WINDOW=64860 RES=0x00 SYN URGP=0 ",
     "cali86066b6366b 10.244.3.61 > 10.0.20.103 10250/TCP 60"},
    {"IN=cali2dbb20d966b OUT= MAC=ee:ee:ee:ee:ee:ee:be:7d:03:aa:52:9c:08:00 SRC=10.244.3.21 "
     "DST=10.96.0.10 LEN=74 TOS=0x00 PREC=0x00 TTL=64 ID=30317 DF PROTO=UDP SPT=35511 DPT=53 "
     "LEN=54 ",
     "cali2dbb20d966b 10.244.3.21 > 10.96.0.10 53/UDP 74"},
    {"IN=cali86066b6366b OUT=ens18 MAC=ee:ee:ee:ee:ee:ee:4e:10:88:d1:7f:33:08:00 SRC=10.244.3.61 "
     "DST=1.1.1.1 LEN=84 TOS=0x00 PREC=0x00 TTL=63 ID=9033 DF PROTO=ICMP TYPE=8 CODE=0 ID=77 "
     "SEQ=1 ",
     "cali86066b6366b 10.244.3.61 > 1.1.1.1 0/ICMP 84"},
    {"IN=cali0bc81237e91 OUT=cali0bc81237e91 MAC=ee:ee:ee:ee:ee:ee:d6:ce:31:4b:90:7e:08:00 "
     "SRC=10.244.3.70 DST=10.244.3.70 LEN=60 TOS=0x00 PREC=0x00 TTL=63 ID=4406 DF PROTO=TCP "
     "SPT=36122 DPT=8080 WINDOW=64860 RES=0x00 SYN URGP=0 MARK=0x4000 ",
     "cali0bc81237e91 10.244.3.70 > 10.244.3.70 8080/TCP 60"},
    {"IN=cali0bc81237e91 OUT=ens18 MAC=ee:ee:ee:ee:ee:ee:d6:ce:31:4b:90:7e:08:00 SRC=10.244.3.70 "
     "DST=172.217.16.142 LEN=1278 TOS=0x00 PREC=0x00 TTL=63 ID=0 DF PROTO=UDP SPT=58321 DPT=443 "
     "LEN=1258 ",
     "cali0bc81237e91 10.244.3.70 > 172.217.16.142 443/UDP 1278"},
    {"IN=cali814aae5e834 OUT=ens18 MAC=ee:ee:ee:ee:ee:ee:9a:41:2f:6c:0d:11:86:dd "
     "SRC=fd00:0010:0244:0003:0000:0000:0000:0011 DST=2606:50c0:8000:0000:0000:0000:0000:0153 "
     "LEN=80 TC=0 HOPLIMIT=63 FLOWLBL=713402 PROTO=TCP SPT=40412 DPT=443 WINDOW=64800 RES=0x00 "
     "SYN URGP=0 ",
     "cali814aae5e834 fd00:10:244:3::11 > 2606:50c0:8000::153 443/TCP 80"},
    {"IN=cali2dbb20d966b OUT=vxlan-v6.calico MAC=ee:ee:ee:ee:ee:ee:be:7d:03:aa:52:9c:86:dd "
     "SRC=fd00:0010:0244:0003:0000:0000:0000:0015 DST=fd00:0010:0244:0001:0000:0000:0000:0009 "
     "LEN=91 TC=0 HOPLIMIT=63 FLOWLBL=190210 PROTO=UDP SPT=47821 DPT=53 LEN=51 ",
     "cali2dbb20d966b fd00:10:244:3::15 > fd00:10:244:1::9 53/UDP 91"},
    {"IN=cali86066b6366b OUT=ens18 MAC=ee:ee:ee:ee:ee:ee:4e:10:88:d1:7f:33:86:dd "
     "SRC=fd00:0010:0244:0003:0000:0000:0000:003d DST=2606:4700:4700:0000:0000:0000:0000:1111 "
     "LEN=104 TC=0 HOPLIMIT=63 FLOWLBL=880123 PROTO=ICMPv6 TYPE=128 CODE=0 ID=12 SEQ=1 ",
     "cali86066b6366b fd00:10:244:3::3d > 2606:4700:4700::1111 0/ICMPv6 104"},
    {"IN=calia25457139ee OUT=ens18 MAC=ee:ee:ee:ee:ee:ee:72:5b:e4:09:c6:a0:08:00 SRC=10.244.3.52 "
     "DST=198.51.100.24 LEN=52 TOS=0x00 PREC=0x00 TTL=63 ID=771 DF PROTO=132 ",
     "calia25457139ee 10.244.3.52 > 198.51.100.24 0/SCTP 52"},
    {"IN=cali86066b6366b OUT=ens18 MAC=ee:ee:ee:ee:ee:ee:4e:10:88:d1:7f:33:08:00 SRC=10.244.3.61 "
     "DST=203.0.113.9 LEN=96 TOS=0x00 PREC=0x00 TTL=63 ID=50121 PROTO=ICMP TYPE=3 CODE=3 "
     "[SRC=203.0.113.9 DST=10.244.3.61 LEN=68 TOS=0x00 PREC=0x00 TTL=54 ID=3341 PROTO=UDP SPT=5353 "
     "DPT=40000 LEN=48 ] ",
     "skip icmp-not-echo"},
    {"IN=cali0bc81237e91 OUT=ens18 MAC=ee:ee:ee:ee:ee:ee:d6:ce:31:4b:90:7e:08:00 SRC=10.244.3.70 "
     "DST=198.51.100.80 LEN=548 TOS=0x00 PREC=0x00 TTL=63 ID=17002 FRAG:185 PROTO=UDP ",
     "skip fragment"},
}};

// kube-proxy in IPVS mode: the policy runs in OUTPUT, so no interface and no MAC.
inline constexpr std::array<SampleLine, 3> kIpvsLines{{
    {"IN= OUT=vxlan.calico SRC=10.244.3.21 DST=10.244.1.9 LEN=71 TOS=0x00 PREC=0x00 TTL=64 ID=5521 "
     "DF PROTO=UDP SPT=40213 DPT=53 LEN=51 ",
     "- 10.244.3.21 > 10.244.1.9 53/UDP 71"},
    {"IN= OUT=ens18 SRC=10.244.3.52 DST=10.0.20.100 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1177 DF "
     "PROTO=TCP SPT=51998 DPT=6443 WINDOW=64860 RES=0x00 SYN URGP=0 ",
     "- 10.244.3.52 > 10.0.20.100 6443/TCP 60"},
    {"IN= OUT=cali0a99c36a91f SRC=10.244.3.40 DST=10.244.3.88 LEN=60 TOS=0x00 PREC=0x00 TTL=64 "
     "ID=62210 DF PROTO=TCP SPT=38876 DPT=5432 WINDOW=64860 RES=0x00 SYN URGP=0 ",
     "- 10.244.3.40 > 10.244.3.88 5432/TCP 60"},
}};

// Whole lines of the eBPF dataplane's trace pipe.
inline constexpr std::array<SampleLine, 10> kTraceLines{{
    {"            node-20114   [000] ..s2.  5210.002311: bpf_trace_printk: cali814aae5e834-E: "
     "policy "
     "ALLOWED proto 6 src 10.244.3.17:47110 dest 140.82.121.3:22",
     "cali814aae5e834 10.244.3.17 > 140.82.121.3 22/TCP 0"},
    {"            node-20114   [001] ..s2.  5210.419311: bpf_trace_printk: cali2dbb20d966b-E: "
     "policy "
     "ALLOWED proto 17 src 10.244.3.21:40213 dest 10.96.0.10:53",
     "cali2dbb20d966b 10.244.3.21 > 10.96.0.10 53/UDP 0"},
    {"            node-20114   [001] ..s2.  5210.836311: bpf_trace_printk: cali2dbb20d966b-E: "
     "policy "
     "ALLOWED proto 6 src 10.244.3.21:53644 dest 10.244.1.9:53",
     "cali2dbb20d966b 10.244.3.21 > 10.244.1.9 53/TCP 0"},
    {"         apache2-8812    [002] ..s2.  5211.253311: bpf_trace_printk: cali6d40b5976c5-E: "
     "policy "
     "ALLOWED proto 6 src 10.244.3.40:38876 dest 10.244.3.88:5432",
     "cali6d40b5976c5 10.244.3.40 > 10.244.3.88 5432/TCP 0"},
    {" woodpecker-agen-9120    [000] ..s2.  5211.670311: bpf_trace_printk: calia25457139ee-E: "
     "policy "
     "ALLOWED proto 6 src 10.244.3.52:51998 dest 10.0.20.100:6443",
     "calia25457139ee 10.244.3.52 > 10.0.20.100 6443/TCP 0"},
    {"           <...>-7766    [003] ..s2.  5212.087311: bpf_trace_printk: cali86066b6366b-E: "
     "policy "
     "DENIED  proto 6 src 10.244.3.61:44718 dest 10.0.20.103:10250",
     "cali86066b6366b 10.244.3.61 > 10.0.20.103 10250/TCP 0 denied"},
    {"            ping-7801    [003] ..s2.  5212.504311: bpf_trace_printk: cali86066b6366b-E: "
     "policy "
     "ALLOWED proto 1 src 10.244.3.61:0 dest 1.1.1.1:8",
     "cali86066b6366b 10.244.3.61 > 1.1.1.1 0/ICMP 0"},
    {"         python3-6604    [001] ..s2.  5212.921311: bpf_trace_printk: cali0bc81237e91-E: "
     "policy "
     "ALLOWED proto 17 src 10.244.3.70:58321 dest 172.217.16.142:443",
     "cali0bc81237e91 10.244.3.70 > 172.217.16.142 443/UDP 0"},
    {"         python3-6604    [001] ..s2.  5213.338311: bpf_trace_printk: cali0bc81237e91-E: "
     "policy "
     "DENIED  proto 6 src 10.244.3.70:40990 dest 198.51.100.80:25",
     "cali0bc81237e91 10.244.3.70 > 198.51.100.80 25/TCP 0 denied"},
    {"           <...>-9120    [000] ..s2.  5213.755311: bpf_trace_printk: calia25457139ee-E: "
     "policy "
     "ALLOWED proto 132 src 10.244.3.52:36412 dest 198.51.100.24:3868",
     "calia25457139ee 10.244.3.52 > 198.51.100.24 3868/SCTP 0"},
}};

// One file read to its end.
struct Reading {
  std::vector<LogFlow> flows;
  LogCounts counts;
  std::string error;  // "" when the file was taken
};

inline Reading read_log(std::string_view file, const LogOptions& options = {},
                        std::size_t piece = std::string_view::npos) {
  Reading reading;
  LogParser parser(options, [&](LogFlow flow) -> Result<void> {
    reading.flows.push_back(std::move(flow));
    return {};
  });
  Result<void> read;
  for (std::string_view rest = file; read && !rest.empty();) {
    read = parser.feed(rest.substr(0, piece));
    rest.remove_prefix(std::min(piece, rest.size()));
  }
  if (read) read = parser.finish();
  if (!read) reading.error = read.error().what;
  reading.counts = parser.counts();
  return reading;
}

}  // namespace outflow::ingest
