// The way to an aggregator, for who asks it: a gRPC channel, over TLS where files say whom to
// believe. Errors name the flag.
#pragma once

#include <memory>
#include <string>

#include <grpcpp/channel.h>

#include "common/result.h"
#include "proto/credentials.h"
#include "proto/endpoint.h"

namespace outflow {

class Dialled {
 public:
  // Checks what is said and reads the files; connects only when something is asked. Answers may be
  // of any size: the policies of a large cluster are one. A proxy of the environment is for the
  // internet and is not used.
  [[nodiscard]] static Result<Dialled> open(const DialSettings& settings);

  [[nodiscard]] const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }
  [[nodiscard]] bool is_tls() const { return credentials_ != nullptr; }

 private:
  Dialled() = default;

  std::shared_ptr<tls::Credentials> credentials_;  // outlives the channel; null in plaintext
  std::shared_ptr<grpc::Channel> channel_;
};

// gRPC tells the story of all its attempts to connect; the last one is the cause. "" without any:
// then there was a connection.
[[nodiscard]] std::string last_error_of(const std::string& said);

}  // namespace outflow
