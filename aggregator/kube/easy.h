// What a libcurl handle needs to reach the API server; HTTP/1.1 only.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include <curl/curl.h>

#include "aggregator/kube/access.h"

namespace outflow::kube {

struct EasyDelete {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
using Easy = std::unique_ptr<CURL, EasyDelete>;
struct HeadersDelete {
  void operator()(curl_slist* headers) const { curl_slist_free_all(headers); }
};
using Headers = std::unique_ptr<curl_slist, HeadersDelete>;

// libcurl takes no copies of lists.
struct Lists {
  Headers headers;
  Headers connect_to;
};

struct EasyRequest {
  std::string path;
  std::string accept;
  const std::string* body = nullptr;  // none: a GET; outlives the request
  std::string method = "POST";        // of a request with a body
  std::string content_type = "application/json";
  std::chrono::milliseconds time{};
};

// Prepares a new or used handle; CURLOPT_SOCKOPTDATA may be a std::uint64_t that counts
// connections. The lists outlive the request. Fails on credentials that may not be sent.
[[nodiscard]] Result<Lists> prepare(CURL* easy, const Credentials& credentials,
                                    const EasyRequest& request);

// Once a process, before any handle.
void start_curl();

}  // namespace outflow::kube
