// Small Kubernetes objects in JSON, as kubectl prints them, for tests of what reads them.
#pragma once

#include <initializer_list>
#include <string>

namespace outflow::test {

// {"metadata": {...}} parts are given as JSON texts; `spec` and `status` are the inside of objects.
inline std::string list(std::initializer_list<std::string> items) {
  std::string joined;
  for (const std::string& item : items) joined += (joined.empty() ? "" : ",\n") + item;
  return R"({"apiVersion":"v1","kind":"List","metadata":{"resourceVersion":""},"items":[)" +
         joined + "]}\n";
}

struct Object {
  std::string api_version = "v1";
  std::string kind = {};
  std::string namespace_name = {};
  std::string name = {};
  std::string metadata = {};  // more of it: "\"labels\":{...}"
  std::string rest = {};      // other top-level fields: "\"spec\":{...}"
};

inline std::string json(const Object& object) {
  std::string text = R"({"apiVersion":")" + object.api_version + R"(","kind":")" + object.kind +
                     R"(","metadata":{"name":")" + object.name + '"';
  if (!object.namespace_name.empty()) text += R"(,"namespace":")" + object.namespace_name + '"';
  if (!object.metadata.empty()) text += ',' + object.metadata;
  text += '}';
  if (!object.rest.empty()) text += ',' + object.rest;
  return text + '}';
}

inline std::string owned_by(const std::string& kind, const std::string& name) {
  return R"("ownerReferences":[{"kind":"Janitor","name":"sweep"},{"controller":true,"kind":")" +
         kind + R"(","name":")" + name + "\"}]";
}

// A running pod with one address, and what more its metadata has.
inline std::string pod(const std::string& namespace_name, const std::string& name,
                       const std::string& address, const std::string& metadata = {}) {
  return json({.kind = "Pod",
               .namespace_name = namespace_name,
               .name = name,
               .metadata = metadata,
               .rest = R"("spec":{"nodeName":"w1"},"status":{"phase":"Running","podIP":")" +
                       address + R"(","podIPs":[{"ip":")" + address + "\"}]}"});
}

}  // namespace outflow::test
