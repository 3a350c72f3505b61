// Who asks, and what they may see and do: the door of Query and Import. One object for all calls;
// thread-safe; blocks while the API server is asked.
//
// A user shows a client certificate, or "authorization: Bearer TOKEN" in the call's metadata; a
// certificate goes first. In plaintext nobody proves anything and everything is allowed.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "aggregator/access/authority.h"

namespace outflow::access {

// Whether the flows of a namespace may be seen; "" is those whose namespace nobody knew, which only
// who may see all may see. Good for one call.
using MaySee = std::function<Checked<bool>(const std::string& namespace_name)>;

class Users {
 public:
  // The Authority outlives it.
  Users(bool is_tls, Authority& authority) : is_tls_(is_tls), authority_(authority) {}

  [[nodiscard]] Checked<Identity> identify(const grpc::ServerContextBase& context) const;
  // Asks first whether all namespaces may be listed, then for each `get`. An empty MaySee: all.
  [[nodiscard]] Checked<MaySee> sight_of(const grpc::ServerContextBase& context) const;
  // OK, or why not: `create` on `evidence` of the group outflow.dev.
  [[nodiscard]] grpc::Status may_add_evidence(const grpc::ServerContextBase& context) const;

 private:
  const bool is_tls_;
  Authority& authority_;
};

// The token of "authorization: Bearer TOKEN"; "" when there is none.
[[nodiscard]] std::string bearer_of(const grpc::ServerContextBase& context);

}  // namespace outflow::access
