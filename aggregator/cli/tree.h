// A message as a tree of values with its keys in the order of the .proto: what JSON and YAML print.
#pragma once

#include <string>

#include <google/protobuf/message.h>
#include <nlohmann/json.hpp>

namespace outflow::cli {

using Tree = nlohmann::ordered_json;

// Every field, set or not: an unset message shows its own fields with their zeros.
[[nodiscard]] Tree to_tree(const google::protobuf::Message& message);

// apiVersion, kind, then every field but `items`.
[[nodiscard]] Tree head_of(const google::protobuf::Message& answer, const std::string& kind);

// The elements of `items`.
[[nodiscard]] Tree items_of(const google::protobuf::Message& answer);

}  // namespace outflow::cli
