#include "agent/dns_message.h"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

// Last: it defines false as a number.
#include <ldns/ldns.h>

namespace outflow::agent {
namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr std::size_t kHeaderBytes = 12;  // RFC 1035 4.1.1
constexpr std::uint8_t kAnswerBit = 0x80;
constexpr std::uint8_t kTruncatedBit = 0x02;
constexpr std::uint8_t kRcodeMask = 0x0f;
constexpr std::uint8_t kNoName = 3;
constexpr std::uint8_t kPointerBits = 0xc0;  // 4.1.4
constexpr std::size_t kRecordFixed = 10;     // type, class, TTL, length: 4.1.3
constexpr std::size_t kQuestionFixed = 4;    // type, class: 4.1.2
// A name has at most 127 labels; whoever writes each of them behind a pointer of its own wants us
// to work.
constexpr int kStepsMax = 254;

struct FreeRecord {
  void operator()(ldns_rr* record) const { ldns_rr_free(record); }
};
using Record = std::unique_ptr<ldns_rr, FreeRecord>;

std::uint16_t read16(Bytes bytes, std::size_t at) {
  return ldns_read_uint16(bytes.data() + at);
}

std::uint8_t opcode_of(Bytes header) {
  return header[2] >> 3 & 0x0f;
}

// Where the name at `at` ends; 0 when it does not, or is no name. ldns follows 65,535 pointers a
// name, so one message could keep it busy for a second; every pointer of a real one goes back to
// where no name that was followed began (4.1.4: a prior occurrence).
std::size_t name_end(Bytes bytes, std::size_t at) {
  std::size_t end = 0;
  std::size_t before = at;
  for (int step = 0; step < kStepsMax && at < bytes.size(); ++step) {
    const std::uint8_t length = bytes[at];
    if (length == 0) return end != 0 ? end : at + 1;
    if ((length & kPointerBits) == kPointerBits) {
      if (at + 2 > bytes.size()) return 0;
      if (end == 0) end = at + 2;
      at = read16(bytes, at) & 0x3fffU;
      if (at >= before) return 0;
      before = at;
    } else if ((length & kPointerBits) != 0) {
      return 0;
    } else {
      at += std::size_t{1} + length;
    }
  }
  return 0;
}

// In our text form; "" for the root, nothing when it is longer than that takes.
std::optional<std::string> text_of(const ldns_rdf* name) {
  const std::uint8_t* at = ldns_rdf_data(name);
  const std::uint8_t* const end = at + ldns_rdf_size(name);
  std::string text;
  while (at < end && *at != 0) {
    const std::uint8_t* const label_end = at + 1 + *at;
    if (!text.empty()) text += '.';
    for (++at; at < label_end; ++at) {
      const std::uint8_t octet = *at;
      if (octet >= 'A' && octet <= 'Z') {
        text += static_cast<char>(octet - 'A' + 'a');
      } else if (octet > ' ' && octet < 0x7f && octet != '.' && octet != '\\') {
        text += static_cast<char>(octet);
      } else {
        text += {'\\', static_cast<char>('0' + octet / 100),
                 static_cast<char>('0' + octet / 10 % 10), static_cast<char>('0' + octet % 10)};
      }
    }
  }
  if (text.size() > kDnsNameMax) return std::nullopt;
  return text;
}

// "_8443._https.example.com" -> "example.com"
std::string host_of(const std::string& service) {
  std::string_view rest = service;
  while (rest.starts_with('_')) {
    const std::size_t dot = rest.find('.');
    if (dot == std::string_view::npos) return service;
    rest.remove_prefix(dot + 1);
  }
  return std::string(rest);
}

bool tells_hints(std::uint16_t type) {
  return type == LDNS_RR_TYPE_HTTPS || type == LDNS_RR_TYPE_SVCB;
}

bool tells_addresses(std::uint16_t type) {
  return type == LDNS_RR_TYPE_A || type == LDNS_RR_TYPE_AAAA || tells_hints(type);
}

struct Alias {
  std::string owner;
  std::string target;
  std::uint32_t ttl_s;
};

struct Found {
  std::string owner;
  ToldAddress told;
};

class Reader {
 public:
  Reader(Bytes bytes, bool cut) : bytes_(bytes) { message_.truncated = cut; }

  DnsMessage read() {
    if (!read_header() || !read_question() || !read_records()) return std::move(message_);
    follow();
    return std::move(message_);
  }

 private:
  // False: there is nothing more to read, and the outcome stands.
  bool end(DnsOutcome outcome) {
    message_.outcome = outcome;
    return false;
  }
  // The bytes end where they should not, or lie. Where that was announced, what came before holds.
  bool broken() { return message_.truncated || end(DnsOutcome::Unreadable); }

  // Most messages end here: NXDOMAIN and empty ones are the noise of search lists.
  bool read_header() {
    if (bytes_.size() < kHeaderBytes || !looks_like_answer(bytes_.first(kHeaderBytes))) {
      return end(DnsOutcome::Unreadable);
    }
    message_.truncated |= (bytes_[2] & kTruncatedBit) != 0;
    const std::uint8_t rcode = bytes_[3] & kRcodeMask;
    if (rcode == kNoName) return end(DnsOutcome::NoName);
    if (rcode != 0) return end(DnsOutcome::Failed);
    if (opcode_of(bytes_) != 0) return end(DnsOutcome::OtherType);
    if (read16(bytes_, 6) == 0) return end(DnsOutcome::NoAddress);
    return true;
  }

  bool read_question() {
    const std::size_t name_ends = name_end(bytes_, at_);
    if (name_ends == 0 || name_ends + kQuestionFixed > bytes_.size()) {
      return end(DnsOutcome::Unreadable);
    }
    type_ = read16(bytes_, name_ends);
    if (!tells_addresses(type_) || read16(bytes_, name_ends + 2) != LDNS_RR_CLASS_IN) {
      return end(DnsOutcome::OtherType);
    }
    const Record record = parse(LDNS_SECTION_QUESTION);
    if (record == nullptr) return end(DnsOutcome::Unreadable);
    auto name = text_of(ldns_rr_owner(record.get()));
    if (!name) return end(DnsOutcome::Unreadable);
    asked_ = *std::move(name);
    message_.name = tells_hints(type_) ? host_of(asked_) : asked_;
    if (message_.name.empty()) return end(DnsOutcome::NoAddress);
    at_ = name_ends + kQuestionFixed;
    return true;
  }

  Record parse(ldns_pkt_section section) const {
    ldns_rr* record = nullptr;
    std::size_t position = at_;
    if (ldns_wire2rr(&record, bytes_.data(), bytes_.size(), &position, section) != LDNS_STATUS_OK) {
      return nullptr;
    }
    return Record(record);
  }

  bool read_records() {
    const std::size_t count = read16(bytes_, 6);
    const std::size_t looked_at = std::min(count, kDnsRecordsMax);
    message_.beyond = static_cast<std::uint32_t>(count - looked_at);
    for (std::size_t i = 0; i < looked_at; ++i) {
      const std::size_t name_ends = name_end(bytes_, at_);
      if (name_ends == 0 || name_ends + kRecordFixed > bytes_.size()) return broken();
      const std::size_t data = name_ends + kRecordFixed;
      const std::size_t next = data + read16(bytes_, data - 2);
      if (next > bytes_.size()) return broken();
      const std::uint16_t type = read16(bytes_, name_ends);
      const bool wanted = type == type_ || type == LDNS_RR_TYPE_CNAME;
      if (wanted && read16(bytes_, name_ends + 2) == LDNS_RR_CLASS_IN) {
        if (!has_size_of(type, data, next)) return broken();
        const Record record = parse(LDNS_SECTION_ANSWER);
        if (record == nullptr || !keep(*record)) return broken();
      }
      at_ = next;
    }
    return true;
  }

  // ldns reads as much as the type has, whatever the record's length says.
  [[nodiscard]] bool has_size_of(std::uint16_t type, std::size_t data, std::size_t next) const {
    if (type == LDNS_RR_TYPE_CNAME) return name_end(bytes_, data) == next;
    if (type == LDNS_RR_TYPE_A) return next - data == 4;
    return type != LDNS_RR_TYPE_AAAA || next - data == 16;
  }

  // False: the record lies about itself.
  bool keep(const ldns_rr& record) {
    const auto owner = text_of(ldns_rr_owner(&record));
    const ldns_rdf* const data = ldns_rr_rdf(&record, 0);
    if (!owner || data == nullptr) return false;
    // RFC 2181 8: a TTL with the highest bit is 0.
    const std::uint32_t ttl =
        ldns_rr_ttl(&record) >> 31 != 0 ? 0 : std::min(ldns_rr_ttl(&record), kTtlMaxSeconds);
    if (ldns_rr_get_type(&record) == LDNS_RR_TYPE_CNAME) {
      auto target = text_of(data);
      if (!target) return false;
      aliases_.push_back({*owner, *std::move(target), ttl});
      return true;
    }
    if (tells_hints(type_)) return keep_hints(record, *owner, ttl);
    return keep_address({ldns_rdf_data(data), ldns_rdf_size(data)}, {*owner, {{}, *owner, ttl, 0}});
  }

  // An IPv4-mapped AAAA is the IPv4 address: to that a pod's packets go.
  bool keep_address(Bytes bytes, Found found) {
    auto address = net::Address::from_bytes(bytes);
    if (!address) return false;
    if (found_.size() >= kDnsRecordsMax) {
      ++message_.beyond;
      return true;
    }
    found.told.address = *address;
    found_.push_back(std::move(found));
    return true;
  }

  // RFC 9460 2.2: priority, target name, then parameters: key, length, value.
  bool keep_hints(const ldns_rr& record, const std::string& owner, std::uint32_t ttl) {
    if (ldns_rr_rd_count(&record) < 3) return true;  // an alias, or without parameters
    auto target = text_of(ldns_rr_rdf(&record, 1));
    if (!target) return false;
    // "." is the owner itself, and of a service its host.
    const Found found{owner, {{}, target->empty() ? host_of(owner) : *target, ttl, kNameHint}};
    const ldns_rdf* const data = ldns_rr_rdf(&record, 2);
    const Bytes bytes(ldns_rdf_data(data), ldns_rdf_size(data));
    constexpr std::uint16_t kHint4 = 4;
    constexpr std::uint16_t kHint6 = 6;
    for (std::size_t at = 0; at + 4 <= bytes.size();) {
      const std::uint16_t key = read16(bytes, at);
      const std::size_t length = read16(bytes, at + 2);
      at += 4;
      if (length > bytes.size() - at) return false;
      const std::size_t size = key == kHint4 ? 4 : 16;
      if (key == kHint4 || key == kHint6) {
        if (length % size != 0) return false;
        for (std::size_t i = 0; i < length; i += size) {
          if (!keep_address(bytes.subspan(at + i, size), found)) return false;
        }
      }
      at += length;
    }
    return true;
  }

  // From the name asked for along the aliases to where the addresses are.
  void follow() {
    std::string at = asked_;
    std::uint32_t ttl = kTtlMaxSeconds;
    for (;;) {
      const auto alias = std::find_if(aliases_.begin(), aliases_.end(),
                                      [&](const Alias& one) { return one.owner == at; });
      if (alias == aliases_.end()) break;
      at = std::move(alias->target);
      ttl = std::min(ttl, alias->ttl_s);
      aliases_.erase(alias);  // each leads on once, so that a loop ends
    }
    message_.strays = static_cast<std::uint32_t>(aliases_.size());
    for (Found& found : found_) {
      if (found.owner != at) {
        ++message_.strays;
        continue;
      }
      ToldAddress& told = found.told;
      if (told.target == message_.name) told.target.clear();
      told.ttl_s = std::min(told.ttl_s, ttl);
      add(std::move(told));
    }
    message_.outcome = message_.addresses.empty() ? DnsOutcome::NoAddress : DnsOutcome::Told;
  }

  void add(ToldAddress told) {
    const auto same =
        std::find_if(message_.addresses.begin(), message_.addresses.end(),
                     [&](const ToldAddress& other) { return other.address == told.address; });
    if (same == message_.addresses.end()) {
      message_.addresses.push_back(std::move(told));
    } else {
      same->ttl_s = std::min(same->ttl_s, told.ttl_s);
    }
  }

  const Bytes bytes_;
  std::size_t at_ = kHeaderBytes;
  std::uint16_t type_ = 0;
  std::string asked_;
  std::vector<Alias> aliases_;
  std::vector<Found> found_;
  DnsMessage message_;
};

}  // namespace

bool looks_like_answer(Bytes header) {
  constexpr std::uint8_t kOpcodeMax = 6;  // RFC 8490, the latest of the registry
  return header.size() >= kHeaderBytes && (header[2] & kAnswerBit) != 0 &&
         opcode_of(header) <= kOpcodeMax && read16(header, 4) == 1;
}

DnsMessage read_dns_message(Bytes bytes, bool cut) {
  return Reader(bytes, cut).read();
}

}  // namespace outflow::agent
