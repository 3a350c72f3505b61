#include "aggregator/kube/http1_client.h"

#include <utility>

namespace outflow::kube {
namespace {

using Transfer = Http1Client::Transfer;

constexpr int kFinalCode = 200;  // 1xx are followed by another head

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

Http1Client::Http1Client() {
  start_curl();
  multi_ = curl_multi_init();
}

Http1Client::~Http1Client() {
  for (auto& [exchange, transfer] : transfers_) {
    curl_multi_remove_handle(multi_, transfer->easy.get());
  }
  transfers_.clear();
  curl_multi_cleanup(multi_);
}

void Http1Client::start(const Request& request, const Credentials& credentials,
                        Exchange& exchange) {
  auto transfer = std::make_unique<Transfer>();
  transfer->exchange = &exchange;
  transfer->easy.reset(curl_easy_init());
  CURL* const easy = transfer->easy.get();
  auto lists =
      prepare(easy, credentials,
              {.path = request.path, .accept = request.accept, .time = request.time_limit});
  if (!lists) return exchange.end(lists.error().what);
  transfer->lists = std::move(*lists);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->error.data());
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer.get());
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer.get());
  curl_easy_setopt(easy, CURLOPT_SOCKOPTDATA, &connections_);
  curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer.get());
  curl_multi_add_handle(multi_, easy);
  transfers_.emplace(&exchange, std::move(transfer));
}

void Http1Client::cancel(Exchange& exchange) {
  const auto found = transfers_.find(&exchange);
  if (found != transfers_.end()) finish(*found->second, "cancelled");
}

void Http1Client::finish(Transfer& transfer, const std::string& broken) {
  Exchange* const exchange = transfer.exchange;
  curl_multi_remove_handle(multi_, transfer.easy.get());
  transfers_.erase(exchange);
  exchange->end(broken);
}

bool Http1Client::turn() {
  int left = 0;
  curl_multi_perform(multi_, &left);
  bool any = false;
  while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode code = message->data.result;
    Transfer* transfer = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
    finish(*transfer, code == CURLE_OK ? "" : text_of(code, transfer->error));
    any = true;
  }
  return any;
}

void Http1Client::wait(std::chrono::milliseconds time, const std::vector<pollfd>& others) {
  std::vector<curl_waitfd> too;
  for (const pollfd& other : others) {
    const bool writes = (other.events & POLLOUT) != 0;
    too.push_back(
        {other.fd, static_cast<short>(CURL_WAIT_POLLIN | (writes ? CURL_WAIT_POLLOUT : 0)), 0});
  }
  curl_multi_poll(multi_, too.data(), static_cast<unsigned>(too.size()),
                  static_cast<int>(time.count()), nullptr);
}

void Http1Client::wake() {
  curl_multi_wakeup(multi_);
}

}  // namespace outflow::kube
