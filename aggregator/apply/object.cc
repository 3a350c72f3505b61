#include "aggregator/apply/object.h"

#include <simdjson.h>

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace outflow::apply {
namespace {

namespace dom = simdjson::dom;
using Json = nlohmann::ordered_json;

constexpr std::string_view kHiddenMetadata = "projectcalico.org/metadata";
constexpr std::size_t kShownBytesMax = 300;

std::string cut(std::string_view text) {
  std::string shown(text.substr(0, kShownBytesMax));
  std::replace_if(
      shown.begin(), shown.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
  return shown;
}

// "" when it is absent or no text.
std::string text_at(const dom::element& object, std::string_view key) {
  std::string_view text;
  return object[key].get(text) == simdjson::SUCCESS ? std::string(text) : std::string();
}

void add_labels(const dom::element& metadata, Labels& labels) {
  dom::object object;
  if (metadata["labels"].get(object) != simdjson::SUCCESS) return;
  for (const auto& [key, value] : object) {
    std::string_view text;
    if (value.get(text) == simdjson::SUCCESS) labels[std::string(key)] = text;
  }
}

void add_hidden_labels(const dom::element& metadata, Labels& labels) {
  dom::element annotations;
  if (metadata["annotations"].get(annotations) != simdjson::SUCCESS) return;
  const std::string hidden = text_at(annotations, kHiddenMetadata);
  dom::parser parser;
  dom::element element;
  if (hidden.empty() || parser.parse(hidden).get(element) != simdjson::SUCCESS) return;
  add_labels(element, labels);
}

Result<void> read_nets(const dom::element& root, Current& current) {
  dom::element nets;
  if (root.at_pointer("/spec/nets").get(nets) != simdjson::SUCCESS || nets.is_null()) return {};
  dom::array array;
  if (nets.get(array) != simdjson::SUCCESS) return fail("spec.nets: not a list");
  for (const dom::element item : array) {
    std::string_view text;
    if (item.get(text) != simdjson::SUCCESS) return fail("spec.nets: not texts");
    if (auto net = net::Prefix::parse(text)) {
      current.nets.push_back(*net);
    } else if (current.odd_net.empty()) {
      current.odd_net = text.empty() ? "\"\"" : cut(text);
    }
  }
  std::sort(current.nets.begin(), current.nets.end());
  current.nets.erase(std::unique(current.nets.begin(), current.nets.end()), current.nets.end());
  return {};
}

Result<dom::element> parsed(dom::parser& parser, std::string_view json) {
  if (json.size() > kObjectBytesMax) return fail("the answer is larger than an object can be");
  dom::element root;
  if (parser.parse(json.data(), json.size()).get(root) != simdjson::SUCCESS || !root.is_object()) {
    return fail("the answer is no JSON object");
  }
  return root;
}

std::string dumped(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json head(const Group& group) {
  return {{"apiVersion", std::string(group.name)}, {"kind", "GlobalNetworkSet"}};
}

}  // namespace

Result<Current> read_set(std::string_view json, const Group& group) {
  dom::parser parser;
  const auto root = parsed(parser, json);
  if (!root) return fail(Error(root.error()));
  dom::element metadata;
  if ((*root)["metadata"].get(metadata) != simdjson::SUCCESS || !metadata.is_object()) {
    return fail("metadata: none");
  }
  Current current{text_at(metadata, "uid"), text_at(metadata, "resourceVersion"), {}, {}, {}};
  // Without them a write could meet another object than the one that was read.
  if (current.uid.empty()) return fail("metadata.uid: none");
  if (current.resource_version.empty()) return fail("metadata.resourceVersion: none");
  add_labels(metadata, current.labels);
  if (group.store) add_hidden_labels(metadata, current.labels);
  if (auto read = read_nets(*root, current); !read) return fail(std::move(read).error());
  return current;
}

Result<bool> serves_sets(std::string_view json) {
  dom::parser parser;
  const auto root = parsed(parser, json);
  if (!root) return fail(Error(root.error()));
  dom::array resources;
  if ((*root)["resources"].get(resources) != simdjson::SUCCESS) {
    return fail("resources: none in the answer");
  }
  return std::any_of(resources.begin(), resources.end(), [](const dom::element& resource) {
    return text_at(resource, "name") == "globalnetworksets";
  });
}

Trouble read_trouble(std::string_view json) {
  dom::parser parser;
  const auto root = parsed(parser, json);
  if (!root) return {cut(json)};
  Trouble trouble{cut(text_at(*root, "message"))};
  dom::element details;
  if ((*root)["details"].get(details) != simdjson::SUCCESS || !details.is_object()) return trouble;
  trouble.names_object = !text_at(details, "name").empty();
  dom::array causes;
  if (details["causes"].get(causes) != simdjson::SUCCESS) return trouble;
  trouble.owned_by_other = std::any_of(causes.begin(), causes.end(), [](const dom::element& cause) {
    return text_at(cause, "reason") == "FieldManagerConflict";
  });
  return trouble;
}

std::string nets_patch(const Group& group, const std::string& name, const Current& current,
                       const std::vector<net::Prefix>& nets) {
  Json json = head(group);
  json["metadata"] = {
      {"name", name}, {"uid", current.uid}, {"resourceVersion", current.resource_version}};
  json["spec"]["nets"] = Json::array();
  for (const net::Prefix& net : nets) json["spec"]["nets"].push_back(net.to_string());
  return dumped(json);
}

std::string new_set(const Group& group, const Wanted& wanted) {
  Json json = head(group);
  json["metadata"]["name"] = wanted.name;
  json["metadata"]["labels"] = wanted.labels;
  json["metadata"]["labels"][std::string(kOwnLabel)] = wanted.name;
  if (!wanted.annotations.empty()) json["metadata"]["annotations"] = wanted.annotations;
  return dumped(json);
}

}  // namespace outflow::apply
