#include "aggregator/cli/export_folder.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/support/catch.h"

namespace outflow::cli {
namespace {

namespace fs = std::filesystem;

class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "outflow-export-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { fs::remove_all(path); }

  void put(const std::string& name, const std::string& content) const {
    std::ofstream(path / name) << content;
  }
  [[nodiscard]] std::string get(const std::string& name) const {
    std::ifstream file(path / name);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }
  [[nodiscard]] bool has(const std::string& name) const {
    return fs::exists(fs::symlink_status(path / name));
  }
  [[nodiscard]] Outcome<ExportResult> write(const ExportPlan& plan) const {
    return write_folder(path.string(), plan);
  }

  fs::path path;
};

const ExportFile kWeb{"egress-web.yaml", "web 1\n"};
const ExportFile kMail{"egress-mail.yaml", "mail 1\n"};

}  // namespace

TEST_CASE("an export writes its files, a list of them and a kustomization", "[export]") {
  const Folder folder;

  const auto result = folder.write({{kWeb, kMail}, {}, true});

  REQUIRE(result);
  CHECK(result->written.size() == 3);
  CHECK(folder.get("egress-web.yaml") == "web 1\n");
  CHECK(folder.get("kustomization.yaml") ==
        "# Written by `outflow export`.\napiVersion: kustomize.config.k8s.io/v1beta1\n"
        "kind: Kustomization\nresources:\n  - egress-mail.yaml\n  - egress-web.yaml\n");
  CHECK(folder.has(kManifestName));
}

TEST_CASE("the same export again changes nothing", "[export]") {
  const Folder folder;
  REQUIRE(folder.write({{kWeb}, {}, true}));
  const auto before = fs::last_write_time(folder.path / "egress-web.yaml");

  const auto result = folder.write({{kWeb}, {}, true});

  REQUIRE(result);
  CHECK(result->written.empty());
  CHECK(result->removed.empty());
  CHECK(fs::last_write_time(folder.path / "egress-web.yaml") == before);
}

TEST_CASE("a file of ours that is no longer exported goes, somebody else's never", "[export]") {
  const Folder folder;
  REQUIRE(folder.write({{kWeb, kMail}, {}, true}));
  folder.put("egress-theirs.yaml", "theirs\n");

  const auto result = folder.write({{kWeb}, {}, true});

  REQUIRE(result);
  CHECK(result->removed == std::vector<std::string>{"egress-mail.yaml"});
  CHECK_FALSE(folder.has("egress-mail.yaml"));
  CHECK(folder.get("egress-theirs.yaml") == "theirs\n");
  CHECK(folder.get("kustomization.yaml").find("mail") == std::string::npos);
}

TEST_CASE("a refused namespace keeps its file, and so does one that was not asked for",
          "[export]") {
  const Folder folder;
  REQUIRE(folder.write({{kWeb, kMail}, {}, true}));

  REQUIRE(folder.write({{kWeb}, {"egress-mail.yaml"}, true}));
  CHECK(folder.has("egress-mail.yaml"));
  REQUIRE(folder.write({{kWeb}, {}, false}));
  CHECK(folder.has("egress-mail.yaml"));
  CHECK(folder.get("kustomization.yaml").find("mail") != std::string::npos);
}

TEST_CASE("a file of the same name that is not ours stops the export before anything is written",
          "[export]") {
  const Folder folder;
  folder.put("egress-web.yaml", "by hand\n");

  const auto result = folder.write({{kMail, kWeb}, {}, true});

  REQUIRE_FALSE(result);
  CHECK(result.error().code == kExitError);
  CHECK(result.error().message.find("egress-web.yaml") != std::string::npos);
  CHECK(folder.get("egress-web.yaml") == "by hand\n");
  CHECK_FALSE(folder.has("egress-mail.yaml"));
}

TEST_CASE("a kustomization that is not ours is left alone", "[export]") {
  const Folder folder;
  folder.put("kustomization.yaml", "theirs\n");

  const auto result = folder.write({{kWeb}, {}, true});

  REQUIRE(result);
  CHECK(result->kustomization_foreign);
  CHECK(folder.get("kustomization.yaml") == "theirs\n");
}

TEST_CASE("no name leads out of the folder", "[export]") {
  const Folder folder;
  for (const char* name : {"../egress-web.yaml", "/tmp/x.yaml", "a/b.yaml", ".hidden.yaml", "x.yml",
                           "", ".yaml", "Web.yaml", "a b.yaml", "a\n.yaml", "kustomization.yaml"}) {
    CHECK_FALSE(folder.write({{{name, "x"}}, {}, true}));
  }
  CHECK_FALSE(is_export_name(std::string(300, 'a') + ".yaml"));
}

TEST_CASE("a manifest somebody edited removes nothing outside", "[export]") {
  const Folder folder;
  const Folder other;
  other.put("egress-web.yaml", "theirs\n");
  folder.put(kManifestName, "../" + other.path.filename().string() + "/egress-web.yaml\n");

  REQUIRE(folder.write({{kMail}, {}, true}));

  CHECK(other.get("egress-web.yaml") == "theirs\n");
}

TEST_CASE("a symbolic link in the place of a file is refused, not followed", "[export]") {
  const Folder folder;
  const Folder other;
  other.put("target.yaml", "theirs\n");
  fs::create_symlink(other.path / "target.yaml", folder.path / "egress-web.yaml");

  CHECK_FALSE(folder.write({{kWeb}, {}, true}));
  CHECK(other.get("target.yaml") == "theirs\n");
}

TEST_CASE("what a killed export left behind is no hindrance", "[export]") {
  const Folder folder;
  folder.put(".egress-web.yaml.outflow-tmp", "half");

  REQUIRE(folder.write({{kWeb}, {}, true}));

  CHECK(folder.get("egress-web.yaml") == "web 1\n");
  CHECK_FALSE(folder.has(".egress-web.yaml.outflow-tmp"));
}

TEST_CASE("a folder that cannot be made is an error with its name", "[export]") {
  const auto result = write_folder("/proc/nowhere/egress", {{kWeb}, {}, true});

  REQUIRE_FALSE(result);
  CHECK(result.error().message.find("/proc/nowhere/egress") != std::string::npos);
}

}  // namespace outflow::cli
