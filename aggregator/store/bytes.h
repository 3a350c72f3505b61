// How values become bytes of the store and back. Keys are written so that bytes compare as the
// values do; reading checks every bound, so that damaged bytes are an answer and never a crash.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/clock.h"
#include "common/net/address.h"

namespace outflow::store {

class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}

  void byte(std::uint8_t value) { out_.push_back(static_cast<char>(value)); }
  void big_endian(std::uint64_t value, int bytes);
  void varint(std::uint64_t value);
  void signed_varint(std::int64_t value);
  void bytes(std::string_view value) { out_.append(value); }
  void text(std::string_view value);      // length first
  void key_text(std::string_view value);  // in the order of its bytes, any byte allowed
  void key_day(Day day);
  // Of one width, so that what follows in a key stays in order.
  void key_address(const net::Address& address);
  void address(const net::Address& address);

 private:
  std::string& out_;
};

// Each call takes from the front. Once something is missing everything after it reads as zero or
// empty, and ok() says so at the end.
class Reader {
 public:
  explicit Reader(std::string_view in) : in_(in) {}

  std::uint8_t byte();
  std::uint64_t big_endian(int bytes);
  std::uint64_t varint();
  std::int64_t signed_varint();
  std::string_view bytes(std::size_t size);
  std::string text();
  std::string key_text();
  Day key_day();
  net::Address key_address();
  net::Address address();

  void spoil() { ok_ = false; }
  [[nodiscard]] bool ok() const { return ok_; }
  // Everything was read and nothing is left.
  [[nodiscard]] bool done() const { return ok_ && in_.empty(); }

 private:
  std::string_view in_;
  bool ok_ = true;
};

}  // namespace outflow::store
