#include "aggregator/kube/calico_objects.h"

#include <cassert>

namespace outflow::kube {
namespace {

using inventory::JsonValue;
using inventory::Kind;
using inventory::Labels;

constexpr std::string_view kMetadataAnnotation = "projectcalico.org/metadata";
constexpr std::string_view kDefaultTier = "default";

struct CalicoMetadata {
  std::string namespace_name;
  std::string name;
  Labels labels;
};

void add_labels(const JsonValue& object, Labels& labels) {
  for (const auto& [key, value] : object.members()) labels[key] = value.text();
}

// The metadata people gave, where Calico's store keeps it apart.
void read_hidden(const JsonValue& annotation, CalicoMetadata& metadata) {
  const std::string text = annotation.text();
  if (text.empty()) return;
  simdjson::dom::parser parser;
  simdjson::dom::element element;
  if (parser.parse(text).get(element) != simdjson::SUCCESS) {
    annotation.complain("is no JSON");
    return;
  }
  inventory::Complaint complaint;
  const JsonValue hidden(element, annotation.path(), complaint);
  add_labels(hidden["labels"], metadata.labels);
  if (!complaint.text().empty()) annotation.complain(complaint.text());
}

CalicoMetadata read_metadata(bool crd, const JsonValue& object) {
  const JsonValue given = object["metadata"];
  CalicoMetadata metadata{given["namespace"].text(), given["name"].text(), {}};
  add_labels(given["labels"], metadata.labels);
  if (crd) read_hidden(given["annotations"][kMetadataAnnotation], metadata);
  return metadata;
}

void read_action(const JsonValue& rule, inventory::CalicoPolicy& policy) {
  const std::string action = rule["action"].text();
  if (action == "Allow") {
    policy.allows = true;
  } else if (action == "Deny") {
    policy.denies = true;
  } else if (action == "Pass") {
    policy.passes = true;
  } else if (action != "Log") {
    rule["action"].complain("'" + action + "' is none of Allow, Deny, Log, Pass");
  }
}

inventory::CalicoPolicy read_policy(Kind kind, bool crd, const JsonValue& object) {
  CalicoMetadata metadata = read_metadata(crd, object);
  const JsonValue spec = object["spec"];
  inventory::CalicoPolicy policy;
  policy.kind = kind;
  policy.namespace_name = std::move(metadata.namespace_name);
  policy.name = std::move(metadata.name);
  if (const std::string tier = spec["tier"].text(); !tier.empty()) policy.tier = tier;
  const std::string prefix = std::string(kDefaultTier) + ".";
  if (crd && policy.tier == kDefaultTier && policy.name.starts_with(prefix)) {
    policy.name.erase(0, prefix.size());
  }
  policy.order = spec["order"].number();
  policy.selector = spec["selector"].text();
  policy.namespace_selector = spec["namespaceSelector"].text();
  policy.service_account_selector = spec["serviceAccountSelector"].text();
  const std::vector<JsonValue> types = spec["types"].items();
  const std::vector<JsonValue> rules = spec["egress"].items();
  policy.egress = types.empty() && !rules.empty();
  for (const JsonValue& type : types) policy.egress = policy.egress || type.text() == "Egress";
  for (const JsonValue& rule : rules) read_action(rule, policy);
  return policy;
}

inventory::CalicoTier read_tier(const JsonValue& object) {
  inventory::CalicoTier tier;
  tier.name = object["metadata"]["name"].text();
  tier.order = object["spec"]["order"].number();
  const std::string action = object["spec"]["defaultAction"].text();
  if (!action.empty()) tier.default_action = action;
  return tier;
}

inventory::NetworkSet read_set(Kind kind, bool crd, const JsonValue& object) {
  CalicoMetadata metadata = read_metadata(crd, object);
  inventory::NetworkSet set{kind,
                            std::move(metadata.namespace_name),
                            std::move(metadata.name),
                            std::move(metadata.labels),
                            {}};
  for (const JsonValue& net : object["spec"]["nets"].items()) {
    if (auto prefix = net::Prefix::parse(net.text())) {
      set.nets.push_back(*prefix);
    } else {
      net.complain(prefix.error().what);
    }
  }
  return set;
}

}  // namespace

inventory::Object read_calico(Kind kind, bool crd, const JsonValue& object) {
  switch (kind) {
    case Kind::CalicoTier:
      return read_tier(object);
    case Kind::CalicoPolicy:
    case Kind::GlobalCalicoPolicy:
      return read_policy(kind, crd, object);
    default:
      assert(kind == Kind::NetworkSet || kind == Kind::GlobalNetworkSet);
      return read_set(kind, crd, object);
  }
}

}  // namespace outflow::kube
