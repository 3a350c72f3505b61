// The two questions the API server answers for us, as JSON: whose token this is (TokenReview of
// authentication.k8s.io/v1) and whether somebody may do something (SubjectAccessReview of
// authorization.k8s.io/v1). Pure; an answer is taken whole or refused with what is wrong with it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/access/ask.h"
#include "common/clock.h"

namespace outflow::access {

inline constexpr std::size_t kReplyBytesMax = 1U << 20U;
inline constexpr std::size_t kGroupsMax = 1024;  // more are refused

// Whose token it is. The last three are the API server's word about a token bound to a pod; "" when
// it does not say.
struct TokenUser {
  std::string name;
  std::vector<std::string> groups;
  std::string node;  // extra authentication.kubernetes.io/node-name: Kubernetes 1.30 and later
  std::string pod;   // extra authentication.kubernetes.io/pod-name
  std::string pod_uid;
};

[[nodiscard]] std::string token_review(std::string_view token, std::string_view audience);
// nullopt: the token is not good for the audience. An answer that does not name the audience is of
// a server that does not know audiences; its yes is no.
[[nodiscard]] Result<std::optional<TokenUser>> read_token_review(const Reply& reply,
                                                                 std::string_view audience);

struct Deed {
  std::string verb;
  std::string group;  // of the API; "" = core
  std::string resource;
  std::string namespace_name;  // "" = of the whole cluster
  std::string name;
};
// Nothing when a name is not UTF-8, which no name the API server knows is.
[[nodiscard]] std::optional<std::string> access_review(const std::string& user,
                                                       const std::vector<std::string>& groups,
                                                       const Deed& deed);
[[nodiscard]] Result<bool> read_access_review(const Reply& reply);

// When the token says it ends (its `exp`, RFC 7519), not verified: only good for remembering it
// less long. nullopt when it does not say.
[[nodiscard]] std::optional<TimePoint> token_end(std::string_view token);

}  // namespace outflow::access
