// A question put against what is known at one moment: which namespaces, which days, and how well
// they were watched. Every answer starts here.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <grpcpp/support/status.h>
#include <tl/expected.hpp>

#include "aggregator/analysis/analyse.h"
#include "aggregator/analysis/name_sets.h"
#include "aggregator/api/service.h"
#include "aggregator/api/watch.h"
#include "aggregator/synthesis/policy.h"
#include "outflow/v1/query.pb.h"

namespace outflow::api {

template <class T>
using Answered = tl::expected<T, grpc::Status>;

// The name under which sources nobody knew are shown, and asked for.
inline constexpr std::string_view kUnattributed = "(unattributed)";

// Which namespaces an answer is about, sorted; "" stands for kUnattributed. Named ones always, and
// only those. Else those of the inventory that match the selector and are not the system's. Those
// of the evidence that the inventory does not have are added only where every label is welcome:
// nobody knows theirs. Unattributed data is always shown, and never judged. Pure.
struct Selection {
  std::span<const std::string> named;
  std::span<const std::string> with_data;  // "" among them when there is unattributed data
  std::string_view own_namespace = synthesis::kOwnNamespace;
};
[[nodiscard]] std::vector<std::string> select_namespaces(const Selection& selection,
                                                         const inventory::Snapshot& snapshot,
                                                         const inventory::LabelSelector& selector);

// The window in whole UTC days back from now, never before the first day that is kept. Pure.
[[nodiscard]] Interval window_of(nanoseconds back, std::optional<Day> first_kept, TimePoint now);

class Question {
 public:
  [[nodiscard]] static Answered<Question> ask(const Backend& backend, const v1::Scope& scope);

  [[nodiscard]] const inventory::Snapshot& snapshot() const { return *view_.snapshot; }
  // Whether any inventory was ever read.
  [[nodiscard]] bool has_inventory() const { return snapshot().as_of() != TimePoint(); }
  [[nodiscard]] TimePoint now() const { return window_.end; }
  [[nodiscard]] Interval window() const { return window_; }
  [[nodiscard]] const NodeWatches& nodes() const { return watches_; }
  // Of all days that are kept.
  [[nodiscard]] std::span<const store::NodeDay> node_days() const { return node_days_; }
  [[nodiscard]] std::span<const store::NodeMark> marks() const { return marks_; }
  // The same throughout the answer.
  [[nodiscard]] const feeds::RangeTable& ranges() const { return *ranges_; }
  // Where a namespace had a hooked interface, within the window.
  [[nodiscard]] std::span<const store::Presence> presences(const std::string& namespace_name) const;

  // What the answer is about and its asker may see, "" included.
  [[nodiscard]] const std::vector<std::string>& namespaces() const { return namespaces_; }
  // The same without "": what can be judged.
  [[nodiscard]] std::vector<std::string> judged() const;
  // The ones of judged() with evidence, or named.
  [[nodiscard]] std::vector<std::string> judged_with_data() const;

  // The ones of judged() that neither the inventory nor the window's evidence has: named ones.
  [[nodiscard]] std::vector<std::string> unknown() const;

  [[nodiscard]] v1::Context context() const;
  [[nodiscard]] analysis::Horizon horizon(const std::string& namespace_name) const;

  // Every record of a namespace in the window, its peer classed by the ranges; the callback returns
  // false to stop.
  [[nodiscard]] grpc::Status scan(const std::string& namespace_name,
                                  const store::Store::Visit& visit) const;
  // Every name record in the window of every namespace the asker may see, chosen or not.
  [[nodiscard]] grpc::Status scan_names(const store::Store::VisitName& visit) const;
  [[nodiscard]] Answered<analysis::Finding> finding(
      const std::string& namespace_name, const analysis::GeneraliseOptions& options = {}) const;
  // What stands for the names of the finding now, whatever the window is.
  [[nodiscard]] Answered<std::vector<analysis::NameSet>> name_sets(
      const analysis::Finding& finding) const;
  [[nodiscard]] Answered<std::vector<analysis::Finding>> findings(
      const std::vector<std::string>& namespaces) const;

 private:
  Question(const Backend& backend, inventory::View view);
  [[nodiscard]] grpc::Status read(const Backend& backend, const v1::Scope& scope);
  // Keeps what may be seen; a named namespace that may not is an error that names it.
  [[nodiscard]] grpc::Status cut(const access::MaySee& may_see);

  const store::Store* store_;
  access::MaySee may_see_;  // empty: everything
  inventory::View view_;
  std::shared_ptr<const feeds::RangeTable> ranges_;  // never null
  Interval window_;
  bool has_data_ = false;
  bool named_ = false;
  std::uint32_t hidden_ = 0;  // namespaces that would have been chosen and may not be seen
  std::vector<std::string> namespaces_;
  std::vector<std::string> with_data_;
  std::vector<store::NodeDay> node_days_;  // all that are kept
  std::map<std::string, std::vector<store::Presence>> presences_;
  std::vector<store::NodeMark> marks_;
  NodeWatches watches_;
};

}  // namespace outflow::api
