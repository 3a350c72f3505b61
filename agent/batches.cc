#include "agent/batches.h"

#include <unordered_set>
#include <utility>

#include "proto/wire.h"

namespace outflow::agent {
namespace {

// An answer has two names and two addresses, what was said one of each, a flow two addresses.
static_assert(2 * wire::kAnswersMax + wire::kSaidMax <= wire::kNamesMax);

std::uint64_t interface_of(const NameAnswer& row) {
  return row.interface_id;
}
std::uint64_t interface_of(const SaidName& row) {
  return row.interface_id;
}
std::uint64_t interface_of(const Flow& row) {
  return row.key.interface_id;
}

class Splitter {
 public:
  Splitter(Report head, const std::map<std::uint32_t, Interface>& known)
      : head_(std::move(head)), known_(known), reports_{head_} {
    // Counted once; and the rest happened in no further time.
    head_.losses.clear();
    head_.skipped.clear();
    head_.interval.start = head_.interval.end;
  }

  template <class Row>
  void add(std::vector<Row> rows, std::vector<Row> Report::*column, std::size_t rows_max) {
    for (Row& row : rows) {
      const std::uint64_t id = interface_of(row);
      if ((reports_.back().*column).size() >= rows_max || !has_room(id)) begin_next();
      if (ids_.insert(id).second) reports_.back().interfaces.push_back(interface(id));
      addresses_ += kAddressesOfRow;
      (reports_.back().*column).push_back(std::move(row));
    }
  }

  std::vector<Report> finish() {
    std::vector<Interface>& first = reports_.front().interfaces;
    std::unordered_set<std::uint64_t> there;
    for (const Interface& interface : first) there.insert(interface.id);
    for (const auto& [id, interface] : known_) {
      if (first.size() >= wire::kInterfacesMax) break;
      if (!there.contains(id)) first.push_back(interface);
    }
    return std::move(reports_);
  }

 private:
  static constexpr std::size_t kAddressesOfRow = 2;  // at most

  [[nodiscard]] bool has_room(std::uint64_t id) const {
    return addresses_ + kAddressesOfRow <= wire::kAddressesMax &&
           (ids_.contains(id) || ids_.size() < wire::kInterfacesMax);
  }
  void begin_next() {
    reports_.push_back(head_);
    ids_.clear();
    addresses_ = 0;
  }
  // A row whose interface nobody remembers still travels: it was real.
  [[nodiscard]] Interface interface(std::uint64_t id) const {
    const auto entry = known_.find(static_cast<std::uint32_t>(id));
    return entry != known_.end() ? entry->second : Interface{id, "unknown", {}};
  }

  Report head_;  // of the reports after the first
  const std::map<std::uint32_t, Interface>& known_;
  std::vector<Report> reports_;
  std::unordered_set<std::uint64_t> ids_;  // named by the last report
  std::size_t addresses_ = 0;              // in the last report, at most
};

}  // namespace

std::vector<Report> split_report(Report head, Rows rows,
                                 const std::map<std::uint32_t, Interface>& interfaces) {
  Splitter splitter(std::move(head), interfaces);
  splitter.add(std::move(rows.answers), &Report::answers, wire::kAnswersMax);
  splitter.add(std::move(rows.said), &Report::said, wire::kSaidMax);
  splitter.add(std::move(rows.flows), &Report::flows, wire::kFlowsMax);
  return splitter.finish();
}

}  // namespace outflow::agent
