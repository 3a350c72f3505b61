// Who was told which name of an address, when: one interval for each (pod, address, name). Compact,
// bounded; names and pods are numbers of slots.h. One thread at a time.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include <absl/container/btree_map.h>

#include "aggregator/attribution/naming.h"
#include "common/clock.h"
#include "common/net/address.h"

namespace outflow::names {

using Id = std::uint32_t;  // of slots.h

// An answer, or several of one interval.
struct Told {
  net::Address address;
  Id node = 0;
  Id pod = 0;
  Id name = 0;
  Id target = 0;
  std::uint32_t ttl_s = 0;  // at most 7 days
  bool trusted = false;     // other pods may be named by it
  TimePoint first{};
  TimePoint last{};
};

// A name of an address as of some time.
struct Sighting {
  Id name = 0;
  Id target = 0;
  attribution::Basis basis = attribution::Basis::Pod;
  TimePoint answered{};  // the latest answer before that time
};

struct Asker {
  Id node = 0;
  Id pod = 0;
};

class Answers {
 public:
  // One pod has at most kPodMax of the entries, so that it can push nobody else's out.
  static constexpr std::size_t kPodMax = 16'384;
  explicit Answers(std::size_t entries_max, std::size_t pod_max = kPodMax)
      : entries_max_(entries_max), pod_max_(pod_max) {}

  // In any order; the same again changes nothing.
  void add(const Told& told);

  // The names of the address at `time`, each once: those this pod was told; else those others of
  // its node were told by a trusted resolver; else those of the cluster. Of more than kScanMax
  // answers of others, the rest is not looked at.
  [[nodiscard]] std::vector<Sighting> at(const net::Address& address, Asker asker,
                                         TimePoint time) const;
  static constexpr std::size_t kScanMax = 1024;

  // Whether this very pod was told a name of the address in (after, until].
  [[nodiscard]] bool told_between(const net::Address& address, Asker asker, TimePoint after,
                                  TimePoint until) const;

  // Drops what ended before its node's time; `now` is the latest of these.
  void sweep(const std::vector<TimePoint>& by_node, TimePoint now);

  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  [[nodiscard]] std::uint64_t forgotten() const { return forgotten_; }  // dropped for want of room
  // Until then one of these might have named something of this pod; epoch: none.
  [[nodiscard]] TimePoint forgotten_until(Id pod) const {
    const auto own = of_pods_.find(pod);
    return own == of_pods_.end() ? forgotten_until_
                                 : std::max(forgotten_until_, own->second.forgotten_until);
  }

  template <class Visit>  // (node, pod, name, target)
  void visit_ids(const Visit& visit) const {
    for (const auto& [key, span] : entries_) visit(key.node, key.pod, key.name, span.target);
  }

 private:
  struct Key {
    net::Address address;
    Id node = 0;
    Id pod = 0;
    Id name = 0;
    friend auto operator<=>(const Key&, const Key&) = default;
  };

  // Times in milliseconds, `first` and `previous` as how long before `last`, so that an entry takes
  // 52 bytes. Answers from first to last came so close that one always held. A pause puts `first`
  // behind it, and `previous` is then the end of what was before.
  struct Span {
    std::array<std::uint32_t, 2> last_ms{};
    std::uint32_t first_ago_ms = 0;
    std::uint32_t previous_ago_ms = 0;
    std::uint32_t ttl_s : 31 = 0;
    std::uint32_t trusted : 1 = 0;
    Id target = 0;

    [[nodiscard]] std::int64_t last() const;
    void set(std::int64_t first, std::int64_t previous, std::int64_t last);
    void hear(std::int64_t time);
    [[nodiscard]] std::int64_t life() const;  // ms
    [[nodiscard]] TimePoint until() const;
    // The latest answer at or before `time` that holds then.
    [[nodiscard]] std::optional<TimePoint> before(TimePoint time) const;
  };
  static_assert(sizeof(Key) == 28 && sizeof(Span) == 24);

  void make_room();
  using Entries = absl::btree_map<Key, Span>;
  Entries::iterator erase(Entries::iterator entry);
  // Joins the names in [from, to) that hold at `time`.
  template <class Iterator>
  static std::vector<Sighting> names_in(Iterator from, Iterator to, attribution::Basis basis,
                                        TimePoint time);

  struct OfPod {
    std::size_t entries = 0;
    TimePoint forgotten_until{};  // of what this pod had no room for
  };

  const std::size_t entries_max_;
  const std::size_t pod_max_;
  Entries entries_;
  std::unordered_map<Id, OfPod> of_pods_;
  std::uint64_t forgotten_ = 0;
  TimePoint forgotten_until_{};
};

}  // namespace outflow::names
