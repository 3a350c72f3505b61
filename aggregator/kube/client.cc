#include "aggregator/kube/client.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>
#include <vector>

#include "aggregator/kube/easy.h"

namespace outflow::kube {
namespace {

constexpr int kFinalCode = 200;  // 1xx are followed by another head

// One request under way.
struct Transfer {
  Easy easy;
  Lists lists;
  Exchange* exchange = nullptr;
  std::array<char, CURL_ERROR_SIZE> error{};
  bool headed = false;
};

int code_of(CURL* easy) {
  long code = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &code);
  return static_cast<int>(code);
}

void tell_head(Transfer& transfer) {
  char* type = nullptr;
  curl_off_t retry_after = 0;
  curl_easy_getinfo(transfer.easy.get(), CURLINFO_CONTENT_TYPE, &type);
  curl_easy_getinfo(transfer.easy.get(), CURLINFO_RETRY_AFTER, &retry_after);
  transfer.headed = true;
  transfer.exchange->head(code_of(transfer.easy.get()), type == nullptr ? "" : type, retry_after);
}

// Called for each line; an empty one ends the head.
std::size_t take_header(char* data, std::size_t size, std::size_t count, void* context) {
  auto& transfer = *static_cast<Transfer*>(context);
  const std::string_view line(data, size * count);
  const bool ends = line == "\r\n" || line == "\n";
  if (ends && !transfer.headed && code_of(transfer.easy.get()) >= kFinalCode) tell_head(transfer);
  return line.size();
}

std::size_t take_body(char* data, std::size_t size, std::size_t count, void* context) {
  auto& transfer = *static_cast<Transfer*>(context);
  const std::string_view bytes(data, size * count);
  return transfer.exchange->body(bytes) ? bytes.size() : CURL_WRITEFUNC_ERROR;
}

std::string text_of(CURLcode code, const std::array<char, CURL_ERROR_SIZE>& error) {
  return error[0] != '\0' ? error.data() : curl_easy_strerror(code);
}

}  // namespace

struct Client::Curl {
  Curl(Access& whose, Options chosen) : access(whose), options(chosen) {
    start_curl();
    multi = curl_multi_init();
    curl_multi_setopt(multi, CURLMOPT_PIPELINING, long{CURLPIPE_MULTIPLEX});
  }
  ~Curl() {
    for (auto& [exchange, transfer] : transfers) {
      curl_multi_remove_handle(multi, transfer->easy.get());
    }
    transfers.clear();
    curl_multi_cleanup(multi);
  }
  Curl(const Curl&) = delete;
  Curl& operator=(const Curl&) = delete;

  void start(const Request& request, Exchange& exchange) {
    const auto credentials = access.credentials();
    if (!credentials) return exchange.end(credentials.error().what);
    auto transfer = std::make_unique<Transfer>();
    transfer->exchange = &exchange;
    transfer->easy.reset(curl_easy_init());
    CURL* const easy = transfer->easy.get();
    auto lists = prepare(easy, **credentials,
                         {.path = request.path,
                          .accept = request.accept,
                          .time = request.time_limit,
                          .http2 = options.http2});
    if (!lists) return exchange.end(lists.error().what);
    transfer->lists = std::move(*lists);
    // Waits for a connection that is being made, rather than making another.
    curl_easy_setopt(easy, CURLOPT_PIPEWAIT, options.http2 ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->error.data());
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer.get());
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer.get());
    curl_easy_setopt(easy, CURLOPT_SOCKOPTDATA, &connections);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer.get());
    curl_multi_add_handle(multi, easy);
    transfers.emplace(&exchange, std::move(transfer));
  }

  void finish(Transfer& transfer, const std::string& broken) {
    Exchange* const exchange = transfer.exchange;
    curl_multi_remove_handle(multi, transfer.easy.get());
    transfers.erase(exchange);
    exchange->end(broken);
  }

  // Whether any was.
  bool tell_finished() {
    int left = 0;
    bool any = false;
    while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      const CURLcode code = message->data.result;
      Transfer* transfer = nullptr;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
      finish(*transfer, code == CURLE_OK ? "" : text_of(code, transfer->error));
      any = true;
    }
    return any;
  }

  Access& access;
  const Options options;
  CURLM* multi = nullptr;
  std::map<Exchange*, std::unique_ptr<Transfer>> transfers;
  std::uint64_t connections = 0;
};

Client::Client(Access& access, Options options) : curl_(std::make_unique<Curl>(access, options)) {}
Client::~Client() = default;

void Client::start(const Request& request, Exchange& exchange) {
  curl_->start(request, exchange);
}

void Client::cancel(Exchange& exchange) {
  const auto found = curl_->transfers.find(&exchange);
  if (found != curl_->transfers.end()) curl_->finish(*found->second, "cancelled");
}

void Client::poll(std::chrono::milliseconds time, const std::stop_token& stop) {
  const std::stop_callback wake(stop, [this] { curl_multi_wakeup(curl_->multi); });
  if (stop.stop_requested()) return;
  int running = 0;
  curl_multi_perform(curl_->multi, &running);
  // What ended mostly goes on with another request, which nothing on the wire would wake us for.
  if (curl_->tell_finished()) return;
  curl_multi_poll(curl_->multi, nullptr, 0, static_cast<int>(time.count()), nullptr);
  if (stop.stop_requested()) return;
  curl_multi_perform(curl_->multi, &running);
  curl_->tell_finished();
}

std::uint64_t Client::connections() const {
  return curl_->connections;
}

}  // namespace outflow::kube
