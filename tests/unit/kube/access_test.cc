#include "aggregator/kube/access.h"

#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

using namespace outflow;
using namespace outflow::kube;
using test::has_text;

namespace {

void write(const std::string& path, const std::string& text) {
  std::ofstream(path) << text;
}

// What kubelet mounts.
struct Mount {
  Mount() {
    write(dir / "token", "first\n");
    write(dir / "ca.crt", "CA1");
    write(dir / "namespace", "outflow-system");
    ::setenv("KUBERNETES_SERVICE_HOST", "fd00::1", 1);
    ::setenv("KUBERNETES_SERVICE_PORT", "443", 1);
  }
  ~Mount() {
    ::unsetenv("KUBERNETES_SERVICE_HOST");
    ::unsetenv("KUBERNETES_SERVICE_PORT");
  }
  Mount(const Mount&) = delete;
  Mount& operator=(const Mount&) = delete;

  test::TempDir dir;
};

}  // namespace

TEST_CASE("inside a cluster the server is in the environment and the rest in kubelet's files") {
  const Mount mount;
  const auto access = Access::in_cluster(mount.dir.path());

  REQUIRE(access);
  const auto credentials = (*access)->credentials().value();
  CHECK(credentials->server == "https://[fd00::1]:443");
  CHECK(credentials->token == "first");
  CHECK(credentials->ca == "CA1");
  CHECK((*access)->namespace_name() == "outflow-system");
}

TEST_CASE("outside of a cluster that is said, and a missing token names its file") {
  CHECK_THAT(Access::in_cluster("/nowhere").error().what, has_text("not in a cluster"));
  const Mount mount;
  std::filesystem::remove(mount.dir / "token");
  CHECK(Access::in_cluster(mount.dir.path()).error().what ==
        "token: " + (mount.dir / "token") + ": No such file or directory");
}

TEST_CASE("a new CA is read at once, with the token beside it") {
  const Mount mount;
  const auto access = Access::in_cluster(mount.dir.path());
  REQUIRE(access);
  write(mount.dir / "token", "second");
  CHECK((*access)->credentials().value()->token == "first");
  // As kubelet does: another file under the same name.
  write(mount.dir / "new", "CA2");
  std::filesystem::rename(mount.dir / "new", mount.dir / "ca.crt");

  CHECK((*access)->credentials().value()->ca == "CA2");
  CHECK((*access)->credentials().value()->token == "second");
}

TEST_CASE("what cannot be read again leaves the last good credentials") {
  const Mount mount;
  const auto access = Access::in_cluster(mount.dir.path());
  REQUIRE(access);
  std::filesystem::remove(mount.dir / "ca.crt");

  const auto credentials = (*access)->credentials();
  REQUIRE(credentials);
  CHECK((*credentials)->ca == "CA1");
}
