// GlobalNetworkSets at an API server: read, apply, create. Whoever calls waits for each answer.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "aggregator/apply/object.h"
#include "aggregator/apply/set.h"
#include "common/result.h"

namespace outflow::apply {

struct HttpRequest {
  std::string method;
  std::string path;  // with its query
  std::string content_type;
  std::string body;
};
struct HttpReply {
  int status = 0;
  std::string body;
};
// Any HTTP status is a reply; an Error is no answer at all.
using Send = std::function<Result<HttpReply>(const HttpRequest&)>;

struct Applied {
  enum class Outcome {
    Done,
    Conflict,  // another manager owns spec.nets: `message` says who
    Raced,     // the set changed since it was read: read it again
    Gone,      // or went
  };
  Outcome outcome = Outcome::Done;
  std::string message = {};
};

class Cluster {
 public:
  struct Options {
    bool dry_run = false;  // the server checks and answers, and keeps nothing
    bool force_conflicts = false;
  };
  Cluster(Send send, Options options) : send_(std::move(send)), options_(options) {}

  // Which API group the server has. Asked before anything else, and again when a kind is missing.
  // An error of the one is no reason to take the other: only what is not served (404) is.
  [[nodiscard]] Result<void> find_group();

  // nullopt: there is none of this name. `name` is a name (is_name()).
  [[nodiscard]] Result<std::optional<Current>> read(const std::string& name);
  [[nodiscard]] Result<Applied> apply(const std::string& name, const Current& current,
                                      const std::vector<net::Prefix>& nets);
  // An empty set with the labels and annotations that are wanted. One that is there already is an
  // error. Of a dry run nothing can be read back: what is given then is empty.
  [[nodiscard]] Result<Current> create(const Wanted& wanted);

 private:
  [[nodiscard]] std::string path(const std::string& name, const std::string& query) const;

  const Send send_;
  const Options options_;
  std::optional<Group> group_;
};

}  // namespace outflow::apply
