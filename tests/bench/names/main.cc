// What reading DNS answers costs the agent: CPU time a record of the ring until it is a row, what a
// hostile message can ask for, and the memory of a full table. Exit 1 when a goal is missed.
//
//   bench_names [--smoke]      --smoke: once, and no goals
#include <malloc.h>
#include <time.h>

#include <algorithm>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "agent/dns_message.h"
#include "agent/dns_names.h"
#include "tests/unit/agent/dns_records.h"

// Last: it defines false as a number.
#include <ldns/ldns.h>

namespace {

using namespace outflow;
using namespace outflow::agent;
using namespace outflow::test;

// 50,000 answers a second are to be read beside everything else: by a quarter of a processor.
constexpr double kAnswersNs = 5'000;
// The longest message that can be sent, made to cost: 4,000 of them fill a second's ring. It may
// cost what 400 plain ones of the same bytes do.
constexpr double kHostileNs = 400 * kAnswersNs;
// 65,536 rows beside the agent's tables: 25 MiB of the 256 it is given.
constexpr double kRowBytes = 400;

constexpr int kNames = 2'000;
constexpr int kInterfaces = 50;
constexpr int kRounds = 9;

double cpu_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

std::size_t heap_in_use() {
  const struct mallinfo2 info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}

std::string name_of(int number) {
  return fmt::format("service-{}.region-{}.provider.example", number, number % 7);
}

// As a CDN answers: an alias or two, a few addresses, EDNS.
DnsAnswer of_cdn(int number, int addresses) {
  const std::string name = name_of(number);
  DnsAnswer answer(name, kDnsA);
  answer.alias(name, 300, fmt::format("d{}.edge.example.net", number));
  for (int i = 0; i < addresses; ++i) {
    answer.address(fmt::format("d{}.edge.example.net", number), 60,
                   fmt::format("198.51.{}.{}", number % 256, i));
  }
  return answer.edns();
}

using Records = std::vector<Octets>;

Records datagrams(const std::function<Octets(int)>& make) {
  Records records;
  for (int i = 0; i < kNames; ++i) {
    const auto head = dns_head(IPPROTO_UDP, static_cast<std::uint32_t>(1 + i % kInterfaces));
    for (Octets& part : dns_parts(head, make(i))) records.push_back(std::move(part));
  }
  return records;
}

// One stream of all messages, from `sequence` on.
Records segments(std::uint32_t sequence) {
  Records records;
  dns_record head = dns_head(IPPROTO_TCP);
  for (int i = 0; i < kNames; ++i) {
    const Octets framed = of_cdn(i, 4).framed();
    head.sequence = sequence;
    for (Octets& part : dns_parts(head, framed)) records.push_back(std::move(part));
    sequence += static_cast<std::uint32_t>(framed.size());
  }
  return records;
}

// Nanoseconds a record, median of rounds; every round but the first finds its rows.
double ns_a_record(const std::function<Records(int)>& records_of_round, int rounds) {
  DnsNames names(250);
  std::vector<double> spent;
  for (int round = 0; round < rounds; ++round) {
    const Records records = records_of_round(round);
    const double start = cpu_ns();
    for (const Octets& record : records) names.take(record.data(), record.size());
    spent.push_back((cpu_ns() - start) / static_cast<double>(records.size()));
  }
  std::nth_element(spent.begin(), spent.begin() + static_cast<std::ptrdiff_t>(spent.size() / 2),
                   spent.end());
  return spent[spent.size() / 2];
}
double ns_a_datagram(const std::function<Octets(int)>& make, int rounds) {
  return ns_a_record([&](int) { return datagrams(make); }, rounds);
}

// What libldns alone does with whole messages: the least its way can cost.
double ns_of_ldns(const Octets& message, int rounds) {
  std::vector<double> spent;
  for (int round = 0; round < rounds; ++round) {
    const double start = cpu_ns();
    ldns_pkt* packet = nullptr;
    if (ldns_wire2pkt(&packet, message.data(), message.size()) == LDNS_STATUS_OK) {
      ldns_pkt_free(packet);
    }
    spent.push_back(cpu_ns() - start);
  }
  return *std::min_element(spent.begin(), spent.end());
}

// 60 KiB in which every record's name begins `depth` pointers away from its end, 0: one away.
Octets pointers(std::size_t depth) {
  Octets octets = DnsAnswer("a", kDnsA).octets();
  // A record of a type nobody reads, whose data are the pointers: each to the one before it.
  octets.insert(octets.end(), {0, 0, 10, 0, 1, 0, 0, 0, 0});
  const std::size_t data = octets.size() + 2;
  put16(octets, 2 * depth);
  for (std::size_t i = 0; i < depth; ++i) {
    const Octets pointer = pointer_to(i == 0 ? DnsAnswer::kQuestion : octets.size() - 2);
    octets.insert(octets.end(), pointer.begin(), pointer.end());
  }
  const Octets owner = pointer_to(depth == 0 ? DnsAnswer::kQuestion : data + 2 * (depth - 1));
  std::size_t count = 1;
  for (; octets.size() < 60'000; ++count) {
    octets.insert(octets.end(), owner.begin(), owner.end());
    octets.insert(octets.end(),
                  {0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 0, static_cast<std::uint8_t>(count >> 8),
                   static_cast<std::uint8_t>(count)});
  }
  octets[6] = static_cast<std::uint8_t>(count >> 8);
  octets[7] = static_cast<std::uint8_t>(count);
  return octets;
}

double ns_of_message(const Octets& message, int rounds) {
  std::vector<double> spent;
  for (int round = 0; round < rounds; ++round) {
    const double start = cpu_ns();
    static_cast<void>(read_dns_message(message, false));
    spent.push_back(cpu_ns() - start);
  }
  return *std::min_element(spent.begin(), spent.end());
}

double bytes_a_row(std::size_t rows) {
  const std::size_t before = heap_in_use();
  NameTable table({.interface_rows = rows});
  for (std::size_t i = 0; i < rows; ++i) {
    const std::string name = name_of(static_cast<int>(i));
    const std::string target = fmt::format("d{}.edge.example.net", i);
    static_cast<void>(table.add({.interface_id = 1, .name = name, .target = target}));
  }
  return static_cast<double>(heap_in_use() - before) / static_cast<double>(table.size());
}

class Goals {
 public:
  explicit Goals(bool judged) : judged_(judged) {}
  void say(std::string_view what, double value, std::string_view unit, double goal) {
    const bool missed = judged_ && goal > 0 && value > goal;
    missed_ |= missed;
    fmt::print("{:<52} {:>12.0f} {:<10} {}\n", what, value, unit,
               goal <= 0 ? "" : fmt::format("goal {:.0f}{}", goal, missed ? " MISSED" : ""));
  }
  [[nodiscard]] bool missed() const { return missed_; }

 private:
  const bool judged_;
  bool missed_ = false;
};

}  // namespace

int main(int argc, char** argv) {
  const bool smoke = argc > 1 && std::string_view(argv[1]) == "--smoke";
  const int rounds = smoke ? 1 : kRounds;
  Goals goals(!smoke);
  const auto four = [](int i) { return of_cdn(i, 4).octets(); };
  const auto one = [](int i) {
    return DnsAnswer(name_of(i), kDnsA).address(name_of(i), 60, "198.51.100.1").octets();
  };
  const auto none = [](int i) { return DnsAnswer(name_of(i), kDnsA).rcode(3).octets(); };
  const auto stream = [](int round) { return segments(static_cast<std::uint32_t>(round) << 28); };
  const Octets chain = pointers(8'000);
  goals.say("an answer of an alias and 4 addresses, UDP", ns_a_datagram(four, rounds), "ns",
            kAnswersNs);
  goals.say("the same, TCP", ns_a_record(stream, rounds), "ns", kAnswersNs);
  goals.say("the same by libldns alone, all of the message", ns_of_ldns(four(1), rounds * 20), "ns",
            0);
  goals.say("an answer of one address", ns_a_datagram(one, rounds), "ns", kAnswersNs);
  goals.say("NXDOMAIN", ns_a_datagram(none, rounds), "ns", kAnswersNs);
  goals.say("60 KiB of addresses", ns_of_message(pointers(0), rounds), "ns", kHostileNs);
  goals.say("60 KiB of names 250 pointers long", ns_of_message(pointers(250), rounds), "ns",
            kHostileNs);
  goals.say("60 KiB of names 8,000 pointers long", ns_of_message(chain, rounds), "ns", kHostileNs);
  goals.say("the same by libldns alone", ns_of_ldns(chain, smoke ? 1 : 3), "ns", 0);
  goals.say("a row of a full table", bytes_a_row(65'536), "bytes", kRowBytes);
  return goals.missed() ? 1 : 0;
}
