#include "aggregator/kube/h2_session.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>

#include <nghttp2/nghttp2.h>

namespace outflow::kube {
namespace {

constexpr int kFinalCode = 200;  // 1xx are followed by another head
constexpr int kOk = 200;

nghttp2_nv line_of(const std::string& name, const std::string& value) {
  const bool secret = name.starts_with('!');
  const std::string_view shown = std::string_view(name).substr(secret ? 1 : 0);
  // nghttp2 takes copies and changes neither.
  return {reinterpret_cast<std::uint8_t*>(const_cast<char*>(shown.data())),
          reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())), shown.size(),
          value.size(),
          static_cast<std::uint8_t>(secret ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE)};
}

std::string_view text(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

template <class Number>
Number number_in(std::string_view digits) {
  Number number = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return read.ec == std::errc() && read.ptr == digits.data() + digits.size() ? number : Number{0};
}

}  // namespace

struct H2Session::Calls {
  static H2Session& self(void* context) { return *static_cast<H2Session*>(context); }

  // NOLINTNEXTLINE(readability-function-size): as nghttp2 calls it
  static int on_header(nghttp2_session* /*session*/, const nghttp2_frame* frame,
                       const std::uint8_t* name, std::size_t name_size, const std::uint8_t* value,
                       std::size_t value_size, std::uint8_t /*flags*/, void* context) {
    if (Stream* stream = self(context).stream_of(frame->hd.stream_id)) {
      self(context).take_header(*stream, text(name, name_size), text(value, value_size));
    }
    return 0;
  }

  static int on_frame(nghttp2_session* /*session*/, const nghttp2_frame* frame, void* context) {
    H2Session& session = self(context);
    const bool ack = (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0;
    if (frame->hd.type == NGHTTP2_SETTINGS && !ack) session.ready_ = true;
    if (frame->hd.type == NGHTTP2_PING && ack) session.tell_alive();
    if (frame->hd.type != NGHTTP2_HEADERS) return 0;
    Stream* stream = session.stream_of(frame->hd.stream_id);
    if (stream != nullptr && !stream->headed && stream->status >= kFinalCode) {
      stream->headed = true;
      stream->exchange->head(stream->status, stream->content_type, stream->retry_after);
    }
    return 0;
  }

  // NOLINTNEXTLINE(readability-function-size): as nghttp2 calls it
  static int on_data(nghttp2_session* raw, std::uint8_t /*flags*/, std::int32_t id,
                     const std::uint8_t* data, std::size_t size, void* context) {
    Stream* stream = self(context).stream_of(id);
    if (stream == nullptr || stream->exchange->body(text(data, size))) return 0;
    self(context).end(id, "not wanted any longer", false);
    nghttp2_submit_rst_stream(raw, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
    return 0;
  }

  static int on_close(nghttp2_session* /*session*/, std::int32_t id, std::uint32_t code,
                      void* context) {
    const Stream* stream = self(context).stream_of(id);
    if (stream == nullptr) return 0;
    const bool untouched = code == NGHTTP2_REFUSED_STREAM && !stream->headed;
    std::string why;
    if (code != NGHTTP2_NO_ERROR) {
      why = std::string("the HTTP/2 stream was reset: ") + nghttp2_http2_strerror(code);
    } else if (!stream->headed) {
      why = "the HTTP/2 stream ended without an answer";
    }
    self(context).end(id, why, untouched);
    return 0;
  }

  // A request that GOAWAY overtook before it was sent.
  static int on_unsent(nghttp2_session* /*session*/, const nghttp2_frame* frame, int error,
                       void* context) {
    if (frame->hd.type == NGHTTP2_HEADERS) {
      self(context).end(frame->hd.stream_id, nghttp2_strerror(error), true);
    }
    return 0;
  }
};

H2Session::H2Session() {
  nghttp2_session_callbacks* calls = nullptr;
  nghttp2_option* option = nullptr;
  [[maybe_unused]] int error = nghttp2_session_callbacks_new(&calls);
  assert(error == 0);  // memory is all that can lack
  error = nghttp2_option_new(&option);
  assert(error == 0);
  nghttp2_session_callbacks_set_on_header_callback(calls, Calls::on_header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(calls, Calls::on_frame);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(calls, Calls::on_data);
  nghttp2_session_callbacks_set_on_stream_close_callback(calls, Calls::on_close);
  nghttp2_session_callbacks_set_on_frame_not_send_callback(calls, Calls::on_unsent);
  // Closed streams are remembered for priorities only, which nobody has.
  nghttp2_option_set_no_closed_streams(option, 1);
  error = nghttp2_session_client_new2(&session_, calls, this, option);
  assert(error == 0);
  nghttp2_option_del(option);
  nghttp2_session_callbacks_del(calls);
  const std::array<nghttp2_settings_entry, 2> settings = {
      {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
       {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, std::uint32_t{kStreamWindow}}}};
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, kConnectionWindow);
}

H2Session::~H2Session() {
  nghttp2_session_del(session_);
}

Result<void> H2Session::take(std::string_view bytes, SteadyTime now) {
  now_ = now;
  const auto* const data = reinterpret_cast<const std::uint8_t*>(bytes.data());
  const auto taken = nghttp2_session_mem_recv(session_, data, bytes.size());
  if (taken < 0) return fail(std::string("HTTP/2: ") + nghttp2_strerror(static_cast<int>(taken)));
  return {};
}

Result<void> H2Session::give(std::string& bytes) {
  for (;;) {
    const std::uint8_t* data = nullptr;
    const auto size = nghttp2_session_mem_send(session_, &data);
    if (size < 0) return fail(std::string("HTTP/2: ") + nghttp2_strerror(static_cast<int>(size)));
    if (size == 0) return {};
    bytes.append(text(data, static_cast<std::size_t>(size)));
  }
}

std::size_t H2Session::room() const {
  if (!ready_ || leaving()) return 0;
  const std::size_t most =
      nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
  return most - std::min(most, streams_.size());
}

bool H2Session::leaving() const {
  return nghttp2_session_check_request_allowed(session_) == 0;
}

bool H2Session::over() const {
  return nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0;
}

Result<void> H2Session::send(const HeaderLines& headers, Exchange& exchange) {
  std::vector<nghttp2_nv> lines;
  lines.reserve(headers.size());
  for (const auto& [name, value] : headers) lines.push_back(line_of(name, value));
  const std::int32_t id =
      nghttp2_submit_request(session_, nullptr, lines.data(), lines.size(), nullptr, nullptr);
  if (id < 0) return fail(std::string("HTTP/2: ") + nghttp2_strerror(id));
  streams_[id].exchange = &exchange;
  return {};
}

void H2Session::reset(const Exchange& exchange) {
  const auto found = std::find_if(streams_.begin(), streams_.end(), [&](const auto& stream) {
    return stream.second.exchange == &exchange;
  });
  if (found == streams_.end()) return;
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, found->first, NGHTTP2_CANCEL);
  streams_.erase(found);
}

std::vector<Exchange*> H2Session::abandon() {
  std::vector<Exchange*> exchanges;
  for (const auto& [id, stream] : streams_) exchanges.push_back(stream.exchange);
  streams_.clear();
  return exchanges;
}

void H2Session::ping(SteadyTime now) {
  if (pinged_) return;
  pinged_ = now;
  nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr);
}

H2Session::Stream* H2Session::stream_of(std::int32_t id) {
  const auto found = streams_.find(id);
  return found == streams_.end() ? nullptr : &found->second;
}

void H2Session::take_header(Stream& stream, std::string_view name, std::string_view value) {
  if (stream.headed) return;  // of a trailer nothing is wanted
  if (name == ":status") {
    stream.status = number_in<int>(value);
    stream.content_type.clear();
  } else if (name == "content-type") {
    stream.content_type = value.substr(0, kContentTypeBytesMax);
  } else if (name == "retry-after") {
    // The other form, a date, is not sent by API servers.
    stream.retry_after = std::max<std::int64_t>(0, number_in<std::int64_t>(value));
  }
}

void H2Session::end(std::int32_t id, const std::string& why, bool untouched) {
  const auto found = streams_.find(id);
  if (found == streams_.end()) return;
  ended_.push_back({found->second.exchange, why, untouched});
  streams_.erase(found);
}

void H2Session::tell_alive() {
  // An answer that nobody asked for proves nothing about what was asked.
  if (!pinged_) return;
  const auto ago = std::max<nanoseconds>(nanoseconds{0}, now_ - *pinged_);
  pinged_.reset();
  for (auto& [id, stream] : streams_) {
    if (stream.headed && stream.status == kOk) stream.exchange->alive(ago);
  }
}

}  // namespace outflow::kube
