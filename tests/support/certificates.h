// A certificate authority of the test's own, and what it signs. P-256 throughout.
//
//   const TestAuthority authority;
//   const auto server = authority.issue({.common_name = "outflow-aggregator",
//                                        .addresses = {"127.0.0.1"}, .for_server = true});
//   const tls::Files files = server.write_to(dir, "server");   // server.crt, server.key, server.ca
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "proto/endpoint.h"
#include "tests/support/temp_dir.h"

namespace outflow::test {

struct Issued {
  std::string certificate_pem;
  std::string key_pem;
  std::string authority_pem;

  // Writes NAME.crt, NAME.key and NAME.ca into the folder, by rename.
  [[nodiscard]] tls::Files write_to(const TempDir& dir, const std::string& name) const;
};

struct Wish {
  std::string common_name = "nobody";
  std::vector<std::string> organizations = {};
  std::vector<std::string> uris = {};
  std::vector<std::string> dns_names = {};
  std::vector<std::string> addresses = {};
  std::chrono::seconds valid_from = -std::chrono::hours(1);  // relative to now, both
  std::chrono::seconds valid_to = std::chrono::hours(24);
  bool for_server = false;  // the extended key usage: server, else client authentication
};

class TestAuthority {
 public:
  explicit TestAuthority(const std::string& name = "outflow test authority");
  ~TestAuthority();
  TestAuthority(const TestAuthority&) = delete;
  TestAuthority& operator=(const TestAuthority&) = delete;

  [[nodiscard]] Issued issue(const Wish& wish) const;
  [[nodiscard]] std::string certificate_pem() const;
  [[nodiscard]] std::string key_pem() const;

  // The three kinds of the product.
  [[nodiscard]] Issued server() const;
  [[nodiscard]] Issued agent(const std::string& node) const;
  [[nodiscard]] Issued user(const std::string& name, std::vector<std::string> groups = {}) const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace outflow::test
