// The state machine of one kind: list it, watch it, and bring both together again after whatever
// happens. Pure: time, chance and the server's answers come in, requests and calls of the Sink go
// out, so that every turn is tested without a network. Used by one thread.
//
// How it goes on (the rules of client-go's reflector, and ours where that has none):
//   - First a WatchList (sendInitialEvents): a watch that begins with all there is and then says
//     so by a bookmark. A server that refuses it (400, 422, an ERROR event), ignores it (ends, or
//     gives another bookmark, or is silent for kInitialSilence without that one) is not asked
//     again; then a list in pages of `page_items`, all at the first page's resourceVersion.
//   - A watch goes on from the last resourceVersion it gave, bookmarks included, so that a
//     connection lost costs no list. 410, as an answer or as an ERROR event inside a good stream:
//     listed anew, the first time in kHealthyAfter without what earlier failures have it wait. An
//     expired list (410 between pages) starts over with larger pages.
//   - Duplicates are put again, and events replayed in an old order end in the newest state, since
//     the server replays what came after as well.
//   - After a failure it waits: a random time up to a bound that doubles from 0.8 s to 30 s and is
//     forgotten after two healthy minutes; never less than the server's Retry-After (at most
//     kRetryAfterMax). 401: whoever sends the request reads the token again (see `unauthorized`).
//   - 403 and 404 of a Calico kind: it is absent; its other path is tried at once, all again after
//     about kAbsentRetry, since CRDs and roles may come later. Of a built-in kind: a failure.
//   - An object that cannot be read is passed over, counted and given to `bad` (see decode.h).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>

#include "aggregator/inventory/objects.h"
#include "aggregator/kube/decode.h"
#include "aggregator/kube/frames.h"
#include "aggregator/kube/kinds.h"
#include "common/clock.h"

namespace outflow::kube {

inline constexpr std::chrono::milliseconds kBackoffMin{800};
inline constexpr std::chrono::seconds kBackoffMax{30};
inline constexpr std::chrono::minutes kHealthyAfter{2};
inline constexpr std::chrono::seconds kRetryAfterMax{300};
inline constexpr std::chrono::seconds kAbsentRetry{60};  // give or take half of it
inline constexpr std::chrono::seconds kInitialSilence{15};
inline constexpr std::chrono::seconds kWatchMin{300};  // timeoutSeconds: random between
inline constexpr std::chrono::seconds kWatchMax{600};
inline constexpr std::chrono::seconds kWatchGrace{30};  // a watch that outlives its time is dead
inline constexpr std::chrono::seconds kListTime{120};   // one page
inline constexpr unsigned kPageItems = 500;
inline constexpr unsigned kPageItemsMax = 4000;  // after expired lists
inline constexpr std::size_t kPageBytesMax = std::size_t{128} << 20U;
inline constexpr std::size_t kErrorBytesMax = std::size_t{64} << 10U;

struct Now {
  SteadyTime steady;
  TimePoint wall;
};

struct Request {
  std::string path;  // with query
  std::string accept;
  std::chrono::seconds time_limit{};  // after that it is dead
};

// Counted since the start.
struct Counts {
  std::uint64_t requests = 0;
  std::uint64_t lists = 0;     // begun, by pages or by WatchList
  std::uint64_t relists = 0;   // of these, beside the first
  std::uint64_t watches = 0;   // begun
  std::uint64_t events = 0;    // of watches
  std::uint64_t objects = 0;   // given to the Sink
  std::uint64_t bad = 0;       // objects that could not be read
  std::uint64_t bytes = 0;     // of bodies, unpacked
  std::uint64_t failures = 0;  // requests that ended badly
};

class Reflector {
 public:
  struct Options {
    unsigned page_items = kPageItems;
    bool watch_list = true;
    std::uint64_t seed = 0;  // of the random waits
    // What an unreadable object was; called by the thread that uses the reflector.
    std::function<void(Kind, const std::string&)> bad = [](Kind, const std::string&) {};
  };
  // `sink` outlives it.
  Reflector(Kind kind, inventory::Sink& sink, Options options);
  ~Reflector();
  Reflector(const Reflector&) = delete;
  Reflector& operator=(const Reflector&) = delete;

  // When the next request is due; none while one is under way.
  [[nodiscard]] std::optional<SteadyTime> due() const;
  // The request to send now. Its answer comes by head(), body() and end(), in this order; end()
  // alone when there was none.
  [[nodiscard]] Request begin(Now now);

  // `retry_after` in seconds, 0 when the answer has none.
  void head(int http_code, std::string_view content_type, std::int64_t retry_after);
  // False: the request is not wanted any longer; then end() is called as after any other.
  [[nodiscard]] bool body(std::string_view bytes, Now now);
  // The connection lived at `then`, and all that the server had put on it has come. A watch that
  // lies idle has been heard up to then; a list has not, nor has one with half an event.
  void alive(Now then);
  // `broken` is why the transfer broke, "" when it came to its end.
  void end(const std::string& broken, Now now);
  // Called about once a second while a request is under way. False as of body().
  [[nodiscard]] bool tick(Now now);

  // The last answer was 401, and no other came since.
  [[nodiscard]] bool unauthorized() const { return unauthorized_; }
  // What is wrong, "" while all is well: "list /api/v1/pods: HTTP 503 ...".
  [[nodiscard]] const std::string& trouble() const { return trouble_; }
  // The trouble is that there is no such kind for us.
  [[nodiscard]] bool is_absent() const { return absent_; }
  // Listed once, or known not to be had soon: nobody need wait for it.
  [[nodiscard]] bool settled() const { return listed_once_ || !trouble_.empty(); }
  [[nodiscard]] const Counts& counts() const { return counts_; }
  [[nodiscard]] Kind kind() const { return kind_; }

 private:
  enum class Stage : std::uint8_t { List, WatchList, Watch };
  // How it goes on after a request that ended.
  enum class Turn : std::uint8_t { Good, Again, Relist, Absent, NoWatchList, LargerPages };
  struct Outcome {
    Turn turn{};
    std::string why;
    std::int64_t retry_after = 0;  // seconds
  };
  struct Flight;  // the request under way

  [[nodiscard]] std::string_view path() const {
    return otherwise_ ? resource_.otherwise : resource_.path;
  }
  [[nodiscard]] std::string within_step(const std::string& why) const;  // "list /api/v1/pods: ..."
  [[nodiscard]] Source source() const;
  [[nodiscard]] Request list_request() const;
  [[nodiscard]] Request watch_request();

  void begin_list();
  void end_list(Now now);
  [[nodiscard]] Outcome outcome_of(const std::string& broken, Now now);
  [[nodiscard]] Outcome finish_page(Now now);
  [[nodiscard]] Outcome refused() const;
  [[nodiscard]] Outcome after_error_event(const Status& status) const;
  [[nodiscard]] bool take_event(std::string_view frame, Now now);
  void take_bookmark(const Item& item, Now now);
  void take_item(Item item, bool deleted, Now now);

  void go_on(const Outcome& outcome, Now now);
  void start_over();
  void wait(std::int64_t retry_after, Now now);
  void take_absence(const std::string& why, Now now);
  void calm(Now now);  // what we have is what there is
  [[nodiscard]] std::chrono::milliseconds random_up_to(std::chrono::milliseconds bound);

  const Kind kind_;
  const Resource& resource_;
  inventory::Sink& sink_;
  const Options options_;
  std::minstd_rand random_;
  Counts counts_;

  Stage stage_;
  bool watch_list_;         // worth asking for
  bool otherwise_ = false;  // the other path is used
  std::string first_refusal_;
  std::string resource_version_;  // what a watch goes on from
  std::string continue_;          // "" between lists
  unsigned page_items_;
  std::unique_ptr<Flight> flight_;

  SteadyTime due_{};
  unsigned failures_ = 0;  // in a row
  std::optional<SteadyTime> healthy_since_;
  std::optional<SteadyTime> relisted_;  // the last time that a 410 was not waited for
  bool unauthorized_ = false;
  bool listed_once_ = false;
  bool absent_ = false;
  std::string trouble_;
};

}  // namespace outflow::kube
