// Where each kind of object is at an API server, and how it is asked for.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "aggregator/inventory/objects.h"

namespace outflow::kube {

using inventory::Kind;

struct Resource {
  std::string_view path = {};  // of the whole cluster's list
  std::string_view otherwise =
      {};  // tried where `path` is not served or not ours to read; "" = none
  bool namespaced = false;
  bool metadata_only = false;  // owners: asked for as PartialObjectMetadata
  bool json_only = false;      // custom resources have no protobuf
};

[[nodiscard]] const Resource& resource_of(Kind kind);

// The Accept header: protobuf where there is one, with JSON as what is taken instead. A list of
// metadata is another type than the single metadata of a watch event.
[[nodiscard]] std::string accept_of(const Resource& resource, bool watch);

inline constexpr std::array<Kind, inventory::kKinds> kAllKinds = [] {
  std::array<Kind, inventory::kKinds> kinds{};
  for (std::size_t i = 0; i < kinds.size(); ++i) kinds[i] = static_cast<Kind>(i);
  return kinds;
}();

}  // namespace outflow::kube
