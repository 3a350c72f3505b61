#include "aggregator/store/name_record.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "aggregator/store/bytes.h"
#include "aggregator/store/record.h"

namespace outflow::store {
namespace {

using attribution::Basis;
using attribution::Naming;

constexpr std::uint8_t kValueVersion = 1;
constexpr std::uint16_t kPermilleMax = 1000;

TimePoint read_time(Reader& in) {
  return from_unix_ns(in.signed_varint());
}

std::uint64_t saturated_sum(std::uint64_t a, std::uint64_t b) {
  return b > std::numeric_limits<std::uint64_t>::max() - a
             ? std::numeric_limits<std::uint64_t>::max()
             : a + b;
}

// The rows that follow, of which there may be `most`.
std::uint64_t read_count(Reader& in, std::size_t most) {
  const std::uint64_t count = in.varint();
  if (count > most) in.spoil();
  return in.ok() ? count : 0;
}

template <class Wide>
Wide read_at_most(Reader& in, Wide most) {
  const std::uint64_t value = in.varint();
  if (value > most) in.spoil();
  return in.ok() ? static_cast<Wide>(value) : Wide{};
}

attribution::Candidate read_candidate(Reader& in) {
  attribution::Candidate candidate;
  candidate.name = in.text();
  candidate.permille = read_at_most<std::uint16_t>(in, kPermilleMax);
  const std::uint8_t basis = in.byte();
  if (basis < static_cast<std::uint8_t>(Basis::Pod) ||
      basis > static_cast<std::uint8_t>(Basis::Cluster)) {
    in.spoil();
  }
  candidate.basis = static_cast<Basis>(basis);
  candidate.said = in.byte() != 0;
  return candidate;
}

}  // namespace

std::string name_key(const NameRecord& record) {
  std::string key = namespace_day_key(record.namespace_name, record.day, Table::Names);
  Writer out(key);
  out.key_text(record.name);
  out.key_address(record.address);
  out.key_text(record.node);
  out.key_text(record.interface_name);
  return key;
}

bool read_name_key(std::string_view key, NameRecord& record) {
  Reader in(key);
  if (in.byte() != static_cast<std::uint8_t>(Table::Names)) return false;
  record.namespace_name = in.key_text();
  record.day = in.key_day();
  record.name = in.key_text();
  record.address = in.key_address();
  record.node = in.key_text();
  record.interface_name = in.key_text();
  return in.done();
}

std::string name_value(const NameRecord& record) {
  std::string value;
  Writer out(value);
  out.byte(kValueVersion);
  out.text(record.pod);
  out.text(record.target);
  out.address(record.resolver);
  out.byte(record.trusted ? 1 : 0);
  out.varint(record.ttl_s);
  out.varint(record.flags);
  out.varint(record.answers);
  out.signed_varint(unix_ns(record.first_answered));
  out.signed_varint(unix_ns(record.last_answered));
  out.signed_varint(unix_ns(record.last_trusted));
  for (const std::uint8_t part : record.boot) out.byte(part);
  out.varint(record.interface_id);
  return value;
}

bool read_name_value(std::string_view value, NameRecord& record) {
  constexpr auto kWord = std::numeric_limits<std::uint32_t>::max();
  Reader in(value);
  if (in.byte() != kValueVersion) return false;
  record.pod = in.text();
  record.target = in.text();
  record.resolver = in.address();
  record.trusted = in.byte() != 0;
  record.ttl_s = read_at_most<std::uint32_t>(in, kWord);
  record.flags = read_at_most<std::uint32_t>(in, kWord);
  record.answers = in.varint();
  record.first_answered = read_time(in);
  record.last_answered = read_time(in);
  record.last_trusted = read_time(in);
  for (std::uint8_t& part : record.boot) part = in.byte();
  record.interface_id = in.varint();
  return in.done();
}

void merge_into(NameRecord& record, const NameRecord& other) {
  NameRecord sum = other.last_answered >= record.last_answered ? other : record;
  sum.trusted = record.trusted || other.trusted;
  sum.flags = record.flags | other.flags;
  sum.answers = saturated_sum(record.answers, other.answers);
  sum.first_answered = std::min(record.first_answered, other.first_answered);
  sum.last_trusted = std::max(record.last_trusted, other.last_trusted);
  record = std::move(sum);
}

void write_naming(Writer& out, const attribution::NameEvidence& evidence) {
  out.byte(static_cast<std::uint8_t>(evidence.naming));
  const auto candidates = std::min(evidence.candidates.size(), attribution::kCandidatesMax);
  out.varint(candidates);
  for (std::size_t at = 0; at < candidates; ++at) {
    const attribution::Candidate& candidate = evidence.candidates[at];
    out.text(candidate.name);
    out.varint(candidate.permille);
    out.byte(static_cast<std::uint8_t>(candidate.basis));
    out.byte(candidate.said ? 1 : 0);
  }
  out.text(evidence.target);
  const auto said = std::min(evidence.said.size(), attribution::kSaidMax);
  out.varint(said);
  for (std::size_t at = 0; at < said; ++at) {
    out.text(evidence.said[at].name);
    out.varint(evidence.said[at].flags);
    out.varint(evidence.said[at].count);
  }
  out.text(evidence.reason);
}

void read_naming(Reader& in, attribution::NameEvidence& evidence) {
  const std::uint8_t naming = in.byte();
  if (naming > static_cast<std::uint8_t>(Naming::Unknown)) in.spoil();
  evidence.naming = static_cast<Naming>(naming);
  evidence.candidates.clear();
  for (auto left = read_count(in, attribution::kCandidatesMax); left > 0 && in.ok(); --left) {
    evidence.candidates.push_back(read_candidate(in));
  }
  evidence.target = in.text();
  evidence.said.clear();
  for (auto left = read_count(in, attribution::kSaidMax); left > 0 && in.ok(); --left) {
    attribution::SaidEvidence& one = evidence.said.emplace_back();
    one.name = in.text();
    one.flags = read_at_most<std::uint32_t>(in, std::numeric_limits<std::uint32_t>::max());
    one.count = in.varint();
  }
  evidence.reason = in.text();
}

}  // namespace outflow::store
