#include <array>
#include <mutex>
#include <utility>
#include <vector>

#include "aggregator/kube/client.h"
#include "aggregator/kube/easy.h"
#include "common/mutex.h"

namespace outflow::kube {
namespace {

constexpr int kUnauthorized = 401;
constexpr std::size_t kIdleMax = 8;

struct Body {
  std::string text;
  std::size_t bytes_max = 0;
};

std::size_t take_body(char* data, std::size_t size, std::size_t count, void* context) {
  auto& body = *static_cast<Body*>(context);
  const std::size_t bytes = size * count;
  if (body.text.size() + bytes > body.bytes_max) return CURL_WRITEFUNC_ERROR;
  body.text.append(data, bytes);
  return bytes;
}

}  // namespace

struct Poster::Pool {
  explicit Pool(Access& whose) : access(whose) {}

  Easy take() {
    const MutexLock lock(mutex);
    if (idle.empty()) return Easy(curl_easy_init());
    Easy easy = std::move(idle.back());
    idle.pop_back();
    return easy;
  }
  void give_back(Easy easy) {
    const MutexLock lock(mutex);
    if (idle.size() < kIdleMax) idle.push_back(std::move(easy));
  }

  Access& access;
  Mutex mutex;
  std::vector<Easy> idle GUARDED_BY(mutex);
};

Poster::Poster(Access& access) {
  start_curl();
  pool_ = std::make_unique<Pool>(access);
}
Poster::~Poster() = default;

Result<Reply> Poster::send(const Call& call) {
  const auto credentials = pool_->access.credentials();
  if (!credentials) return fail(Error(credentials.error()));
  Easy easy = pool_->take();
  std::array<char, CURL_ERROR_SIZE> error{};
  auto lists = prepare(easy.get(), **credentials,
                       {.path = call.path,
                        .accept = "application/json",
                        .body = call.method == "GET" ? nullptr : &call.body,
                        .method = call.method,
                        .content_type = call.content_type,
                        .time = call.time});
  if (!lists) return fail(std::move(lists).error());
  Body body{{}, call.bytes_max};
  curl_easy_setopt(easy.get(), CURLOPT_ERRORBUFFER, error.data());
  curl_easy_setopt(easy.get(), CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(easy.get(), CURLOPT_WRITEDATA, &body);
  const CURLcode code = curl_easy_perform(easy.get());
  if (code == CURLE_WRITE_ERROR) {
    return fail(call.path + ": the answer has more than " + std::to_string(call.bytes_max) +
                " bytes");
  }
  if (code != CURLE_OK) {
    return fail(call.path + ": " + (error[0] != '\0' ? error.data() : curl_easy_strerror(code)));
  }
  long status = 0;
  curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
  // What it points to ends with this call.
  curl_easy_reset(easy.get());
  pool_->give_back(std::move(easy));
  return Reply{static_cast<int>(status), std::move(body.text)};
}

Result<Reply> Poster::call(const Call& call) {
  auto reply = send(call);
  if (!reply || reply->status != kUnauthorized) return reply;
  pool_->access.refused();
  return send(call);
}

Result<Reply> Poster::post(const std::string& path, const std::string& json_body,
                           std::chrono::milliseconds time) {
  return call({.method = "POST",
               .path = path,
               .body = json_body,
               .time = time,
               .bytes_max = kReplyBytesMax});
}

}  // namespace outflow::kube
