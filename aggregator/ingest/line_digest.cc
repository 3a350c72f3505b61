#include "aggregator/ingest/line_digest.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <openssl/sha.h>

namespace outflow::ingest {
namespace {

Digest hash(const std::string& text) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> full{};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), full.data());
  Digest digest{};
  std::copy_n(full.begin(), digest.size(), digest.begin());
  return digest;
}

}  // namespace

std::size_t LineDigests::Hash::operator()(const Digest& digest) const noexcept {
  std::size_t value = 0;
  std::memcpy(&value, digest.data(), sizeof value);
  return value;
}

Digest LineDigests::next(std::string_view node, TimePoint time, std::string_view body) {
  std::string text = fmt::format("{}\n{}\n{}", node, unix_ns(time), body);
  const Digest line = hash(text);
  auto known = young_.find(line);
  if (known == young_.end()) {
    const auto old = old_.find(line);
    const std::uint32_t before = old == old_.end() ? 0 : old->second;
    if (young_.size() >= kGenerationMax) old_ = std::exchange(young_, {});
    known = young_.emplace(line, before).first;
  }
  const std::uint32_t occurrence = known->second++;
  if (occurrence == 0) return line;
  text += fmt::format("\n{}", occurrence);
  return hash(text);
}

void LineDigests::start_file() {
  young_.clear();
  old_.clear();
}

}  // namespace outflow::ingest
