#include "aggregator/write_sets.h"

#include <cstdio>
#include <memory>
#include <utility>

#include "aggregator/api_server.h"
#include "aggregator/apply/meters.h"
#include "aggregator/apply/round.h"
#include "common/log.h"
#include "common/telemetry.h"
#include "outflow/v1/query.grpc.pb.h"
#include "proto/bearer.h"
#include "proto/dial.h"

namespace outflow {
namespace {

constexpr int kExitOk = 0;
constexpr int kExitError = 2;
constexpr int kExitPartial = 5;
// All the sets of a large cluster take seconds.
constexpr std::chrono::seconds kAnswerTime{20};

// Asks an aggregator, as the CLI does.
class Aggregator {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Aggregator>> open(const WriteSetsConfig& config) {
    auto dialled = Dialled::open(config.dial);
    if (!dialled) return fail(std::move(dialled).error());
    return std::unique_ptr<Aggregator>(new Aggregator(config, *std::move(dialled)));
  }

  [[nodiscard]] Result<apply::Asked> ask() const {
    std::string bearer;
    if (!config_.token_file.empty()) {
      // The kubelet renews it while we run.
      auto token = read_token(config_.token_file);
      if (!token) return fail(std::move(token).error().within("--token-file"));
      bearer = "Bearer " + *token;
    }
    apply::Asked asked;
    v1::SetsRequest sets;
    for (const auto& name : config_.rounds.namespaces) sets.mutable_scope()->add_namespaces(name);
    sets.mutable_scope()->set_window_ns(config_.window.count());
    sets.set_wildcard_names(config_.wildcard_names);
    sets.set_wildcard_days(config_.wildcard_days);
    grpc::ClientContext of_sets;
    prepare(of_sets, bearer);
    if (const auto status = query_->Sets(&of_sets, sets, &asked.sets); !status.ok()) {
      return fail(error_of(status));
    }
    grpc::ClientContext of_status;
    prepare(of_status, bearer);
    const auto status = query_->Status(&of_status, v1::StatusRequest(), &asked.status);
    if (!status.ok()) return fail(error_of(status));
    return asked;
  }

 private:
  Aggregator(const WriteSetsConfig& config, Dialled dialled)
      : config_(config),
        dialled_(std::move(dialled)),
        query_(v1::Query::NewStub(dialled_.channel())) {}

  static void prepare(grpc::ClientContext& context, const std::string& bearer) {
    if (!bearer.empty()) context.AddMetadata("authorization", bearer);
    context.set_deadline(std::chrono::system_clock::now() + kAnswerTime);
  }
  [[nodiscard]] Error error_of(const grpc::Status& status) const {
    const std::string cause = last_error_of(status.error_message());
    return {"the aggregator at " + config_.dial.endpoint + ": " +
            (cause.empty() ? status.error_message() : cause)};
  }

  const WriteSetsConfig& config_;
  const Dialled dialled_;
  const std::unique_ptr<v1::Query::StubInterface> query_;
};

apply::Send send_by(kube::Poster& poster) {
  return [&poster](const apply::HttpRequest& request) -> Result<apply::HttpReply> {
    kube::Call call{.method = request.method, .path = request.path, .body = request.body};
    if (!request.content_type.empty()) call.content_type = request.content_type;
    auto reply = poster.call(call);
    if (!reply) return fail(std::move(reply).error());
    return apply::HttpReply{reply->status, std::move(reply->body)};
  };
}

int exit_of(const apply::Standing& standing) {
  if (!standing.error.empty()) return kExitError;
  return standing.partial ? kExitPartial : kExitOk;
}

// Everything that is made before the first round.
struct Made {
  std::unique_ptr<Aggregator> aggregator;
  std::unique_ptr<kube::Access> access;
  std::unique_ptr<Telemetry> telemetry;
};
Result<Made> make(const AggregatorConfig& config) {
  auto aggregator = Aggregator::open(config.write_sets);
  if (!aggregator) return fail(std::move(aggregator).error());
  auto access = open_access(config);
  if (!access) return fail(std::move(access).error());
  auto telemetry = Telemetry::start(config.http_listen);
  if (!telemetry) return fail(std::move(telemetry).error());
  return Made{*std::move(aggregator), *std::move(access), *std::move(telemetry)};
}

}  // namespace

int write_sets(const AggregatorConfig& config, const Clock& clock, const StopSignals& signals) {
  const WriteSetsConfig& settings = config.write_sets;
  const auto made = make(config);
  if (!made) {
    log::error("cannot start", {{"error", made.error().what}});
    return kExitError;
  }
  kube::Poster poster(*made->access);
  apply::Cluster cluster(send_by(poster), {.dry_run = settings.rounds.dry_run,
                                           .force_conflicts = settings.force_conflicts});
  apply::Rounds::Parts parts{
      .ask = [&made] { return made->aggregator->ask(); }, .cluster = cluster, .clock = clock};
  if (settings.once) parts.told = [](const std::string& line) { std::puts(line.c_str()); };
  apply::Rounds rounds(std::move(parts), settings.rounds);
  if (settings.once) return exit_of(rounds.run());
  apply::Meters meters(made->telemetry->registry());
  log::info("writing sets", {{"aggregator", settings.dial.endpoint},
                             {"server", made->access->server()},
                             {"version", OUTFLOW_VERSION}});
  do {
    const apply::Standing standing = rounds.run();
    meters.renew(rounds.counts(), standing);
    made->telemetry->set_ready(standing.error.empty(), standing.error);
  } while (!signals.wait_for(settings.interval));
  log::info("stopping");
  return kExitOk;
}

}  // namespace outflow
