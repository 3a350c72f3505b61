// What a server sends over HTTP/2, while two requests are under way and a PING is.
#include <cstddef>
#include <cstdint>
#include <string>

#include "aggregator/kube/h2_session.h"

namespace outflow::kube {
namespace {

class Ignorant final : public Exchange {
 public:
  void head(int /*code*/, std::string_view /*type*/, std::int64_t /*retry_after*/) override {}
  bool body(std::string_view bytes) override { return bytes.size() != 7; }
  void end(const std::string& /*broken*/) override {}
};

void run(std::string_view bytes) {
  const HeaderLines lines = {
      {":method", "GET"}, {":scheme", "https"}, {":authority", "x"}, {":path", "/"}};
  Ignorant one;
  Ignorant two;
  H2Session session;
  static_cast<void>(session.send(lines, one));
  static_cast<void>(session.send(lines, two));
  session.ping(SteadyTime{});
  std::string out;
  static_cast<void>(session.give(out));
  // In two pieces, so that a frame is cut as well.
  const std::size_t half = bytes.size() / 2;
  if (!session.take(bytes.substr(0, half), SteadyTime{})) return;
  static_cast<void>(session.give(out));
  static_cast<void>(session.take(bytes.substr(half), SteadyTime{}));
  static_cast<void>(session.give(out));
  static_cast<void>(session.take_ended());
}

}  // namespace
}  // namespace outflow::kube

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  outflow::kube::run({reinterpret_cast<const char*>(data), size});
  return 0;
}
