// A folder of its own for a test, gone with the test.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <string>

namespace outflow::test {

class TempDir {
 public:
  TempDir() : path_((std::filesystem::temp_directory_path() / "outflow-XXXXXX").string()) {
    if (::mkdtemp(path_.data()) == nullptr) std::abort();
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace outflow::test
