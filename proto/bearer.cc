#include "proto/bearer.h"

#include <algorithm>
#include <cctype>

#include "common/file.h"

namespace outflow {

bool is_token(std::string_view token) {
  return !token.empty() && token.size() <= kTokenBytesMax &&
         std::all_of(token.begin(), token.end(),
                     [](unsigned char c) { return c > 0x20 && c < 0x7f; });
}

Result<std::string> read_token(const std::string& path) {
  auto token = read_file(path, kTokenBytesMax);
  if (!token) return token;
  while (!token->empty() && std::isspace(static_cast<unsigned char>(token->back())) != 0) {
    token->pop_back();
  }
  if (!is_token(*token)) return fail(path + ": is no token");
  return token;
}

}  // namespace outflow
