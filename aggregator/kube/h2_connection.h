// One HTTP/2 connection to the API server, from the looking up of its name to its end: TLS, the
// session on it, the requests that wait for room, and the PINGs. Used by one thread.
#pragma once

#include <poll.h>

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aggregator/kube/client.h"
#include "aggregator/kube/h2_session.h"
#include "aggregator/kube/tls_stream.h"

namespace outflow::kube {

struct H2Transfer {
  Request request;
  Exchange* exchange = nullptr;
  std::shared_ptr<const Credentials> credentials;
  SteadyTime deadline;
  unsigned tries = 0;  // to be sent
};

class H2Connection {
 public:
  H2Connection(std::shared_ptr<const Credentials> credentials, SteadyTime now);

  // Does what can be done at once. True: more can be read, so nobody need wait.
  bool turn(SteadyTime now);

  // Sends it when there is room. One that waits no longer, since there will be none soon, is in
  // take_spilled(); one that ended in take_ended().
  void add(H2Transfer transfer) { waiting_.push_back(std::move(transfer)); }
  // The exchange hears nothing any longer.
  void drop(const Exchange& exchange);
  [[nodiscard]] std::vector<H2Transfer> take_spilled();
  [[nodiscard]] std::vector<H2Session::Ended> take_ended();

  // Takes requests of such credentials, at once or when it is open.
  [[nodiscard]] bool suits(const Credentials& credentials) const;
  [[nodiscard]] bool idle() const { return waiting_.empty() && session_.streams() == 0; }
  // Takes no more requests, though it may have some.
  [[nodiscard]] bool leaving() const { return over_ || session_.leaving(); }
  // It has ended, with all that was on it.
  [[nodiscard]] bool over() const { return over_; }
  // It has ended because the server has no HTTP/2; who waited for it is spilled.
  [[nodiscard]] bool is_old_http() const { return old_http_; }
  [[nodiscard]] const Credentials& credentials() const { return *credentials_; }

  [[nodiscard]] pollfd wants() const;
  [[nodiscard]] SteadyTime due() const;

 private:
  [[nodiscard]] bool go_on_opening(SteadyTime now);
  void send_waiting();
  [[nodiscard]] Result<bool> read(SteadyTime now);
  [[nodiscard]] Result<void> write();
  [[nodiscard]] Result<void> keep_alive(SteadyTime now);
  void break_off(const std::string& why);

  const std::shared_ptr<const Credentials> credentials_;
  Authority to_;
  TlsStream stream_;
  H2Session session_;
  std::deque<H2Transfer> waiting_;
  std::vector<H2Session::Ended> ended_;
  std::string out_;  // not sent yet
  bool open_ = false;
  bool over_ = false;
  bool old_http_ = false;
  SteadyTime heard_;      // bytes, or that it was opened
  SteadyTime next_ping_;  // while none is under way
};

}  // namespace outflow::kube
