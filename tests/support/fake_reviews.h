// The API server as reviews meet it: tokens it knows and deeds it allows, answered as the real one
// words its answers.
#pragma once

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "aggregator/access/ask.h"

namespace outflow::test {

class FakeReviews {
 public:
  // The `user` object of a TokenReview's status.
  void know(const std::string& token, const std::string& user_json) {
    const std::lock_guard lock(mutex_);
    users_[token] = user_json;
  }
  void know_agent(const std::string& token, const std::string& extra_json,
                  const std::string& account = "outflow-system:outflow-agent") {
    know(token, fmt::format(R"({{"username":"system:serviceaccount:{}","uid":"u1",)"
                            R"("groups":["system:serviceaccounts"],"extra":{{{}}}}})",
                            account, extra_json));
  }
  // Part of a SubjectAccessReview's body that makes it allowed.
  void allow(const std::string& user, const std::string& verb, const std::string& name = "") {
    const std::lock_guard lock(mutex_);
    allowed_.insert(user + " " + verb + " " + name);
  }

  [[nodiscard]] access::Ask ask() {
    return [this](std::string_view path, std::string_view body) -> Result<access::Reply> {
      ++asked;
      if (away) return fail("connection refused");
      return access::Reply{201, path == access::kTokenReviewPath ? token(std::string(body))
                                                                 : deed(std::string(body))};
    };
  }

  std::atomic<int> asked = 0;
  std::atomic<bool> away = false;
  std::string audience = "outflow-aggregator";

 private:
  // The value of a string member, by its first place in the text.
  static std::string member(const std::string& body, const std::string& key) {
    const std::string mark = "\"" + key + "\":\"";
    const std::size_t from = body.find(mark);
    if (from == std::string::npos) return "";
    return body.substr(from + mark.size(), body.find('"', from + mark.size()) - from - mark.size());
  }
  std::string token(const std::string& body) {
    const std::lock_guard lock(mutex_);
    const auto found = users_.find(member(body, "token"));
    const bool right = body.find("[\"" + audience + "\"]") != std::string::npos;
    if (found == users_.end() || !right) {
      return R"({"kind":"TokenReview","status":{"user":{},"error":"invalid bearer token"}})";
    }
    return fmt::format(
        R"({{"kind":"TokenReview","status":{{"authenticated":true,"user":{},"audiences":["{}"]}}}})",
        found->second, audience);
  }
  std::string deed(const std::string& body) {
    const std::lock_guard lock(mutex_);
    const std::string wanted =
        member(body, "user") + " " + member(body, "verb") + " " + member(body, "name");
    return fmt::format(R"({{"kind":"SubjectAccessReview","status":{{"allowed":{}}}}})",
                       allowed_.count(wanted) > 0);
  }

  std::mutex mutex_;
  std::map<std::string, std::string> users_;
  std::set<std::string> allowed_;
};

}  // namespace outflow::test
