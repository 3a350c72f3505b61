// ClientHellos as OpenSSL's client makes them, and what others make of them on their way.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace outflow::test {

using HelloBytes = std::vector<std::uint8_t>;

// TLS records with a whole hello. `name` "": without a server name.
[[nodiscard]] HelloBytes make_hello(const std::string& name);
// With one more extension at the end. For a hello in one record.
[[nodiscard]] HelloBytes with_extension(HelloBytes hello, std::uint16_t kind,
                                        const HelloBytes& content);
// The same hello in records of at most `size` bytes of it (RFC 8446 5.1 lets a message go on in the
// next record).
[[nodiscard]] HelloBytes in_records(const HelloBytes& hello, std::size_t size);

// IANA's ExtensionType Values.
inline constexpr std::uint16_t kExtensionPadding = 21;
inline constexpr std::uint16_t kExtensionServerName = 0;
inline constexpr std::uint16_t kExtensionEch = 0xfe0d;

}  // namespace outflow::test
