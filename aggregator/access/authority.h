// What the API server says about tokens and permissions, asked sparingly: answers are remembered
// for a minute, only a few questions are under way at once, and a few more wait for
// their turn. Thread-safe; asks block, so it is
// for threads that may wait, never for a gRPC callback.
//
// Without an Ask (the inventory is a file) no token is known to anybody, and only members of an
// admin group may do anything.
#pragma once

#include <atomic>
#include <map>
#include <semaphore>
#include <string>
#include <string_view>
#include <vector>

#include <grpcpp/support/status.h>
#include <tl/expected.hpp>

#include "aggregator/access/identity.h"
#include "aggregator/access/review.h"
#include "common/clock.h"
#include "common/mutex.h"

namespace outflow::access {

// A Status says UNAUTHENTICATED, PERMISSION_DENIED, RESOURCE_EXHAUSTED (too many at once) or
// UNAVAILABLE (the API server did not answer).
template <class T>
using Checked = tl::expected<T, grpc::Status>;
[[nodiscard]] inline tl::unexpected<grpc::Status> refuse(grpc::StatusCode code,
                                                         const std::string& what) {
  return tl::unexpected<grpc::Status>(grpc::Status(code, what));
}

class Authority {
 public:
  static constexpr nanoseconds kRemembered = std::chrono::seconds(60);
  static constexpr nanoseconds kRefusalRemembered = std::chrono::seconds(10);
  static constexpr std::size_t kTokensMax = 4096;
  static constexpr std::size_t kDeedsMax = 65'536;
  static constexpr int kAskingMax = 8;    // questions to the API server under way
  static constexpr int kWaitingMax = 24;  // questions that wait for one of these to end
  static constexpr nanoseconds kWait = std::chrono::seconds(5);  // and for how long at most

  struct Setup {
    Ask ask;  // may be empty
    std::string audience = "outflow-aggregator";
    std::vector<std::string> admin_groups = {"outflow:admins"};
  };
  Authority(Setup setup, const Clock& clock) : setup_(std::move(setup)), clock_(clock) {}

  // Remembered by the token's SHA-256, never by the token, and never beyond its own end.
  [[nodiscard]] Checked<TokenUser> user_of(const std::string& token);
  [[nodiscard]] Checked<bool> may(const Identity& user, const Deed& deed);
  [[nodiscard]] bool is_admin(const Identity& user) const;

 private:
  struct RememberedUser {
    std::optional<TokenUser> user;
    TimePoint until;
  };
  struct RememberedAnswer {
    bool allowed = false;
    TimePoint until;
  };
  [[nodiscard]] Checked<Reply> ask(std::string_view path, const std::string& body);

  const Setup setup_;
  const Clock& clock_;
  std::counting_semaphore<kAskingMax> turns_{kAskingMax};
  std::atomic<int> inside_ = 0;  // asking or waiting
  Mutex mutex_;
  std::map<std::string, RememberedUser> users_ GUARDED_BY(mutex_);
  std::map<std::string, RememberedAnswer> answers_ GUARDED_BY(mutex_);
};

}  // namespace outflow::access
