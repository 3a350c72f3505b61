#include "aggregator/inventory/kube_json.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <utility>

#include "aggregator/inventory/json_value.h"
#include "aggregator/inventory/kube_objects.h"
#include "aggregator/inventory/owner.h"

namespace outflow::inventory {
namespace {

constexpr std::string_view kListSuffix = "List";
constexpr std::string_view kNetworkPolicy = "NetworkPolicy";
constexpr std::string_view kNetworkPolicyGroup = "networking.k8s.io";

// Objects by namespace/name, so that one that comes twice counts once.
template <class T>
using ByName = std::map<std::pair<std::string, std::string>, T>;

struct Objects {
  ByName<Namespace> namespaces;
  ByName<Node> nodes;
  ByName<Pod> pods;
  ByName<Service> services;
  ByName<std::vector<Endpoint>> slices;
  ByName<EgressPolicy> egress_policies;
  bool has_network_policies = false;
  // Workloads whose owner is asked for: ReplicaSet -> Deployment, Job -> CronJob.
  std::map<std::string, ByName<std::optional<Workload>>> owners;
  std::map<std::string, std::uint64_t> ignored;
};

using ObjectName = std::pair<std::string, std::string>;
using Read = void (*)(const JsonValue&, const ObjectName&, Objects&);

void keep_owner(const char* kind, const JsonValue& object, const ObjectName& key,
                Objects& objects) {
  objects.owners[kind][key] = controller_of(object);
}

void keep_slice(const JsonValue& object, const ObjectName& key, Objects& objects) {
  const std::string_view why = passed_over(object);
  if (!why.empty()) ++objects.ignored["EndpointSlice " + std::string(why)];
  objects.slices[key] = read_endpoint_slice(object);
}

struct KnownKind {
  std::string_view group;  // of apiVersion; others have a Service and a NetworkPolicy too
  bool namespaced;
  Read read;
};

const std::map<std::string, KnownKind>& kinds() {
  using V = const JsonValue&;
  static const std::map<std::string, KnownKind> kKinds = {
      {"Namespace",
       {"", false,
        [](V o, const ObjectName& k, Objects& to) { to.namespaces[k] = read_namespace(o); }}},
      {"Node",
       {"", false, [](V o, const ObjectName& k, Objects& to) { to.nodes[k] = read_node(o); }}},
      {"Pod", {"", true, [](V o, const ObjectName& k, Objects& to) { to.pods[k] = read_pod(o); }}},
      {"Service",
       {"", true, [](V o, const ObjectName& k, Objects& to) { to.services[k] = read_service(o); }}},
      {"EndpointSlice", {"discovery.k8s.io", true, keep_slice}},
      {"ReplicaSet",
       {"apps", true,
        [](V o, const ObjectName& k, Objects& to) { keep_owner("ReplicaSet", o, k, to); }}},
      {"Job",
       {"batch", true, [](V o, const ObjectName& k, Objects& to) { keep_owner("Job", o, k, to); }}},
      {"CronJob",
       {"batch", true,
        [](V o, const ObjectName& k, Objects& to) { keep_owner("CronJob", o, k, to); }}},
      {std::string(kNetworkPolicy),
       {kNetworkPolicyGroup, true,
        [](V o, const ObjectName& k, Objects& to) {
          to.has_network_policies = true;
          if (limits_egress(o)) to.egress_policies[k] = EgressPolicy{k.first, k.second};
        }}},
  };
  return kKinds;
}

// What an object is. In a typed list (PodList) only the list says so.
struct Type {
  std::string kind;
  std::optional<std::string> group;  // none where apiVersion is left out: then the kind alone tells
};

Type type_of(const JsonValue& object, const Type& of_list) {
  Type type{object["kind"].text(), of_list.group};
  if (type.kind.empty()) type.kind = of_list.kind;
  if (const std::string api_version = object["apiVersion"].text(); !api_version.empty()) {
    const std::size_t slash = api_version.find('/');
    type.group = slash == std::string::npos ? "" : api_version.substr(0, slash);
  }
  return type;
}

std::string called(const std::string& kind, const ObjectName& key) {
  const std::string name = key.first.empty() ? key.second : key.first + "/" + key.second;
  return printable(name.empty() ? kind : kind + " " + name);
}

// One object. The error names it: "(Pod web/web-1): status: is no object".
Result<void> read_object(simdjson::dom::element element, const Type& of_list, Objects& objects) {
  Complaint complaint;
  const JsonValue object(element, "", complaint);
  const Type type = type_of(object, of_list);
  const ObjectName key{object["metadata"]["namespace"].text(), object["metadata"]["name"].text()};
  const auto known = kinds().find(type.kind);
  if (type.kind.empty()) {
    complaint.note("", "this is no Kubernetes object: kind is missing");
  } else if (known == kinds().end()) {
    ++objects.ignored[type.kind];
  } else if (known->second.group != type.group.value_or(std::string(known->second.group))) {
    ++objects.ignored[type.kind + "." + *type.group];
  } else {
    if (known->second.namespaced && key.first.empty()) {
      object["metadata"]["namespace"].complain("is missing");
    }
    if (key.second.empty()) object["metadata"]["name"].complain("is missing");
    known->second.read(object, key, objects);
  }
  if (complaint.text().empty()) return {};
  return fail("(" + called(type.kind.empty() ? "?" : type.kind, key) + "): " + complaint.text());
}

// A list of objects, or a single one.
Result<void> read_document(simdjson::dom::element element, Objects& objects) {
  Complaint complaint;
  const JsonValue document(element, "", complaint);
  const Type type = type_of(document, {});
  if (type.kind == "Status") {  // what the API server answers instead of objects
    return fail("a Status instead of objects: " + printable(document["message"].text()));
  }
  if (!type.kind.ends_with(kListSuffix)) return read_object(element, {}, objects);

  // The items of a plain List say themselves what they are.
  const bool plain = type.kind == kListSuffix;
  const Type of_list =
      plain ? Type{} : Type{type.kind.substr(0, type.kind.size() - kListSuffix.size()), type.group};
  // A list of them says that they were asked for, even when it is empty.
  objects.has_network_policies =
      objects.has_network_policies ||
      (of_list.kind == kNetworkPolicy &&
       of_list.group.value_or(std::string(kNetworkPolicyGroup)) == kNetworkPolicyGroup);
  simdjson::dom::element items;
  simdjson::dom::array elements;
  const bool listed = element["items"].get(items) == simdjson::SUCCESS;
  if (listed && items.is_null()) return {};  // how Go writes an empty list
  if (!listed || items.get(elements) != simdjson::SUCCESS) {
    return fail(printable(type.kind) + " has no list of items");
  }
  std::size_t index = 0;
  for (const auto item : elements) {
    const std::string at = "items[" + std::to_string(index++) + "] ";
    if (auto read = read_object(item, of_list, objects); !read) return fail(at + read.error().what);
  }
  return {};
}

template <class T>
std::vector<T> values_of(ByName<T>& map) {
  std::vector<T> values;
  values.reserve(map.size());
  for (auto& [key, value] : map) values.push_back(std::move(value));
  return values;
}

Model to_model(Objects objects) {
  const OwnerOf owner_of = [&](const std::string& kind, const std::string& namespace_name,
                               const std::string& name) -> const std::optional<Workload>* {
    const auto owners = objects.owners.find(kind);
    if (owners == objects.owners.end()) return nullptr;
    const auto owner = owners->second.find({namespace_name, name});
    return owner == owners->second.end() ? nullptr : &owner->second;
  };
  for (auto& [key, pod] : objects.pods) pod.workload = top_owner(pod, owner_of).workload;
  Model model;
  model.namespaces = values_of(objects.namespaces);
  model.nodes = values_of(objects.nodes);
  model.pods = values_of(objects.pods);
  model.services = values_of(objects.services);
  for (auto& [key, endpoints] : objects.slices) {
    model.endpoints.insert(model.endpoints.end(), endpoints.begin(), endpoints.end());
  }
  model.egress_policies = values_of(objects.egress_policies);
  model.has_network_policies = objects.has_network_policies;
  model.ignored_kinds = std::move(objects.ignored);
  return model;
}

}  // namespace

Result<Model> read_model(std::string_view json) {
  const auto bad = [](simdjson::error_code code) {
    return fail(std::string("not JSON as kubectl prints it: ") + simdjson::error_message(code));
  };
  simdjson::dom::parser parser;
  // A batch must hold the largest document, and the whole input may be one.
  const std::size_t batch = std::max<std::size_t>(json.size() + 1, 1U << 16U);
  const simdjson::padded_string padded(json);
  simdjson::dom::document_stream documents;
  if (const auto code = parser.parse_many(padded, batch).get(documents)) return bad(code);
  Objects objects;
  std::size_t count = 0;
  for (auto document : documents) {
    simdjson::dom::element element;
    if (const auto code = document.get(element)) return bad(code);
    ++count;
    if (auto read = read_document(element, objects); !read) {
      Error error = std::move(read).error();
      // Mostly there is one document, and it needs no number.
      return fail(count == 1 ? std::move(error)
                             : std::move(error).within("document " + std::to_string(count)));
    }
  }
  if (documents.truncated_bytes() > 0) return fail("the last JSON document is cut off");
  if (count == 0) return fail("there is no JSON document in it");
  return to_model(std::move(objects));
}

}  // namespace outflow::inventory
