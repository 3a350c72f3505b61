#include "aggregator/kube/easy.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "aggregator/kube/client.h"

namespace outflow::kube {
namespace {

constexpr std::string_view kHttps = "https://";
// A peer that is gone is noticed within about a minute, also by a watch that only listens.
constexpr long kKeepAliveIdle = 15;   // seconds
constexpr long kKeepAliveEvery = 10;  // seconds
constexpr unsigned kUserTimeout =
    30'000;  // ms without an acknowledgement (tcp(7), TCP_USER_TIMEOUT)

int prepare_socket(void* counter, curl_socket_t socket, curlsocktype /*purpose*/) {
  if (counter != nullptr) ++*static_cast<std::uint64_t*>(counter);
  static_cast<void>(
      ::setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &kUserTimeout, sizeof kUserTimeout));
  return CURL_SOCKOPT_OK;
}

void set_blob(CURL* easy, CURLoption option, const std::string& pem) {
  // libcurl only reads it, and takes a copy.
  curl_blob blob{const_cast<char*>(pem.data()), pem.size(), CURL_BLOB_COPY};
  curl_easy_setopt(easy, option, &blob);
}

void prepare_tls(CURL* easy, const Credentials& credentials) {
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, long{CURL_SSLVERSION_TLSv1_2});
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, credentials.insecure_skip_verify ? 0L : 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, credentials.insecure_skip_verify ? 0L : 2L);
  if (!credentials.ca.empty()) {
    // What the system trusts may not speak for a cluster that has a CA of its own.
    curl_easy_setopt(easy, CURLOPT_CAINFO, nullptr);
    curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
    set_blob(easy, CURLOPT_CAINFO_BLOB, credentials.ca);
  }
  if (!credentials.client_certificate.empty()) {
    curl_easy_setopt(easy, CURLOPT_SSLCERTTYPE, "PEM");
    curl_easy_setopt(easy, CURLOPT_SSLKEYTYPE, "PEM");
    set_blob(easy, CURLOPT_SSLCERT_BLOB, credentials.client_certificate);
    set_blob(easy, CURLOPT_SSLKEY_BLOB, credentials.client_key);
  }
}

// The URL, and where it leads when the certificate has another name than the server.
struct Target {
  std::string url;
  std::string connect_to;
};
Target target_of(const Credentials& credentials, const std::string& path) {
  if (credentials.tls_server_name.empty()) return {credentials.server + path, ""};
  // https://HOST:PORT/PREFIX: the name goes to HOST's place, and HOST:PORT is connected to.
  const std::string rest = credentials.server.substr(kHttps.size());
  const std::size_t slash = rest.find('/');
  const std::string authority = rest.substr(0, slash);
  const std::string prefix = slash == std::string::npos ? "" : rest.substr(slash);
  const std::size_t colon = authority.find_last_of(":]");
  const bool has_port = colon != std::string::npos && authority[colon] == ':';
  const std::string host = has_port ? authority.substr(0, colon) : authority;
  const std::string port = has_port ? authority.substr(colon + 1) : "443";
  return {std::string(kHttps) + credentials.tls_server_name + ":" + port + prefix + path,
          "::" + host + ":" + port};
}

void append(Headers& headers, const std::string& line) {
  curl_slist* longer = curl_slist_append(headers.get(), line.c_str());
  if (longer == nullptr) return;
  static_cast<void>(headers.release());
  headers.reset(longer);
}

}  // namespace

void start_curl() {
  static const CURLcode kStarted = curl_global_init(CURL_GLOBAL_DEFAULT);
  static_cast<void>(kStarted);
}

Result<Lists> prepare(CURL* easy, const Credentials& credentials, const EasyRequest& request) {
  const bool tls = credentials.server.starts_with(kHttps);
  if (!tls && !credentials.token.empty()) {
    return fail(credentials.server + ": a token is not sent without TLS");
  }
  if (!may_be_a_header(credentials.token)) return fail("the token has control characters in it");
  curl_easy_reset(easy);
  const Target target = target_of(credentials, request.path);
  curl_easy_setopt(easy, CURLOPT_URL, target.url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, tls ? "https" : "http");
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, std::string(kUserAgent).c_str());
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(std::chrono::milliseconds(kConnectTime).count()));
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(request.time.count()));
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, kKeepAliveIdle);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, kKeepAliveEvery);
  curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, prepare_socket);
  curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_1_1});
  if (!credentials.proxy.empty()) {
    curl_easy_setopt(easy, CURLOPT_PROXY, credentials.proxy.c_str());
  }
  if (tls) prepare_tls(easy, credentials);

  Lists lists;
  Headers& headers = lists.headers;
  append(headers, "Accept: " + request.accept);
  if (!credentials.token.empty()) append(headers, "Authorization: Bearer " + credentials.token);
  if (request.body != nullptr) {
    append(headers, "Content-Type: " + request.content_type);
    append(headers, "Expect:");  // no waiting for 100-continue
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body->c_str());
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(request.body->size()));
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers.get());
  if (!target.connect_to.empty()) {
    append(lists.connect_to, target.connect_to);
    curl_easy_setopt(easy, CURLOPT_CONNECT_TO, lists.connect_to.get());
  }
  return lists;
}

}  // namespace outflow::kube
