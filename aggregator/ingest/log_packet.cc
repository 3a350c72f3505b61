#include "aggregator/ingest/log_packet.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace outflow::ingest {
namespace {

constexpr std::size_t kInterfaceNameMax = 15;  // IFNAMSIZ - 1, linux/if.h
constexpr std::uint64_t kEchoRequest = 8;      // RFC 792
constexpr std::uint64_t kEchoRequest6 = 128;   // RFC 4443

// What Calico's policy engine calls pods' interfaces under the CNIs it runs with: its own, AWS,
// GKE, Azure. Another --interface-prefix of Calico's own CNI is known by the veth's MAC.
constexpr std::array<std::string_view, 4> kPodPrefixes{"cali", "eni", "gke", "azv"};
constexpr std::string_view kCalicoVethMac = "ee:ee:ee:ee:ee:ee:";

PacketReading skipped(std::string_view reason) {
  return {Verdict::Skipped, reason, {}};
}
PacketReading unreadable(std::string_view reason) {
  return {Verdict::Unreadable, reason, {}};
}

// The words of a line, one by one.
class Words {
 public:
  explicit Words(std::string_view text) : rest_(text) {}

  // Empty at the end.
  std::string_view next() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(' '), rest_.size()));
    const std::string_view word = rest_.substr(0, rest_.find(' '));
    rest_.remove_prefix(word.size());
    return word;
  }
  // Nothing follows the last word, not even a space: it may have been cut.
  [[nodiscard]] bool at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

template <class Number>
bool parse_number(std::string_view text, Number* value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

bool parse_address(std::string_view text, net::Address* address) {
  auto parsed = net::Address::parse(text);
  if (!parsed) return false;
  *address = *parsed;
  return true;
}

bool is_interface_name(std::string_view name) {
  return name.size() <= kInterfaceNameMax &&
         std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

// No interface at all is IPVS: the policy runs in OUTPUT, and only the address tells whose it is.
bool comes_from_pod(std::string_view interface_name, std::string_view mac) {
  return interface_name.empty() || mac.starts_with(kCalicoVethMac) ||
         std::any_of(kPodPrefixes.begin(), kPodPrefixes.end(),
                     [&](std::string_view prefix) { return interface_name.starts_with(prefix); });
}

// The kernel prints names for those it takes apart and numbers for the rest.
bool parse_log_protocol(std::string_view text, Protocol* protocol) {
  constexpr struct {
    std::string_view name;
    std::uint8_t number;
  } kOthers[] = {{"UDPLITE", 136}, {"ESP", 50}, {"AH", 51}};
  for (const auto& other : kOthers) {
    if (text != other.name) continue;
    *protocol = static_cast<Protocol>(other.number);
    return true;
  }
  return parse_protocol(text, protocol);
}

bool is_icmp(Protocol protocol) {
  return protocol == Protocol::Icmp || protocol == Protocol::Icmpv6;
}

bool is_echo_request(Protocol protocol, std::uint64_t type) {
  return type == (protocol == Protocol::Icmp ? kEchoRequest : kEchoRequest6);
}

// The first outer occurrence of each key: keys repeat (UDP's LEN, ICMP's ID), and ICMP errors quote
// the packet they answer in brackets.
struct Fields {
  std::string_view in, mac, src, dst, len, proto, dpt, type;
  std::uint64_t fragment_offset = 0;
  bool syn = false, ack = false, flags_end = false;
  bool truncated = false, incomplete = false;
  bool port_cut = false;  // the value that settles the tuple is the last thing on the line

  void take(std::string_view word, bool at_end);
};

void Fields::take(std::string_view word, bool at_end) {
  const struct {
    std::string_view key;
    std::string_view* value;
  } keys[] = {{"IN=", &in},   {"MAC=", &mac},     {"SRC=", &src}, {"DST=", &dst},
              {"LEN=", &len}, {"PROTO=", &proto}, {"DPT=", &dpt}, {"TYPE=", &type}};
  for (const auto& [key, value] : keys) {
    if (!word.starts_with(key)) continue;
    if (value->data() != nullptr) return;
    *value = word.substr(key.size());
    if (at_end && (value == &dpt || value == &type)) port_cut = true;
    return;
  }
  if (word.starts_with("FRAG:")) parse_number(word.substr(5), &fragment_offset);
  if (word.starts_with("URGP=")) flags_end = true;
  syn = syn || word == "SYN";
  ack = ack || word == "ACK";
  truncated = truncated || word == "TRUNCATED";
  incomplete = incomplete || word == "INCOMPLETE";
}

Fields split_fields(std::string_view body) {
  Fields fields;
  Words words(body);
  bool quoted = false;
  for (auto word = words.next(); !word.empty(); word = words.next()) {
    quoted = quoted || word.front() == '[';
    if (!quoted) fields.take(word, words.at_end());
    if (word.back() == ']') quoted = false;
  }
  return fields;
}

// Why a value that must follow is not there.
PacketReading missing(const Fields& fields) {
  if (fields.truncated) return unreadable("truncated");
  return unreadable(fields.incomplete ? "incomplete" : "cut-short");
}

PacketReading read_transport(const Fields& fields, LogPacket packet) {
  if (is_icmp(packet.protocol)) {
    std::uint64_t type = 0;
    if (fields.type.empty() || fields.port_cut) return missing(fields);
    if (!parse_number(fields.type, &type)) return unreadable("bad-number");
    if (!is_echo_request(packet.protocol, type)) return skipped("icmp-not-echo");
    return {Verdict::Opens, {}, packet};
  }
  const bool has_ports = packet.protocol == Protocol::Tcp || packet.protocol == Protocol::Udp;
  if (fields.dpt.empty() && !has_ports) return {Verdict::Opens, {}, packet};
  if (fields.dpt.empty() || fields.port_cut) return missing(fields);
  if (!parse_number(fields.dpt, &packet.port)) return unreadable("bad-number");
  if (packet.protocol == Protocol::Tcp) {
    // The kernel prints ACK before SYN and URGP after both.
    if (!fields.syn && !fields.flags_end) return missing(fields);
    if (!fields.syn || fields.ack) return skipped("tcp-not-opening");
  }
  return {Verdict::Opens, {}, packet};
}

// "10.244.3.17:47110", "fd00::1:47110" or "[fd00::1]:47110".
bool parse_endpoint(std::string_view text, net::Address* address, std::uint16_t* port) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return false;
  std::string_view host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  return parse_address(host, address) && parse_number(text.substr(colon + 1), port);
}

}  // namespace

std::optional<std::size_t> find_netfilter(std::string_view line) {
  for (std::size_t at = line.find("IN="); at != std::string_view::npos;
       at = line.find("IN=", at + 1)) {
    const std::size_t space = line.find(' ', at);
    if (space == std::string_view::npos) return std::nullopt;
    if (line.substr(space).starts_with(" OUT=")) return at;
  }
  return std::nullopt;
}

std::optional<std::size_t> find_trace(std::string_view line) {
  std::size_t at = line.find(": policy ALLOWED");
  if (at == std::string_view::npos) at = line.find(": policy DENIED");
  if (at == std::string_view::npos) return std::nullopt;
  const std::size_t space = line.substr(0, at).rfind(' ');
  return space == std::string_view::npos ? 0 : space + 1;
}

PacketReading read_netfilter(std::string_view body) {
  const Fields fields = split_fields(body);
  if (!is_interface_name(fields.in)) return unreadable("bad-interface");
  if (!comes_from_pod(fields.in, fields.mac)) return skipped("not-from-a-pod");
  if (fields.src.empty() || fields.dst.empty()) return missing(fields);

  LogPacket packet;
  packet.interface_name = fields.in;
  if (!parse_address(fields.src, &packet.source) ||
      !parse_address(fields.dst, &packet.destination) ||
      packet.source.is_v4() != packet.destination.is_v4()) {
    return unreadable("bad-address");
  }
  if (!parse_number(fields.len, &packet.bytes)) return unreadable("bad-number");
  // A later fragment has no ports; the packet that opened the flow has its own line.
  if (fields.fragment_offset > 0) return skipped("fragment");
  if (fields.proto.empty()) return missing(fields);
  if (!parse_log_protocol(fields.proto, &packet.protocol)) return unreadable("bad-protocol");
  return read_transport(fields, packet);
}

PacketReading read_trace(std::string_view body) {
  Words words(body);
  std::string_view hook = words.next();  // "cali814aae5e834-E:"
  words.next();                          // "policy"
  LogPacket packet;
  packet.denied = words.next() == "DENIED";
  if (hook.size() < 3 || hook[hook.size() - 3] != '-') return unreadable("bad-interface");
  packet.interface_name = hook.substr(0, hook.size() - 3);
  if (packet.interface_name.empty() || !is_interface_name(packet.interface_name)) {
    return unreadable("bad-interface");
  }
  // I is the endpoint's ingress policy, X its XDP program.
  if (hook[hook.size() - 2] != 'E') return skipped("not-egress-policy");
  if (!comes_from_pod(packet.interface_name, "")) return skipped("not-from-a-pod");

  std::uint16_t source_port = 0;
  std::string_view label = words.next();
  if (label.empty())
    return unreadable("no-addresses");  // kernels before 5.16 print the verdict alone
  if (label != "proto" || !parse_protocol(words.next(), &packet.protocol)) {
    return unreadable("bad-protocol");
  }
  if (words.next() != "src" || !parse_endpoint(words.next(), &packet.source, &source_port) ||
      words.next() != "dest" || !parse_endpoint(words.next(), &packet.destination, &packet.port) ||
      packet.source.is_v4() != packet.destination.is_v4()) {
    return unreadable("bad-address");
  }
  if (is_icmp(packet.protocol)) {  // the type stands where others have the port
    if (!is_echo_request(packet.protocol, packet.port)) return skipped("icmp-not-echo");
    packet.port = 0;
  }
  return {Verdict::Opens, {}, packet};
}

}  // namespace outflow::ingest
