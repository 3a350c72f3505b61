#include "aggregator/ingest/import_service.h"

#include <set>
#include <utility>

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>

#include "aggregator/ingest/log_line.h"
#include "outflow/v1/query.grpc.pb.h"

namespace outflow::ingest {
namespace {

constexpr std::uint32_t kYearMin = 1970;
constexpr std::uint32_t kYearMax = 2261;  // nanoseconds in 64 bits end in 2262

Result<LogOptions> read_options(const v1::CalicoLogOptions& given) {
  LogOptions options;
  if (given.at_ns() < 0 || given.boot_time_ns() < 0) {
    return fail("options: a time before 1970");
  }
  if (given.at_ns() > 0) options.at = from_unix_ns(given.at_ns());
  if (given.boot_time_ns() > 0) options.boot_time = from_unix_ns(given.boot_time_ns());
  if (given.year() != 0) {
    if (given.year() < kYearMin || given.year() > kYearMax) {
      return fail(
          fmt::format("options.year: {} is not in {}..{}", given.year(), kYearMin, kYearMax));
    }
    options.year = static_cast<int>(given.year());
  }
  if (!given.node().empty()) {
    if (!is_host_name(given.node())) return fail("options.node: not a node name");
    options.node = given.node();
  }
  return options;
}

grpc::Status invalid(const Error& error) {
  return {grpc::StatusCode::INVALID_ARGUMENT, error.what};
}

// Collects flows into batches for the sink and remembers what became of them.
class Batcher {
 public:
  explicit Batcher(const LogSink& sink) : sink_(sink) {}

  Result<void> take(LogFlow flow) {
    batch_.push_back(std::move(flow));
    return batch_.size() < kLogBatchMax ? Result<void>() : flush();
  }

  Result<void> flush() {
    if (batch_.empty()) return {};
    auto added = sink_(batch_);
    if (!added) {
      sink_failed_ = true;
      return fail(std::move(added).error().within("keep the log's flows"));
    }
    added_ += added->added;
    namespaces_.insert(added->namespaces.begin(), added->namespaces.end());
    batch_.clear();
    return {};
  }

  [[nodiscard]] bool sink_failed() const { return sink_failed_; }
  [[nodiscard]] std::uint64_t added() const { return added_; }
  [[nodiscard]] const std::set<std::string>& namespaces() const { return namespaces_; }

 private:
  const LogSink& sink_;
  std::vector<LogFlow> batch_;
  std::uint64_t added_ = 0;
  std::set<std::string> namespaces_;
  bool sink_failed_ = false;
};

void fill_answer(const LogCounts& counts, const Batcher& batcher, v1::ImportAnswer* answer) {
  answer->set_lines(counts.lines);
  answer->set_imported(batcher.added());
  answer->set_repeated_lines(counts.flows - batcher.added());
  const auto fill = [](const std::map<std::string, std::uint64_t>& from, auto* to) {
    for (const auto& [reason, count] : from) {
      auto* item = to->Add();
      item->set_reason(reason);
      item->set_count(count);
    }
  };
  fill(counts.skipped, answer->mutable_skipped());
  fill(counts.unreadable, answer->mutable_unreadable());
  for (const std::string& example : counts.examples) answer->add_examples(example);
  for (const std::string& name : batcher.namespaces()) {
    if (!name.empty()) answer->add_items(name);
  }
}

class ImportService final : public v1::Import::Service {
 public:
  ImportService(LogSink sink, TellContext tell_context, MayImport may_import)
      : sink_(std::move(sink)),
        tell_context_(std::move(tell_context)),
        may_import_(std::move(may_import)) {}

  grpc::Status CalicoLog(grpc::ServerContext* context,
                         grpc::ServerReader<v1::CalicoLogChunk>* reader,
                         v1::ImportAnswer* answer) override {
    if (grpc::Status allowed = may_import_(*context); !allowed.ok()) return allowed;
    v1::CalicoLogChunk chunk;
    if (!reader->Read(&chunk) || !chunk.has_options()) {
      return invalid(Error{"the first message holds no options"});
    }
    auto options = read_options(chunk.options());
    if (!options) return invalid(options.error());

    Batcher batcher(sink_);
    LogParser parser(*std::move(options),
                     [&batcher](LogFlow flow) { return batcher.take(std::move(flow)); });
    Result<void> read = parser.feed(chunk.content());
    while (read && reader->Read(&chunk)) {
      read = chunk.has_options() ? fail("options: given twice") : parser.feed(chunk.content());
    }
    // A client that went away left the file in the middle of a line.
    if (context->IsCancelled()) return {grpc::StatusCode::CANCELLED, "the import was broken off"};
    if (read) read = parser.finish();
    if (read) read = batcher.flush();
    if (!read && batcher.sink_failed()) {
      return {grpc::StatusCode::UNAVAILABLE, read.error().what};
    }
    if (!read) return invalid(read.error());
    auto told = tell_context_();
    if (!told) {
      return {grpc::StatusCode::INTERNAL, "the log is kept, but: " + told.error().what};
    }
    *answer->mutable_context() = *std::move(told);
    fill_answer(parser.counts(), batcher, answer);
    return grpc::Status::OK;
  }

 private:
  const LogSink sink_;
  const TellContext tell_context_;
  const MayImport may_import_;
};

}  // namespace

std::unique_ptr<grpc::Service> make_import_service(LogSink sink, TellContext tell_context,
                                                   MayImport may_import) {
  return std::make_unique<ImportService>(std::move(sink), std::move(tell_context),
                                         std::move(may_import));
}

}  // namespace outflow::ingest
