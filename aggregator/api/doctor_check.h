// A check as the doctor's files make it. Private to them.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "aggregator/api/doctor.h"

namespace outflow::api {

// The words of DoctorCheck.state.
inline constexpr const char* kOk = "ok";
inline constexpr const char* kWarn = "warn";
inline constexpr const char* kFail = "fail";
inline constexpr const char* kUnknown = "unknown";

// What a check found, before it has a name. The advice of one that is ok is dropped.
struct Finding {
  const char* state = kOk;
  std::string found;
  std::string advice;
};

class Checks {
 public:
  explicit Checks(std::vector<v1::DoctorCheck>& all, std::string node)
      : all_(all), node_(std::move(node)) {}

  void add(const char* name, const std::string& expected, const Finding& finding) {
    v1::DoctorCheck& check = all_.emplace_back();
    check.set_check(name);
    check.set_node(node_);
    check.set_state(finding.state);
    check.set_found(finding.found);
    check.set_expected(expected);
    if (finding.state != kOk) check.set_advice(finding.advice);
  }

 private:
  std::vector<v1::DoctorCheck>& all_;
  const std::string node_;
};

// "3d4h": to the second below a minute, to the minute above.
[[nodiscard]] std::string span_text(nanoseconds span);
[[nodiscard]] Finding certificate_finding(TimePoint expiry, TimePoint now, nanoseconds soon,
                                          const std::string& advice);
// The manifest of feeds, then each feed.
void examine_feeds(const feeds::FeedsState& feeds, TimePoint now,
                   std::vector<v1::DoctorCheck>& checks);
void examine_node(const NodeSight& node, const DoctorSight& sight,
                  std::vector<v1::DoctorCheck>& checks);

}  // namespace outflow::api
