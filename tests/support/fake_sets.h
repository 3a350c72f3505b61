// An API server as far as GlobalNetworkSets go: groups, versions, and the ownership of spec.nets by
// field managers as server-side apply has it.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "aggregator/apply/cluster.h"

namespace outflow::test {

class FakeSets {
 public:
  struct Set {
    std::string uid;
    int version = 1;
    std::map<std::string, std::string> labels;
    std::vector<std::string> nets;
    std::string owner;  // of spec.nets; "" = nobody
  };

  Set& add(const std::string& name, const std::vector<std::string>& nets = {},
           const std::string& owner = "") {
    Set& set = sets[name];
    set = {fmt::format("uid-{}", ++made_), 1, {{"outflow.dev/set", name}}, nets, owner};
    return set;
  }

  [[nodiscard]] apply::Send send() {
    return [this](const apply::HttpRequest& request) -> Result<apply::HttpReply> {
      asked.push_back(request.method + " " + request.path);
      if (away) return fail("connection refused");
      if (before) before(request);
      if (status != 0) return apply::HttpReply{status, trouble("said no")};
      const std::size_t query = request.path.find('?');
      const std::string path = request.path.substr(0, query);
      const std::string rest = query == std::string::npos ? "" : request.path.substr(query);
      return answer(request, path, rest);
    };
  }

  std::map<std::string, Set> sets;
  std::vector<std::string> groups = {"projectcalico.org/v3"};
  std::vector<std::string> asked;
  bool away = false;
  int status = 0;  // answered to everything when not 0
  std::function<void(const apply::HttpRequest&)> before;

 private:
  using Json = nlohmann::json;

  static std::string trouble(const std::string& message, const Json& details = Json::object()) {
    return Json({{"kind", "Status"}, {"message", message}, {"details", details}}).dump();
  }
  static apply::HttpReply missing(const std::string& name) {
    return {404, trouble("globalnetworksets \"" + name + "\" not found",
                         {{"name", name}, {"kind", "globalnetworksets"}})};
  }
  static std::string object(const std::string& name, const Set& set) {
    return Json({{"metadata",
                  {{"name", name},
                   {"uid", set.uid},
                   {"resourceVersion", std::to_string(set.version)},
                   {"labels", set.labels}}},
                 {"spec", {{"nets", set.nets}}}})
        .dump();
  }

  apply::HttpReply answer(const apply::HttpRequest& request, const std::string& path,
                          const std::string& query) {
    for (const std::string& group : groups) {
      const std::string kinds = "/apis/" + group;
      if (path == kinds) {
        return {200, Json({{"resources", {{{"name", "globalnetworksets"}}}}}).dump()};
      }
      const std::string all = kinds + "/globalnetworksets";
      if (path == all && request.method == "POST") return create(request, query);
      if (path.starts_with(all + "/")) return one(request, path.substr(all.size() + 1), query);
    }
    return {404, trouble("the server could not find the requested resource")};
  }

  apply::HttpReply create(const apply::HttpRequest& request, const std::string& query) {
    const Json body = Json::parse(request.body);
    const std::string name = body["metadata"]["name"];
    if (sets.count(name) > 0) return {409, trouble("already exists")};
    if (query.find("dryRun=All") != std::string::npos) return {201, "{}"};
    Set& set = add(name);
    set.labels = body["metadata"]["labels"];
    return {201, object(name, set)};
  }

  apply::HttpReply one(const apply::HttpRequest& request, const std::string& name,
                       const std::string& query) {
    const auto found = sets.find(name);
    if (request.method == "GET") {
      return found == sets.end() ? missing(name)
                                 : apply::HttpReply{200, object(name, found->second)};
    }
    const Json body = Json::parse(request.body);
    const Json& metadata = body["metadata"];
    if (found == sets.end()) return {409, trouble("uid mismatch: no existing object was found")};
    Set& set = found->second;
    if (metadata["uid"] != set.uid || metadata["resourceVersion"] != std::to_string(set.version)) {
      return {409, trouble("the object has been modified")};
    }
    const std::vector<std::string> nets = body["spec"]["nets"];
    const bool others = !set.owner.empty() && set.owner != "outflow-sets" && nets != set.nets;
    if (others && query.find("force=true") == std::string::npos) {
      return {409, trouble("Apply failed with 1 conflict: conflict with \"" + set.owner + "\"",
                           {{"name", name}, {"causes", {{{"reason", "FieldManagerConflict"}}}}})};
    }
    if (query.find("dryRun=All") == std::string::npos) {
      set.nets = nets;
      set.owner = "outflow-sets";
      ++set.version;
    }
    return {200, object(name, set)};
  }

  int made_ = 0;
};

}  // namespace outflow::test
