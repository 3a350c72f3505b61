#include "aggregator/kube/h2_session.h"

#include <array>

#include <nghttp2/nghttp2.h>

#include "tests/support/catch.h"

using namespace outflow;
using namespace outflow::kube;
using namespace std::chrono_literals;
using test::has_text;

namespace {

using Words = std::vector<std::string>;

// What an exchange was told, a word each.
class Said final : public Exchange {
 public:
  void head(int code, std::string_view type, std::int64_t retry_after) override {
    told.push_back(std::to_string(code) + " " + std::string(type) + " " +
                   std::to_string(retry_after));
  }
  bool body(std::string_view bytes) override {
    told.emplace_back(bytes);
    return wanted;
  }
  void alive(nanoseconds ago) override {
    told.push_back("alive " + std::to_string(ago / 1ms) + " ms");
  }
  void end(const std::string&) override {}

  Words told;
  bool wanted = true;
};

// nghttp2's own other side, which does what the test says.
class Server {
 public:
  explicit Server(std::uint32_t streams_max) {
    nghttp2_session_callbacks* calls = nullptr;
    nghttp2_session_callbacks_new(&calls);
    nghttp2_session_callbacks_set_on_frame_recv_callback(
        calls, [](nghttp2_session*, const nghttp2_frame* frame, void* self) {
          if (frame->hd.type == NGHTTP2_HEADERS) {
            static_cast<Server*>(self)->asked.push_back(frame->hd.stream_id);
          }
          return 0;
        });
    nghttp2_session_server_new(&session, calls, this);
    nghttp2_session_callbacks_del(calls);
    const std::array<nghttp2_settings_entry, 1> settings = {
        {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, streams_max}}};
    nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  }
  ~Server() { nghttp2_session_del(session); }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Answers 200 and `text`, and leaves the stream open, or ends it when there is none.
  void answer(std::int32_t id, const std::string& text) {
    const auto line = [](std::string_view name, std::string_view value) {
      return nghttp2_nv{reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
                        reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())),
                        name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
    };
    const std::array<nghttp2_nv, 3> lines = {line(":status", "200"), line("content-type", "x/y"),
                                             line("retry-after", "7")};
    if (text.empty()) {
      nghttp2_submit_response(session, id, lines.data(), lines.size(), nullptr);
      return;
    }
    body = text;
    nghttp2_data_provider from{};
    from.source.ptr = this;
    from.read_callback = [](nghttp2_session*, std::int32_t, std::uint8_t* to, std::size_t,
                            std::uint32_t*, nghttp2_data_source* source, void*) -> ssize_t {
      std::string& rest = static_cast<Server*>(source->ptr)->body;
      if (rest.empty()) return NGHTTP2_ERR_DEFERRED;
      const auto size = static_cast<ssize_t>(rest.copy(reinterpret_cast<char*>(to), rest.size()));
      rest.clear();
      return size;
    };
    nghttp2_submit_response(session, id, lines.data(), lines.size(), &from);
  }
  std::string sent() {
    std::string all;
    const std::uint8_t* data = nullptr;
    for (ssize_t size = 0; (size = nghttp2_session_mem_send(session, &data)) > 0;) {
      all.append(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
    }
    return all;
  }

  nghttp2_session* session = nullptr;
  std::vector<std::int32_t> asked;
  std::string body;
};

struct World {
  explicit World(std::uint32_t streams_max = 100) : server(streams_max) { exchange(); }

  // Carries bytes until neither side has any.
  void exchange(SteadyTime now = SteadyTime(1h)) {
    for (int i = 0; i < 3; ++i) {
      std::string bytes;
      CHECK(session.give(bytes));
      nghttp2_session_mem_recv(server.session, reinterpret_cast<const std::uint8_t*>(bytes.data()),
                               bytes.size());
      CHECK(session.take(server.sent(), now));
    }
  }
  void ask(Exchange& exchange) {
    const HeaderLines lines = {{":method", "GET"},
                               {":scheme", "https"},
                               {":authority", "x"},
                               {":path", "/"},
                               {"!authorization", "Bearer t"}};
    CHECK(session.send(lines, exchange));
  }

  Server server;
  H2Session session;
  Said one;
  Said two;
};

}  // namespace

TEST_CASE("an answer is told as it comes, and then its end") {
  World world;
  world.ask(world.one);
  world.exchange();
  world.server.answer(1, "hello");
  world.exchange();
  CHECK(world.one.told == Words{"200 x/y 7", "hello"});

  world.ask(world.two);
  world.exchange();
  world.server.answer(3, "");
  world.exchange();
  const auto ended = world.session.take_ended();
  REQUIRE(ended.size() == 1);
  CHECK(ended[0].exchange == &world.two);
  CHECK(ended[0].why.empty());
  CHECK(world.session.streams() == 1);
}

TEST_CASE("a PING that is answered is a sign of life for whoever has a head, after its data") {
  World world;
  world.ask(world.one);
  world.ask(world.two);
  world.exchange();
  world.server.answer(1, "event");
  const std::string data = world.server.sent();
  world.session.ping(SteadyTime(1h));
  CHECK(world.session.pinged() == SteadyTime(1h));
  std::string ping;
  CHECK(world.session.give(ping));
  nghttp2_session_mem_recv(world.server.session, reinterpret_cast<const std::uint8_t*>(ping.data()),
                           ping.size());
  CHECK(world.session.take(data + world.server.sent(), SteadyTime(1h) + 20ms));

  CHECK(world.one.told == Words{"200 x/y 7", "event", "alive 20 ms"});
  CHECK(world.two.told.empty());
  CHECK_FALSE(world.session.pinged());
}

TEST_CASE("an answer to a PING that nobody sent is no sign of life") {
  World world;
  world.ask(world.one);
  world.exchange();
  world.server.answer(1, "event");
  world.exchange();
  nghttp2_submit_ping(world.server.session, NGHTTP2_FLAG_ACK, nullptr);
  world.exchange();

  CHECK(world.one.told == Words{"200 x/y 7", "event"});
}

TEST_CASE("there is room only when the server has said how much, and only for so many") {
  World world(1);
  const H2Session fresh;

  CHECK(fresh.room() == 0);
  CHECK(world.session.room() == 1);
  world.ask(world.one);
  CHECK(world.session.room() == 0);
  world.session.reset(world.one);
  CHECK(world.session.room() == 1);
}

TEST_CASE("GOAWAY leaves what is below its last stream and gives back the rest untouched") {
  World world;
  world.ask(world.one);
  world.exchange();
  world.ask(world.two);
  std::string overtaken;  // the second request, which comes too late
  CHECK(world.session.give(overtaken));
  nghttp2_submit_goaway(world.server.session, NGHTTP2_FLAG_NONE, 1, NGHTTP2_NO_ERROR, nullptr, 0);
  CHECK(world.session.take(world.server.sent(), SteadyTime(1h)));

  const auto ended = world.session.take_ended();
  REQUIRE(ended.size() == 1);
  CHECK(ended[0].exchange == &world.two);
  CHECK(ended[0].untouched);
  CHECK(world.session.leaving());
  CHECK(world.session.room() == 0);
  world.server.answer(1, "still");
  CHECK(world.session.take(world.server.sent(), SteadyTime(1h)));
  CHECK(world.one.told == Words{"200 x/y 7", "still"});
}

TEST_CASE("a stream that is reset says why, and only a refused one is untouched") {
  const auto [code, why, untouched] = GENERATE(
      table<std::uint32_t, const char*, bool>({{NGHTTP2_INTERNAL_ERROR, "INTERNAL_ERROR", false},
                                               {NGHTTP2_REFUSED_STREAM, "REFUSED_STREAM", true}}));
  World world;
  world.ask(world.one);
  world.exchange();
  nghttp2_submit_rst_stream(world.server.session, NGHTTP2_FLAG_NONE, 1, code);
  world.exchange();

  const auto ended = world.session.take_ended();
  REQUIRE(ended.size() == 1);
  CHECK_THAT(ended[0].why, has_text(why));
  CHECK(ended[0].untouched == untouched);
}

TEST_CASE("an exchange that wants no more ends, and hears nothing of what still comes") {
  World world;
  world.ask(world.one);
  world.exchange();
  world.one.wanted = false;
  world.server.answer(1, "first");
  world.exchange();

  REQUIRE(world.session.take_ended().size() == 1);
  CHECK(world.one.told == Words{"200 x/y 7", "first"});
  CHECK(world.session.streams() == 0);
}

TEST_CASE("what is no HTTP/2 is the end of the connection") {
  H2Session session;
  std::string preface;
  CHECK(session.give(preface));
  const auto taken = session.take("HTTP/1.1 400 Bad Request\r\n\r\n", SteadyTime(1h));
  CHECK(session.give(preface));

  CHECK((!taken || session.over()));
}
