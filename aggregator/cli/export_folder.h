// Writes policies into a folder that lives in git: each file whole or not at all, nothing outside
// the folder, nothing of somebody else's touched.
//
// `.outflow-export` in the folder lists the files we wrote. Only those are ever replaced or
// removed; a file of the same name that is not in it is refused, and nothing is written then.
#pragma once

#include <string>
#include <vector>

#include "aggregator/cli/exit.h"

namespace outflow::cli {

inline constexpr const char* kManifestName = ".outflow-export";
inline constexpr const char* kKustomizationName = "kustomization.yaml";

struct ExportFile {
  std::string name;  // a plain file name ending in .yaml
  std::string content;
};

struct ExportPlan {
  std::vector<ExportFile> files;
  // Names that stay even though they are not among `files`: refused namespaces.
  std::vector<std::string> keep;
  // Every selected namespace was asked for: our files that are in neither list go.
  bool complete = false;
};

struct ExportResult {
  std::vector<std::string> written;
  std::vector<std::string> unchanged;
  std::vector<std::string> removed;
  bool kustomization_foreign = false;  // there is one, and it is not ours: left alone
};

// Makes the folder when it is missing.
[[nodiscard]] Outcome<ExportResult> write_folder(const std::string& folder, const ExportPlan& plan);

// A name write_folder() accepts: [a-z0-9][a-z0-9.-]*.yaml, no path.
[[nodiscard]] bool is_export_name(const std::string& name);

}  // namespace outflow::cli
