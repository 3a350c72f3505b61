#include <algorithm>
#include <set>

#include "aggregator/ingest/calico_log.h"
#include "aggregator/ingest/log_line.h"
#include "common/text.h"
#include "tests/support/catch.h"
#include "tests/unit/ingest/calico_log_samples.h"

namespace outflow::ingest {
namespace {

using Counts = std::map<std::string, std::uint64_t>;

const TimePoint kAt = *parse_time("2026-05-18T18:42:44Z");
const LogOptions kAtOption{kAt, {}, {}, "log"};
const std::string kBody(kPacketLines[0].body);
const std::string kMessage = "calico-packet: " + kBody + "\n";

// A message line with one part of a good one replaced.
std::string with(const std::string& part, const std::string& other) {
  std::string line = kMessage;
  const std::size_t at = line.find(part);
  REQUIRE(at != std::string::npos);
  return line.replace(at, part.size(), other);
}

bool contains(const std::string& text, std::initializer_list<std::string_view> parts) {
  return std::all_of(parts.begin(), parts.end(),
                     [&](std::string_view part) { return text.find(part) != std::string::npos; });
}

std::vector<std::string> times_of(const Reading& reading) {
  std::vector<std::string> times;
  for (const LogFlow& flow : reading.flows) times.push_back(to_text(flow.time));
  return times;
}

std::set<Digest> digests_of(const Reading& reading) {
  std::set<Digest> digests;
  for (const LogFlow& flow : reading.flows) digests.insert(flow.digest);
  return digests;
}

TEST_CASE("a form without full time is refused without its option", "[calico_log]") {
  const std::string kernel = "[183210.118234] " + kMessage;
  const std::string syslog = "May 18 18:42:44 w1 kernel: " + kMessage;
  const std::string trace = std::string(kTraceLines[0].body) + "\n";
  const struct {
    std::string file;
    LogOptions options;
    std::string named;
  } rows[] = {
      {kMessage, {{}, kAt, 2026, "log"}, "--at"},
      {kernel, {kAt, {}, 2026, "log"}, "--boot-time"},
      {trace, {kAt, {}, 2026, "log"}, "--boot-time"},
      {syslog, {kAt, kAt, {}, "log"}, "--year"},
  };
  for (const auto& row : rows) {
    INFO(row.file);
    const Reading reading = read_log("\n" + row.file, row.options);

    CHECK(contains(reading.error, {"line 2: ", row.named}));
    CHECK(reading.flows.empty());
  }
}

TEST_CASE("a line that needs no time is not refused for want of one", "[calico_log]") {
  const Reading reading = read_log(
      "[    0.000000] Linux version 6.1.0\n"
      "[    5.000001] calico-packet: something else\n"
      "[7.1] calico-packet: IN=ens18 OUT=cali1 SRC=10.0.0.1 \n");

  CHECK(reading.error.empty());
  CHECK(reading.counts.skipped.at("other-message") == 2);
  CHECK(reading.counts.skipped.at("not-from-a-pod") == 1);
}

TEST_CASE("a syslog date rolls over New Year and stays with lines out of order", "[calico_log]") {
  std::string file;
  for (const auto* date : {"Nov  3 00:00:00", "Dec 31 23:59:59", "Jan  1 00:00:00",
                           "Dec 31 23:59:58", "Jan  2 00:00:00.250", "Mar  1 12:00:00"}) {
    file += std::string(date) + " w1 kernel: " + kMessage;
  }

  const Reading reading = read_log(file, {{}, {}, 2026, "log"});

  CHECK(times_of(reading) ==
        std::vector<std::string>{"2026-11-03T00:00:00Z", "2026-12-31T23:59:59Z",
                                 "2027-01-01T00:00:00Z", "2026-12-31T23:59:58Z",
                                 "2027-01-02T00:00:00Z", "2027-03-01T12:00:00Z"});
}

TEST_CASE("a date that is in no calendar is unreadable", "[calico_log]") {
  const std::string rest = " 00:00:00 w1 kernel: " + kMessage;
  const Reading odd = read_log("Feb 29" + rest + "Feb 28" + rest, {{}, {}, 2026, "log"});
  const Reading leap = read_log("Feb 29" + rest, {{}, {}, 2028, "log"});

  CHECK(odd.counts.unreadable == Counts{{"bad-time", 1}});
  CHECK(odd.flows.size() == 1);
  CHECK(times_of(leap) == std::vector<std::string>{"2028-02-29T00:00:00Z"});
}

TEST_CASE("headers are read as journalctl, dmesg and syslog daemons write them", "[calico_log]") {
  const struct {
    std::string head;
    std::string time;
    std::string node;
  } rows[] = {
      {"2026-05-18T20:42:44+0200 w1 kernel: ", "2026-05-18T18:42:44Z", "w1"},
      {"2026-05-18T18:42:44,019231+00:00 ", "2026-05-18T18:42:44Z", "log"},
      {"<5>1 2026-05-18T18:42:44Z w2 kernel - - - ", "2026-05-18T18:42:44Z", "w2"},
      {"<5>[    1.500000] ", "2026-05-18T18:42:45Z", "log"},
      {"[    1.500000][  T123] ", "2026-05-18T18:42:45Z", "log"},
      {"May  8 18:42:44 w3 kernel[0]: ", "2026-05-08T18:42:44Z", "w3"},
  };
  for (const auto& row : rows) {
    INFO(row.head);
    const Reading reading = read_log(row.head + kMessage, {{}, kAt, 2026, "log"});

    CHECK(times_of(reading) == std::vector<std::string>{row.time});
    CHECK(reading.flows.at(0).node == row.node);
  }
}

TEST_CASE("what opens no egress flow is skipped by its reason", "[calico_log]") {
  const std::string mac = "MAC=ee:ee:ee:ee:ee:ee:9a:41:2f:6c:0d:11:08:00 ";
  const struct {
    std::string line;
    std::string reason;
  } rows[] = {
      {with("SYN ", "ACK "), "tcp-not-opening"},
      {with("SYN ", "ACK SYN "), "tcp-not-opening"},
      {with("SYN ", ""), "tcp-not-opening"},
      {with("IN=cali814aae5e834 OUT=ens18 " + mac, "IN=ens18 OUT=cali814aae5e834 MAC=aa:bb "),
       "not-from-a-pod"},
      {with("PROTO=TCP SPT=47110 DPT=22", "PROTO=ICMP TYPE=0 CODE=0"), "icmp-not-echo"},
      {with("DF ", "FRAG:1 "), "fragment"},
      {"1-2 [000] .. 5.1: bpf_trace_printk: cali1-I: policy ALLOWED proto 6 src 1.2.3.4:5 dest "
       "1.2.3.5:6\n",
       "not-egress-policy"},
      {"1-2 [000] .. 5.1: bpf_trace_printk: eth0-E: policy ALLOWED proto 6 src 1.2.3.4:5 dest "
       "1.2.3.5:6\n",
       "not-from-a-pod"},
      {"1-2 [000] .. 5.1: bpf_trace_printk: cali1-E: policy ALLOWED proto 58 src fd00::1:0 dest "
       "fd00::2:136\n",
       "icmp-not-echo"},
      {"# tracer: nop\n", "no-message"},
      {"\n", "no-message"},
      {"May 18 18:42:44 w1 kernel: eth0: link up\n", "other-message"},
  };
  for (const auto& row : rows) {
    INFO(row.line);
    const Reading reading = read_log(row.line, {kAt, kAt, 2026, "log"});

    CHECK(reading.error.empty());
    CHECK(reading.counts.skipped == Counts{{row.reason, 1}});
    CHECK(reading.flows.empty());
  }
}

TEST_CASE("what cannot be read is counted by its reason", "[calico_log]") {
  const std::string trace = "1-2 [000] .. 5.1: bpf_trace_printk: cali1-E: policy ALLOWED";
  const struct {
    std::string line;
    std::string reason;
  } rows[] = {
      {with("SRC=10.244.3.17", "SRC=10.244.3.1700"), "bad-address"},
      {with("SRC=10.244.3.17", "SRC=fd00::1"), "bad-address"},
      {with("SRC=10.244.3.17 DST=140.82.121.3 ", "TRUNCATED "), "truncated"},
      {with("SPT=47110 DPT=22 WINDOW=64240 RES=0x00 SYN URGP=0 ", "INCOMPLETE [4 bytes] "),
       "incomplete"},
      {with("22 WINDOW=64240 RES=0x00 SYN URGP=0 ", "2"), "cut-short"},
      {with(" RES=0x00 SYN URGP=0 ", ""), "cut-short"},
      {with("TCP SPT=47110 DPT=22 WINDOW=64240 RES=0x00 SYN URGP=0 ", "UDP SPT=47110 DPT=2"),
       "cut-short"},
      {with("TCP SPT=47110 DPT=22 WINDOW=64240 RES=0x00 SYN URGP=0 ", "ICMP TYPE=8"), "cut-short"},
      {with("DPT=22", "DPT=65536"), "bad-number"},
      {with("DPT=22", "DPT=-1"), "bad-number"},
      {with("LEN=60", "LEN=x"), "bad-number"},
      {with("PROTO=TCP", "PROTO=FOO"), "bad-protocol"},
      {with("IN=cali814aae5e834", "IN=cali814aae5e8345"), "bad-interface"},
      {"Mon: Foo (bar) " + kMessage, "unknown-header"},
      {"[Mon May 18 18:42:44 2026] " + kMessage, "unknown-header"},
      {"2026-13-18T18:42:44Z w1 kernel: " + kMessage, "unknown-header"},
      {"2026-05-18T18:42:44Z w/1 kernel: " + kMessage, "bad-host"},
      {trace + "\n", "no-addresses"},
      {trace + " proto 6 src 1.2.3.4:5 dest 1.2.3.5\n", "bad-address"},
      {trace + " proto tcpx src 1.2.3.4:5 dest 1.2.3.5:1\n", "bad-protocol"},
      {"1-2 [000] .. 5.1: bpf_trace_printk: E: policy ALLOWED\n", "bad-interface"},
      {std::string(kLogLineBytesMax + 1, 'x') + "\n", "line-too-long"},
      {"hello\n", "unknown-form"},
  };
  for (const auto& row : rows) {
    INFO(row.line.substr(0, 200));
    const Reading reading = read_log(kMessage + row.line, {kAt, kAt, 2026, "log"});

    CHECK(reading.error.empty());
    CHECK(reading.counts.unreadable == Counts{{row.reason, 1}});
    CHECK(reading.flows.size() == 1);
    REQUIRE(reading.counts.examples.size() == 1);
    CHECK(reading.counts.examples[0].starts_with("line 2: " + row.reason + ": "));
  }
}

TEST_CASE("keys that repeat are read where they first stand outside of brackets", "[calico_log]") {
  const Reading reading = read_log(
      "calico-packet: IN=cali1 OUT= SRC=10.0.0.1 DST=10.0.0.2 LEN=71 [SRC=9.9.9.9 DPT=1 ] FRAG:0 "
      "INCOMPLETE ID:1 PROTO=UDP SPT=1 DPT=53 LEN=51 SRC=8.8.8.8 DPT=99 \n",
      kAtOption);

  REQUIRE(reading.flows.size() == 1);
  CHECK(tuple_of(reading.flows[0]) == "cali1 10.0.0.1 > 10.0.0.2 53/UDP 71");
}

TEST_CASE("a pod's veth with another prefix is known by Calico's MAC", "[calico_log]") {
  const Reading reading = read_log(with("IN=cali814aae5e834", "IN=pod814aae5e83"), kAtOption);

  REQUIRE(reading.flows.size() == 1);
  CHECK(reading.flows[0].interface_name == "pod814aae5e83");
}

TEST_CASE("examples are at most 20, cut to 200 bytes, and fit for a terminal", "[calico_log]") {
  std::string file = kMessage;
  for (int i = 0; i < 30; ++i) file += "\x1b[31mbad\x80 " + std::string(400, 'x') + "\n";

  const Reading reading = read_log(file, kAtOption);

  CHECK(reading.counts.unreadable == Counts{{"unknown-form", 30}});
  REQUIRE(reading.counts.examples.size() == 20);
  CHECK(reading.counts.examples[0].size() == 200);
  CHECK(reading.counts.examples[0].starts_with("line 2: unknown-form: ?[31mbad? xxx"));
}

TEST_CASE("a file without one line of a known form is refused", "[calico_log]") {
  CHECK(contains(read_log("hello\n\nworld\n").error,
                 {"none of 3 lines", "line 1: unknown-form: hello"}));
  CHECK(read_log("").error.empty());
}

TEST_CASE("broken JSON ends the import and says where", "[calico_log]") {
  const std::string good = R"({"data":{"result":[]}})";
  CHECK(read_log(good).error.empty());
  CHECK(contains(read_log(good + "{\"data\":").error, {"ends in the middle"}));
  CHECK(contains(read_log(good + "x").error, {"text between JSON answers"}));
  CHECK(contains(read_log(R"({"data":{"result":3}})").error, {"Loki"}));
  CHECK(contains(read_log(R"({"data":{"resultType":"matrix","result":[]}})").error, {"log query"}));
  CHECK(contains(read_log(R"({"status":"error","error":"max entries limit"})").error,
                 {"max entries limit"}));
  CHECK(contains(read_log(R"({"kind":"List"})").error, {"neither"}));
  CHECK(contains(read_log("{]").error, {"JSON"}));
}

TEST_CASE("single entries that cannot be read leave the rest of a Loki answer", "[calico_log]") {
  const Reading reading = read_log(
      R"({"data":{"result":[{"stream":{"node":"w1"},"values":[["x","a"],["1"],[2,"b"],["5","c"],["1779129764000000000","calico-packet: )" +
      kBody + R"("]]},{"stream":{"node":"no/node"},"values":[["1","calico-packet: )" + kBody +
      R"("]]}]}})");

  CHECK(reading.error.empty());
  CHECK(reading.flows.size() == 1);
  CHECK(reading.counts.unreadable == Counts{{"bad-entry", 2}, {"bad-time", 1}, {"bad-host", 1}});
  CHECK(reading.counts.skipped == Counts{{"other-message", 1}});
  CHECK(reading.counts.examples.at(0).starts_with("entry 1: bad-time"));
}

TEST_CASE("the same line has the same digest in every import", "[calico_log]") {
  const std::string file = "2026-05-18T18:42:44Z w1 kernel: " + kMessage;

  CHECK(digests_of(read_log(file)) == digests_of(read_log(file)));
  CHECK(digests_of(read_log(file)) !=
        digests_of(read_log("2026-05-18T18:42:45Z w1 kernel: " + kMessage)));
  CHECK(digests_of(read_log(file)) !=
        digests_of(read_log("2026-05-18T18:42:44Z w2 kernel: " + kMessage)));
}

TEST_CASE("equal lines of one time are told apart by their count", "[calico_log]") {
  const Reading two = read_log(kMessage + kMessage, kAtOption);
  const Reading three = read_log(kMessage + kMessage + kMessage, kAtOption);

  CHECK(digests_of(two).size() == 2);
  CHECK(digests_of(three).size() == 3);
  CHECK(digests_of(three).count(two.flows[1].digest) == 1);
}

TEST_CASE("overlapping Loki pages name their common lines alike", "[calico_log]") {
  const auto page = [](std::initializer_list<int> stamps) {
    std::string values;
    for (const int stamp : stamps) {
      values += fmt::format("{}[\"{}\",\"calico-packet: {}\"]", values.empty() ? "" : ",",
                            1779129764000000000 + stamp, kBody);
    }
    return R"({"data":{"result":[{"stream":{"node":"w1"},"values":[)" + values + "]}]}}";
  };

  const Reading reading = read_log(page({1, 2, 2, 3}) + "\n" + page({2, 2, 3, 4}));

  CHECK(reading.flows.size() == 8);
  CHECK(digests_of(reading).size() == 5);
}

TEST_CASE("a sink that fails ends the import with its reason", "[calico_log]") {
  LogParser parser(kAtOption, [](const LogFlow&) -> Result<void> { return fail("disk full"); });

  const auto fed = parser.feed(kMessage);

  REQUIRE_FALSE(fed);
  CHECK(fed.error().what == "disk full");
}

}  // namespace
}  // namespace outflow::ingest
