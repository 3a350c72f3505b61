// GlobalNetworkSets as the API server words them in JSON. Pure.
#pragma once

#include <string>
#include <string_view>

#include "aggregator/apply/set.h"
#include "common/result.h"

namespace outflow::apply {

// Larger ones are not read.
inline constexpr std::size_t kObjectBytesMax = std::size_t{4} << 20U;

// The API group that is served: projectcalico.org/v3, or the store behind it. In the latter, labels
// as people gave them may be in an annotation (projectcalico.org/metadata).
struct Group {
  std::string_view name;  // "projectcalico.org/v3"
  bool store = false;
};
inline constexpr Group kCalicoApi{"projectcalico.org/v3", false};
inline constexpr Group kCalicoStore{"crd.projectcalico.org/v1", true};

// The Error names the field. Labels that are no texts are left out.
[[nodiscard]] Result<Current> read_set(std::string_view json, const Group& group);

// Whether a group's APIResourceList names globalnetworksets.
[[nodiscard]] Result<bool> serves_sets(std::string_view json);

// Why a request failed: a v1 Status, or whatever else was answered, cut.
struct Trouble {
  std::string message;
  bool names_object = false;    // of a 404: the object is missing, not its kind
  bool owned_by_other = false;  // of a 409: another field manager owns what is applied
};
[[nodiscard]] Trouble read_trouble(std::string_view json);

// What is sent: nothing but the nets, with uid and version of what was read, so that it fails when
// the object is another by now, or gone (an apply would create it).
[[nodiscard]] std::string nets_patch(const Group& group, const std::string& name,
                                     const Current& current, const std::vector<net::Prefix>& nets);
// A new set, without nets: these come by nets_patch(), which then owns them.
[[nodiscard]] std::string new_set(const Group& group, const Wanted& wanted);

}  // namespace outflow::apply
