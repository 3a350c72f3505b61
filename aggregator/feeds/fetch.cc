#include "aggregator/feeds/fetch.h"

#include <strings.h>

#include <array>
#include <memory>
#include <string_view>

#include <curl/curl.h>

#include "common/net/special.h"

namespace outflow::feeds {
namespace {

constexpr long kConnectSeconds = 10;
constexpr long kWholeSeconds = 120;
constexpr long kStillSeconds = 30;
constexpr long kStillBytes = 100;  // a second
constexpr long kRedirectsMax = 5;
constexpr std::size_t kEtagMax = 256;
constexpr long kOk = 200;           // RFC 9110 15.3.1
constexpr long kNotModified = 304;  // RFC 9110 15.4.5

struct EasyDelete {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct UrlDelete {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
struct ListDelete {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
struct TextDelete {
  void operator()(char* text) const { curl_free(text); }
};
using Easy = std::unique_ptr<CURL, EasyDelete>;
using Url = std::unique_ptr<CURLU, UrlDelete>;
using List = std::unique_ptr<curl_slist, ListDelete>;

// "" when the URL does not have it.
std::string part_of(const Url& url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url.get(), part, &text, 0) != CURLUE_OK) return "";
  const std::unique_ptr<char, TextDelete> lent(text);
  return lent.get();
}

bool is_loopback(std::string host) {
  if (host == "localhost") return true;
  if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
  const auto address = net::Address::parse(host);
  return address && net::special_of(*address) == net::Special::Loopback;
}

struct Answer {
  std::string body;
  std::string etag;
  bool too_long = false;
};

std::size_t take_body(const char* data, std::size_t, std::size_t bytes, void* to) {
  Answer& answer = *static_cast<Answer*>(to);
  answer.too_long = answer.body.size() + bytes > kFeedBytesMax;
  if (answer.too_long) return 0;
  answer.body.append(data, bytes);
  return bytes;
}

std::size_t take_header(const char* data, std::size_t, std::size_t bytes, void* to) {
  Answer& answer = *static_cast<Answer*>(to);
  std::string_view line(data, bytes);
  constexpr std::string_view kEtag = "etag:";
  // Of an answer after a redirect, too: the last one counts.
  if (line.starts_with("HTTP/")) answer.etag.clear();
  if (line.size() < kEtag.size() || ::strncasecmp(data, kEtag.data(), kEtag.size()) != 0) {
    return bytes;
  }
  line.remove_prefix(kEtag.size());
  const std::size_t first = line.find_first_not_of(" \t");
  const std::size_t last = line.find_last_not_of(" \t\r\n");
  const bool fits = first != std::string_view::npos && last - first < kEtagMax;
  answer.etag = fits ? std::string(line.substr(first, last - first + 1)) : "";
  return bytes;
}

// Not zero ends the transfer.
int look_at_stop(void* stop, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<const std::stop_token*>(stop)->stop_requested() ? 1 : 0;
}

void prepare(CURL* easy, const std::string& url, Answer& answer, const std::stop_token& stop) {
  const bool tls = url.starts_with("https:");
  curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, tls ? "https" : "http");
  curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "https");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(easy, CURLOPT_MAXREDIRS, kRedirectsMax);
  if (!tls) curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, long{CURL_SSLVERSION_TLSv1_2});
  curl_easy_setopt(easy, CURLOPT_NETRC, long{CURL_NETRC_IGNORED});
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "outflow-aggregator/" OUTFLOW_VERSION);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT, kWholeSeconds);
  curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, kStillBytes);
  curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, kStillSeconds);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &answer);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &answer);
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, look_at_stop);
  curl_easy_setopt(easy, CURLOPT_XFERINFODATA, &stop);
}

// Before any thread that uses curl: C++ makes the first caller's others wait.
void start_curl() {
  static const CURLcode kStarted = curl_global_init(CURL_GLOBAL_DEFAULT);
  static_cast<void>(kStarted);
}

}  // namespace

Result<void> check_url(const std::string& url) {
  start_curl();
  const Url parsed(curl_url());
  if (curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) {
    return fail("'" + url + "' is no URL");
  }
  if (!part_of(parsed, CURLUPART_USER).empty() || !part_of(parsed, CURLUPART_PASSWORD).empty()) {
    return fail("a URL with a user or password in it is not fetched");
  }
  if (url.starts_with("https://")) return {};
  if (url.starts_with("http://") && is_loopback(part_of(parsed, CURLUPART_HOST))) return {};
  return fail("'" + url + "' is neither https nor http to a loopback address");
}

Result<Fetched> fetch(const std::string& url, const std::string& etag,
                      const std::stop_token& stop) {
  if (auto checked = check_url(url); !checked) return fail(std::move(checked).error());
  const Easy easy(curl_easy_init());
  if (easy == nullptr) return fail(url + ": there is no memory for it");
  Answer answer;
  std::array<char, CURL_ERROR_SIZE> error{};
  curl_easy_setopt(easy.get(), CURLOPT_ERRORBUFFER, error.data());
  prepare(easy.get(), url, answer, stop);
  List headers;
  if (!etag.empty()) {
    headers.reset(curl_slist_append(nullptr, ("If-None-Match: " + etag).c_str()));
    curl_easy_setopt(easy.get(), CURLOPT_HTTPHEADER, headers.get());
  }
  const CURLcode code = curl_easy_perform(easy.get());
  if (answer.too_long) {
    return fail(url + ": is more than " + std::to_string(kFeedBytesMax >> 20U) + " MiB");
  }
  if (code != CURLE_OK) {
    return fail(url + ": " + (error[0] != '\0' ? error.data() : curl_easy_strerror(code)));
  }
  long status = 0;
  curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
  if (status == kNotModified && !etag.empty()) return Fetched{true, "", etag};
  if (status != kOk) return fail(url + ": the answer is HTTP " + std::to_string(status));
  return Fetched{false, std::move(answer.body), std::move(answer.etag)};
}

}  // namespace outflow::feeds
