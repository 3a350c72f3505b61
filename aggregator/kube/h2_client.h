// Lists and watches over HTTP/2: the requests, and the connections they are on, of which there is
// one unless client.h says otherwise. Used by one thread.
#pragma once

#include <poll.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "aggregator/kube/client.h"
#include "aggregator/kube/h2_connection.h"

namespace outflow::kube {

class H2Client {
 public:
  // As those of Client, but nothing is sent or told before the next turn().
  void start(const Request& request, std::shared_ptr<const Credentials> credentials,
             Exchange& exchange, SteadyTime now);
  // False: it is none of ours. Else it was, and is forgotten, without end().
  [[nodiscard]] bool forget(const Exchange& exchange);
  [[nodiscard]] std::uint64_t connections() const { return connections_made_; }

  // What one turn came to.
  struct Turn {
    bool ended = false;                 // something did, and was told
    bool more = false;                  // there is more to be read at once
    std::vector<H2Transfer> for_http1;  // the server has no HTTP/2; forgotten here
  };
  // Does what can be done at once.
  [[nodiscard]] Turn turn(SteadyTime now);

  void wants(std::vector<pollfd>& fds) const;
  // When turn() is to be called though nothing came.
  [[nodiscard]] SteadyTime due() const;

 private:
  struct Place {
    H2Transfer transfer;  // to be sent once more, should it be untouched
    H2Connection* on = nullptr;
  };
  void place(H2Transfer transfer, SteadyTime now);
  void go_round(SteadyTime now, Turn& turn);
  void collect(H2Connection& connection, std::vector<H2Transfer>& homeless);
  void end_late(SteadyTime now);

  std::map<const Exchange*, Place> places_;
  std::vector<std::unique_ptr<H2Connection>> connections_;  // the newest last
  std::shared_ptr<const Credentials> credentials_;          // the newest
  std::vector<std::pair<Exchange*, std::string>> ended_;    // to be told
  std::uint64_t connections_made_ = 0;
};

}  // namespace outflow::kube
