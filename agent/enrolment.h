// How an agent without a certificate gets one, and keeps one: it draws a key, proves to the
// aggregator with the pod's service account token which node it runs on, and is given a certificate
// for the key. At two thirds of the certificate's life it does so again, with a fresh key; until
// that worked the old pair stays in use. Key and certificate are one file, DIR/agent.pem (mode
// 0600, replaced by rename), so that they are never of two generations; a restart uses what is
// there.
//
// A thread of its own asks; while the aggregator is away it asks again after 2 s, then up to every
// 5 minutes, with jitter. Nobody waits for it: flows are kept meanwhile.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include <grpcpp/channel.h>

#include "common/clock.h"
#include "common/result.h"
#include "proto/certificate.h"
#include "proto/credentials.h"

namespace outflow::agent {

// The moment to renew at: two thirds of the way, give or take a twentieth, `chance` being 0..1. All
// agents of a cluster may have started together.
[[nodiscard]] TimePoint renewal_of(const tls::Certificate& certificate, double chance);

class Enrolment {
 public:
  struct Setup {
    std::string token_file;   // read for every attempt: kubelet replaces it
    std::string authorities;  // who signs the aggregator's certificate
    std::string directory;    // made when it is not there
    std::string node;         // what the certificate must name
    // A connection to the aggregator that shows no certificate of ours, or the one we have.
    std::function<std::shared_ptr<grpc::Channel>(const tls::Credentials&)> connect;
    nanoseconds retry_min = std::chrono::seconds(2);
    nanoseconds retry_max = std::chrono::minutes(5);
  };
  // An Error when the directory or the authorities cannot be used; a token that is not there yet is
  // waited for.
  [[nodiscard]] static Result<std::unique_ptr<Enrolment>> start(Setup setup);
  ~Enrolment();
  Enrolment(const Enrolment&) = delete;
  Enrolment& operator=(const Enrolment&) = delete;

  // Null until there is a certificate; then for good.
  [[nodiscard]] const tls::Credentials* credentials() const;
  [[nodiscard]] std::string last_error() const;  // "" when the last attempt worked

 private:
  Enrolment(Setup setup, std::unique_ptr<tls::Credentials> anonymous);
  void run(const std::stop_token& stop);
  [[nodiscard]] Result<void> enrol();
  [[nodiscard]] Result<void> use();
  [[nodiscard]] TimePoint due() const;
  [[nodiscard]] std::string pem_path() const { return setup_.directory + "/agent.pem"; }

  const Setup setup_;
  const std::unique_ptr<tls::Credentials> anonymous_;  // knows whom to believe, shows nothing
  mutable std::mutex mutex_;
  std::condition_variable_any wake_;
  std::unique_ptr<tls::Credentials> credentials_;
  std::string last_error_;
  std::jthread thread_;  // last: stops first
};

}  // namespace outflow::agent
