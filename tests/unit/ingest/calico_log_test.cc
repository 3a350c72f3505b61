#include "aggregator/ingest/calico_log.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>

#include "common/text.h"
#include "tests/support/catch.h"
#include "tests/unit/ingest/calico_log_samples.h"

namespace outflow::ingest {
namespace {

using Samples = std::span<const SampleLine>;

const TimePoint kAt = *parse_time("2026-05-18T18:42:44Z");
const TimePoint kBoot = *parse_time("2026-05-16T15:49:13Z");

Samples first(std::size_t count) {
  return Samples(kPacketLines).first(count);
}

// Every way the same packets are written down; a number stands where each line's own time goes.
struct Form {
  std::string file;  // of the sample folder
  std::string head;  // what stands before the packet, {} = the line's number
  Samples lines;
  LogOptions options;
  std::string node;
  TimePoint start;   // of line 0
  nanoseconds step;  // between lines
};

const std::vector<Form>& forms() {
  const LogOptions at{kAt, {}, {}, "log"};
  const LogOptions boot{{}, kBoot, {}, "w7"};
  const LogOptions year{{}, {}, 2026, "log"};
  const nanoseconds none(0);
  const nanoseconds second = std::chrono::seconds(1);
  static const std::vector<Form> all{
      {"iptables-message.txt", "calico-packet: ", first(16), at, "log", kAt, none},
      {"nftables-new-message.txt", "calico-packet: ", first(10), at, "log", kAt, none},
      {"nftables-old-message.txt", "calico-packet", first(13), at, "log", kAt, none},
      {"prefix-specifiers-nft.txt", "calico-packet gnp:egress-observe: ", first(10), at, "log", kAt,
       none},
      {"prefix-specifiers-iptables-truncated.txt", "calico-packet gnp:egress-obse", first(10), at,
       "log", kAt, none},
      {"ipvs-message.txt", "calico-packet: ", kIpvsLines, at, "log", kAt, none},
      {"kmsg-dmesg.txt", "[18321{}.118234] calico-packet: ", first(10), boot, "w7",
       kBoot + std::chrono::microseconds(183'210'118'234), second},
      {"syslog-rfc3164.txt", "May 18 18:42:5{} k8s-node3 kernel: [183210.118234] calico-packet: ",
       first(10), year, "k8s-node3", *parse_time("2026-05-18T18:42:50Z"), second},
      {"syslog-iso.txt",
       "2026-05-18T18:42:5{}.019231+00:00 k8s-node3 kernel: calico-packet: ",
       first(10),
       {},
       "k8s-node3",
       *parse_time("2026-05-18T18:42:50.019231Z"),
       second},
      {"ebpf-tracepipe.txt", "", kTraceLines, boot, "w7",
       kBoot + std::chrono::microseconds(5'210'002'311), std::chrono::microseconds(417'000)},
  };
  return all;
}

std::string file_of(const Form& form) {
  std::string file;
  for (std::size_t i = 0; i < form.lines.size(); ++i) {
    file += fmt::format(fmt::runtime(form.head), i);
    file += form.lines[i].body;
    file += '\n';
  }
  return file;
}

void check_tuples(const Reading& reading, Samples expected) {
  std::vector<std::string> tuples;
  for (const LogFlow& flow : reading.flows) tuples.push_back(tuple_of(flow));
  std::vector<std::string> wanted;
  std::map<std::string, std::uint64_t> skips;
  for (const SampleLine& line : expected) {
    if (line.tuple.starts_with("skip ")) {
      ++skips[std::string(line.tuple.substr(5))];
    } else {
      wanted.emplace_back(line.tuple);
    }
  }

  CHECK(reading.error.empty());
  CHECK(tuples == wanted);
  CHECK(reading.counts.lines == expected.size());
  CHECK(reading.counts.flows == wanted.size());
  CHECK(reading.counts.skipped == skips);
  CHECK(reading.counts.unreadable.empty());
}

std::string loki_answer(Samples lines, std::string_view labels, std::int64_t start_ns) {
  std::string values;
  for (const SampleLine& line : lines) {
    values += fmt::format("{}[\"{}\",\"calico-packet: {}\"]", values.empty() ? "" : ",", start_ns,
                          line.body);
    start_ns += 731'000'000;
  }
  return fmt::format(
      R"({{"status":"success","data":{{"resultType":"streams","result":[{{"stream":{},"values":[{}]}}],"stats":{{}}}}}})",
      labels, values);
}

TEST_CASE("every form of a line gives the tuples a careful reader writes down", "[calico_log]") {
  for (const Form& form : forms()) {
    INFO(form.file);
    const Reading reading = read_log(file_of(form), form.options);

    check_tuples(reading, form.lines);
    TimePoint time = form.start;
    for (const LogFlow& flow : reading.flows) {
      CHECK(flow.node == form.node);
      CHECK(flow.time == time);
      time += form.step;
    }
  }
}

TEST_CASE("several forms in one file are read side by side", "[calico_log]") {
  std::string file;
  std::size_t lines = 0;
  std::size_t flows = 0;
  for (const Form& form : forms()) {
    file += file_of(form);
    lines += form.lines.size();
    for (const SampleLine& line : form.lines) flows += line.tuple.starts_with("skip ") ? 0 : 1;
  }

  const Reading reading = read_log(file, {kAt, kBoot, 2026, "log"});

  CHECK(reading.error.empty());
  CHECK(reading.counts.lines == lines);
  CHECK(reading.counts.flows == flows);
}

TEST_CASE("a file in pieces of any size reads as the whole", "[calico_log]") {
  const std::string text = file_of(forms()[0]);
  const std::string answer = loki_answer(first(10), R"({"node":"k8s-node3"})", 1779129764019231000);
  for (const std::size_t piece : {1U, 7U, 64U, 4096U}) {
    check_tuples(read_log(text, forms()[0].options, piece), first(16));
    check_tuples(read_log(answer, {}, piece), first(10));
  }
}

TEST_CASE("a Loki answer gives node and nanosecond of each line", "[calico_log]") {
  const Reading reading = read_log(
      loki_answer(first(10), R"({"job":"node-journal","node":"k8s-node3"})", 1779129764019231000));

  check_tuples(reading, first(10));
  CHECK(reading.flows[0].node == "k8s-node3");
  CHECK(unix_ns(reading.flows[0].time) == 1779129764019231000);
  CHECK(unix_ns(reading.flows[9].time) == 1779129764019231000 + 9 * 731'000'000LL);
}

TEST_CASE("Loki lines may carry a header, be wrapped in JSON, or come one a line", "[calico_log]") {
  const std::string body(kPacketLines[0].body);
  const std::string wrapped =
      R"({"data":{"result":[{"values":[["1779129764000000000","{\"PRIORITY\":\"5\",\"MESSAGE\":\"calico-packet: )" +
      body + R"(\"}",{"meta":"x"}]],"stream":{"hostname":"w2"}}]}})";
  const std::string headed =
      R"({"data":{"result":[{"stream":{},"values":[["1779129764000000000","May 18 18:42:44 w3 kernel: calico-packet: )" +
      body + R"("]]}]}})";
  const std::string entry = R"({"labels":{"host":"w4"},"line":"calico-packet: )" + body +
                            R"(","timestamp":"2026-05-18T18:42:44.000000001Z"})";

  const Reading reading = read_log(wrapped + "\n" + headed + "\n" + entry + "\n" + entry + "\n");

  REQUIRE(reading.error.empty());
  REQUIRE(reading.flows.size() == 4);
  for (const LogFlow& flow : reading.flows) CHECK(tuple_of(flow) == kPacketLines[0].tuple);
  CHECK(reading.flows[0].node == "w2");
  CHECK(reading.flows[1].node == "w3");
  CHECK(reading.flows[2].node == "w4");
  CHECK(unix_ns(reading.flows[2].time) % 1000 == 1);
  CHECK(reading.flows[2].digest != reading.flows[3].digest);
}

TEST_CASE("a wrapped line has the digest of the bare one", "[calico_log]") {
  const auto entry = [](const std::string& line) {
    return R"({"labels":{"node":"w4"},"line":")" + line +
           R"(","timestamp":"2026-05-18T18:42:44Z"})";
  };
  const std::string bare = "calico-packet: " + std::string(kPacketLines[0].body);

  const Reading wrapped = read_log(entry(R"({\"MESSAGE\":\")" + bare + R"(\",\"X\":1})"));

  REQUIRE(wrapped.flows.size() == 1);
  CHECK(wrapped.flows[0].digest == read_log(entry(bare)).flows.at(0).digest);
}

TEST_CASE("a line is an attempt, and a denied one moved no packet", "[calico_log]") {
  LogFlow tcp;
  tcp.protocol = Protocol::Tcp;
  tcp.bytes = 60;
  tcp.time = kAt;
  LogFlow denied = tcp;
  denied.denied = true;
  denied.protocol = Protocol::Udp;
  LogFlow udp = tcp;
  udp.protocol = Protocol::Udp;

  CHECK(stats_of(tcp) == FlowStats{1, 60, 1, 0, 0, kFlowFromLog, kAt, kAt});
  CHECK(stats_of(udp) == FlowStats{1, 60, 0, 0, 0, kFlowFromLog, kAt, kAt});
  CHECK(stats_of(denied) == FlowStats{0, 0, 1, 0, 0, kFlowFromLog, kAt, kAt});
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

// Runs over a folder of real samples where OUTFLOW_SHARED_DATA names its parent.
TEST_CASE("the sample files give the same tuples", "[calico_log]") {
  const char* shared = std::getenv("OUTFLOW_SHARED_DATA");  // NOLINT(concurrency-mt-unsafe)
  if (shared == nullptr) return;
  const std::filesystem::path folder = std::filesystem::path(shared) / "samples" / "calico-log";
  for (const Form& form : forms()) {
    INFO(form.file);
    const std::string file = read_file(folder / form.file);
    REQUIRE_FALSE(file.empty());
    check_tuples(read_log(file, form.options), form.lines);
  }

  const Reading loki = read_log(read_file(folder / "loki-query_range.json"));
  check_tuples(loki, first(10));
  CHECK(unix_ns(loki.flows.at(0).time) == 1779129764019231000);
}

}  // namespace
}  // namespace outflow::ingest
