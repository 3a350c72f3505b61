// What a step that can fail gives back: the value, or an Error that reads as a sentence.
//
// Anything a healthy program can meet (input, kernel, network, disk) is a Result; what cannot
// happen unless we are wrong is an assert. The message is made where the cause is known, callers
// add their step with within(), and whoever can decide logs it once.
#pragma once

#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <tl/expected.hpp>

namespace outflow {

struct Error {
  std::string what;

  // Prepends the caller's step: "attach cali123: Operation not permitted".
  [[nodiscard]] Error within(std::string_view step) && {
    return Error{std::string(step) + ": " + std::move(what)};
  }
};

template <class T>
using Result = tl::expected<T, Error>;

// An Error ready to be returned from a function that gives any Result.
[[nodiscard]] inline tl::unexpected<Error> fail(std::string what) {
  return tl::unexpected<Error>(Error{std::move(what)});
}

[[nodiscard]] inline tl::unexpected<Error> fail(Error error) {
  return tl::unexpected<Error>(std::move(error));
}

// The text of an errno value (thread-safe, unlike strerror). `code` may have either sign, because
// libbpf gives negative ones.
[[nodiscard]] inline std::string errno_text(int code) {
  return std::generic_category().message(code < 0 ? -code : code);
}

}  // namespace outflow
