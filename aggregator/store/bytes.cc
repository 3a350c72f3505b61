#include "aggregator/store/bytes.h"

namespace outflow::store {
namespace {

// Inside a key a text ends with 00 01, and a 00 of its own is 00 FF: shorter sorts first, whatever
// follows the text.
constexpr char kEscape = '\x00';
constexpr char kEnd = '\x01';
constexpr char kZero = '\xff';

// Days before 1970 sort before those after it.
constexpr std::uint32_t kDaySign = 1U << 31U;

}  // namespace

void Writer::big_endian(std::uint64_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
    byte(static_cast<std::uint8_t>(value >> static_cast<unsigned>(shift)));
  }
}

void Writer::varint(std::uint64_t value) {
  for (; value >= 0x80; value >>= 7U) byte(static_cast<std::uint8_t>(value | 0x80U));
  byte(static_cast<std::uint8_t>(value));
}

void Writer::signed_varint(std::int64_t value) {
  const auto bits = static_cast<std::uint64_t>(value);
  varint(value < 0 ? ~(bits << 1U) : bits << 1U);
}

void Writer::text(std::string_view value) {
  varint(value.size());
  bytes(value);
}

void Writer::key_text(std::string_view value) {
  for (const char c : value) {
    out_.push_back(c);
    if (c == kEscape) out_.push_back(kZero);
  }
  out_.push_back(kEscape);
  out_.push_back(kEnd);
}

void Writer::key_day(Day day) {
  big_endian(static_cast<std::uint32_t>(day.time_since_epoch().count()) ^ kDaySign, 4);
}

void Writer::key_address(const net::Address& address) {
  for (const std::uint8_t part : address.bytes()) byte(part);
}

void Writer::address(const net::Address& address) {
  const auto packed = address.packed();
  byte(static_cast<std::uint8_t>(packed.size()));
  for (const std::uint8_t part : packed) byte(part);
}

std::uint8_t Reader::byte() {
  return static_cast<std::uint8_t>(big_endian(1));
}

std::uint64_t Reader::big_endian(int bytes_wanted) {
  std::uint64_t value = 0;
  for (const char c : bytes(static_cast<std::size_t>(bytes_wanted))) {
    value = value << 8U | static_cast<std::uint8_t>(c);
  }
  return value;
}

std::uint64_t Reader::varint() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const std::uint8_t part = byte();
    value |= static_cast<std::uint64_t>(part & 0x7fU) << shift;
    if (part < 0x80) return value;
  }
  ok_ = false;  // an eleventh byte
  return 0;
}

std::int64_t Reader::signed_varint() {
  const std::uint64_t bits = varint();
  return static_cast<std::int64_t>((bits & 1U) != 0 ? ~(bits >> 1U) : bits >> 1U);
}

std::string_view Reader::bytes(std::size_t size) {
  if (!ok_ || size > in_.size()) {
    ok_ = false;
    return {};
  }
  const std::string_view taken = in_.substr(0, size);
  in_.remove_prefix(size);
  return taken;
}

std::string Reader::text() {
  return std::string(bytes(varint()));
}

std::string Reader::key_text() {
  std::string value;
  for (std::size_t at = 0; ok_ && at + 1 < in_.size(); ++at) {
    if (in_[at] != kEscape) {
      value.push_back(in_[at]);
      continue;
    }
    const char next = in_[++at];
    if (next == kEnd) {
      in_.remove_prefix(at + 1);
      return value;
    }
    if (next != kZero) break;
    value.push_back(kEscape);
  }
  ok_ = false;
  return {};
}

Day Reader::key_day() {
  const auto bits = static_cast<std::uint32_t>(big_endian(4)) ^ kDaySign;
  return Day(std::chrono::days(static_cast<std::int32_t>(bits)));
}

net::Address Reader::key_address() {
  const std::string_view sixteen = bytes(16);
  return net::Address::from_bytes(
             {reinterpret_cast<const std::uint8_t*>(sixteen.data()), sixteen.size()})
      .value_or(net::Address());
}

net::Address Reader::address() {
  const std::string_view packed = bytes(byte());
  auto address = net::Address::from_bytes(
      {reinterpret_cast<const std::uint8_t*>(packed.data()), packed.size()});
  if (!address) ok_ = false;
  return address.value_or(net::Address());
}

}  // namespace outflow::store
