// The two ends of gRPC prove who they are: mutual TLS from files, read again while the program
// runs.
//
// A Credentials is opened once and lends channel and server credentials that follow its files: a
// new certificate is used for the next handshake within kReloadEvery plus a second, however it came
// (overwritten, renamed, or kubelet's swap of the ..data symlink). At open() a file that cannot be
// read, a key that is not its certificate's or a certificate that has expired is an Error naming
// file and reason; later it is a warning, once, and what was read before stays in use. TLS 1.2 and
// 1.3 (gRPC's own bounds). Nothing is written to disk; the checked text is handed to gRPC in
// memory.
//
// Who may do what with which certificate: proto/README.md.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include "common/clock.h"
#include "common/result.h"
#include "proto/endpoint.h"

namespace outflow::tls {

inline constexpr nanoseconds kReloadEvery = std::chrono::seconds(2);

class Credentials {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Credentials>> open(
      const Files& files, nanoseconds reload_every = kReloadEvery);
  ~Credentials();
  Credentials(const Credentials&) = delete;
  Credentials& operator=(const Credentials&) = delete;

  // This object outlives every server and channel made with these. A client that shows a
  // certificate must show one of our authorities'; one that shows none is
  // anonymous, and every service decides whether it serves such.
  [[nodiscard]] std::shared_ptr<grpc::ServerCredentials> server() const;
  [[nodiscard]] std::shared_ptr<grpc::ChannelCredentials> channel() const;

  // End of our own certificate's validity; the epoch when there is none.
  [[nodiscard]] TimePoint not_after() const;
  // Grows one look at the files after a change was taken, when new connections use it.
  [[nodiscard]] std::uint64_t generation() const;
  // Looks at the files now, as the thread does; false when they were not taken.
  bool reload();

 private:
  struct Staged;  // what gRPC reads
  struct Texts {
    std::string pair;  // certificate chain and key
    std::string authorities;
    TimePoint not_after{};
  };
  Credentials(Files files, std::unique_ptr<Staged> staged);
  [[nodiscard]] static Result<Texts> read(const Files& files);
  void run(const std::stop_token& stop, nanoseconds every);

  const Files files_;
  const std::unique_ptr<Staged> staged_;
  mutable std::mutex mutex_;
  std::condition_variable_any wake_;
  Texts texts_;
  std::string last_error_;
  bool is_fresh_ = false;  // taken, and not counted yet
  std::uint64_t generation_ = 1;
  std::jthread thread_;  // last: stops first
};

// A name to expect in the server's certificate instead of the one that was dialled; "" = that one.
void expect_server_name(const std::string& name, grpc::ChannelArguments& arguments);

}  // namespace outflow::tls
