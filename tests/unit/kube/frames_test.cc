#include "aggregator/kube/frames.h"

#include <vector>

#include "tests/support/catch.h"
#include "tests/unit/kube/recorded.h"

using namespace outflow;
using namespace outflow::kube;
using test::has_text;
using test::recorded;

namespace {

std::string framed(const std::string& bytes) {
  std::string frame;
  for (int shift = 24; shift >= 0; shift -= 8) {
    frame += static_cast<char>((bytes.size() >> static_cast<unsigned>(shift)) & 0xffU);
  }
  return frame + bytes;
}

// Fed in pieces of `step` bytes.
std::vector<std::string> frames_of(Encoding encoding, const std::string& stream, std::size_t step) {
  std::vector<std::string> frames;
  FrameSplitter splitter(encoding);
  for (std::size_t at = 0; at < stream.size(); at += step) {
    const auto fed =
        splitter.feed(std::string_view(stream).substr(at, step), [&](std::string_view frame) {
          frames.emplace_back(frame);
          return true;
        });
    REQUIRE(fed);
  }
  CHECK(splitter.pending() == 0);
  return frames;
}

}  // namespace

TEST_CASE("a watch is cut into the same events wherever its bytes are split") {
  const std::string binary = framed("one") + framed("") + framed(std::string(300, 'x'));
  const std::string lines = "{\"a\":1}\n\n{\"b\":2}\r\n";
  for (std::size_t step = 1; step <= binary.size(); ++step) {
    CHECK(frames_of(Encoding::Protobuf, binary, step) ==
          std::vector<std::string>{"one", "", std::string(300, 'x')});
  }
  for (std::size_t step = 1; step <= lines.size(); ++step) {
    CHECK(frames_of(Encoding::Json, lines, step) ==
          std::vector<std::string>{"{\"a\":1}", "{\"b\":2}\r"});
  }
}

TEST_CASE("what a real server sends is cut into events with nothing left") {
  for (const std::size_t step : {1U, 7U, 4096U}) {
    CHECK(frames_of(Encoding::Protobuf, recorded("watchlist.pb"), step).size() == 3);
  }
}

TEST_CASE("a frame larger than the limit is refused as soon as its length is known") {
  const auto ignore = [](std::string_view) { return true; };
  FrameSplitter binary(Encoding::Protobuf);
  CHECK(binary.feed(std::string("\x00\xff\xff\xff", 4), ignore));
  FrameSplitter larger(Encoding::Protobuf);
  const auto fed = larger.feed(std::string("\x01\x00\x00\x01", 4), ignore);
  FrameSplitter lines(Encoding::Json, 10);
  CHECK(lines.feed("0123456789", ignore));
  const auto line = lines.feed("x", ignore);

  REQUIRE_FALSE(fed);
  CHECK(fed.error().what == "a watch event of 16 MiB is more than 16 MiB");
  CHECK_FALSE(line);
}

TEST_CASE("no frame is given after the first that is not wanted") {
  int given = 0;
  FrameSplitter splitter(Encoding::Json);
  CHECK(splitter.feed("1\n2\n3\n", [&](std::string_view) { return ++given < 2; }));

  CHECK(given == 2);
}

TEST_CASE("an envelope says what is in it, and what is none is refused") {
  const std::string body = recorded("pods.pb");
  const auto list = open_envelope(body);
  REQUIRE(list);
  CHECK(list->kind == "PodList");
  CHECK_FALSE(list->raw.empty());

  CHECK_THAT(open_envelope("{}").error().what, has_text("does not begin with k8s"));
  CHECK_THAT(open_envelope(std::string("k8s\0\xff", 5)).error().what, has_text("no protobuf"));
  const std::string encoded("k8s\0\x1a\x04gzip", 10);
  CHECK_THAT(open_envelope(encoded).error().what, has_text("encoded"));
}

TEST_CASE("the encoding of an answer is told by its Content-Type") {
  CHECK(encoding_of("application/json").value() == Encoding::Json);
  CHECK(encoding_of("application/vnd.kubernetes.protobuf;stream=watch").value() ==
        Encoding::Protobuf);
  CHECK_THAT(encoding_of("text/html").error().what, has_text("'text/html'"));
}
