// The interfaces whose tuples may still be in the tables: hooked ones, and departed ones until what
// they counted is in a persisted batch. Kept in a file beside the state, because a tuple names its
// interface by number only.
//
// The watching thread adds and departs, the reporting thread reads and forgets; any may call at any
// time.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/flow.h"
#include "common/mutex.h"
#include "common/result.h"

namespace outflow::agent {

class Registry {
 public:
  // Reads the file when it belongs to this boot; what it names is departed until it is hooked
  // again.
  Registry(std::string path, const BootId& boot);

  void hooked(std::uint32_t id, const std::string& name);
  // Addresses that went stay until the next batch is persisted: its flows may be theirs.
  void routed(std::uint32_t id, std::vector<net::Address> addresses);
  void departed(std::uint32_t id);
  // A batch is persisted: `ids` had their last tuples in it, and these are deleted.
  void settled(const std::vector<std::uint32_t>& ids);

  // Writes the file where it is not up to date: after a run of events rather than at each, because
  // it is the whole list. Until then the pinned tables know the names, too.
  void keep();

  // Sight that was lost for a while, by reason; taken into the next batch.
  void count_loss(const std::string& reason, std::uint64_t count = 1);
  [[nodiscard]] std::map<std::string, std::uint64_t> take_losses();

  [[nodiscard]] std::map<std::uint32_t, Interface> known() const;
  [[nodiscard]] std::vector<std::uint32_t> gone() const;
  [[nodiscard]] std::size_t hooked_count() const;

 private:
  struct Entry {
    Interface interface;                  // its addresses since the last batch
    std::vector<net::Address> addresses;  // those of now, sorted
    bool present = false;
  };
  void save() REQUIRES(mutex_);
  bool changed_ GUARDED_BY(mutex_) = false;  // since the file was written

  const std::string path_;
  const BootId boot_;
  mutable Mutex mutex_;
  std::map<std::uint32_t, Entry> entries_ GUARDED_BY(mutex_);
  std::map<std::string, std::uint64_t> losses_ GUARDED_BY(mutex_);
};

}  // namespace outflow::agent
