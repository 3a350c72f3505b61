#include "aggregator/cli/client.h"

#include <chrono>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "aggregator/cli/table.h"
#include "common/text.h"
#include "proto/bearer.h"

namespace outflow::cli {
namespace {

std::string unavailable(const std::string& said, const std::string& endpoint) {
  const std::string cause = last_error_of(said);
  if (cause.empty()) {
    // Either the connection broke, or the aggregator itself says that it is not ready.
    return fmt::format("the aggregator at {} cannot answer now: {}", endpoint, said);
  }
  return fmt::format(
      "cannot reach the aggregator at {}: {}; is it running there, and does it want TLS "
      "(--tls-ca)? "
      "--server names another address",
      endpoint, cause);
}

// A token in plaintext could be used by whoever reads it on the way.
Result<std::string> token_of(const Server& server, const Dialled& dialled) {
  if (!dialled.is_tls()) {
    return fail("--token-file: a token is sent over TLS only; give --tls-ca");
  }
  auto token = read_token(server.token_file);
  if (!token) return fail(std::move(token).error().within("--token-file"));
  return token;
}

}  // namespace

Client::Client(Server server, Dialled dialled)
    : server_(std::move(server)),
      dialled_(std::move(dialled)),
      query_(v1::Query::NewStub(dialled_.channel())),
      import_(v1::Import::NewStub(dialled_.channel())),
      maintenance_(v1::Maintenance::NewStub(dialled_.channel())) {}

Outcome<Client> Client::open(const Server& server) {
  auto dialled =
      Dialled::open({server.endpoint, server.insecure, server.tls, server.tls_server_name});
  if (!dialled) return give_up(dialled.error().what);
  std::string bearer;
  if (!server.token_file.empty() && !server.tls.certificate.empty()) {
    return give_up("--token-file and --tls-cert: one of the two says who you are, not both");
  }
  if (!server.token_file.empty()) {
    auto token = token_of(server, *dialled);
    if (!token) return give_up(token.error().what);
    bearer = "Bearer " + *token;
  } else if (!server.reach.token.empty()) {
    if (!dialled->is_tls()) {
      return give_up("--service-account: a token is sent over TLS only; give --tls-ca");
    }
    bearer = "Bearer " + server.reach.token;
  }
  Client client(server, *std::move(dialled));
  client.bearer_ = std::move(bearer);
  return client;
}

void Client::prepare(grpc::ClientContext& context) const {
  if (!bearer_.empty()) context.AddMetadata("authorization", bearer_);
  if (server_.timeout.count() == 0) return;
  context.set_deadline(
      std::chrono::system_clock::now() +
      std::chrono::duration_cast<std::chrono::system_clock::duration>(server_.timeout));
}

Failure Client::failure_of(const grpc::Status& status) const {
  const std::string said = printable(status.error_message());
  switch (status.error_code()) {
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return {kExitTimeout, fmt::format("no answer from {} within {} (--request-timeout)",
                                        server_.endpoint, to_text(server_.timeout))};
    case grpc::StatusCode::UNAVAILABLE:
      if (const std::string trouble = server_.reach.trouble ? server_.reach.trouble() : "";
          !trouble.empty()) {
        return {kExitError, fmt::format("the way to the aggregator broke: {}", trouble)};
      }
      return {kExitError, unavailable(said, server_.endpoint)};
    case grpc::StatusCode::UNIMPLEMENTED:
      return {kExitError, fmt::format("the server at {} does not know this question: {}",
                                      server_.endpoint, said)};
    default:
      return {kExitError, said.empty() ? fmt::format("the aggregator failed with code {}",
                                                     static_cast<int>(status.error_code()))
                                       : said};
  }
}

Outcome<void> Client::flows(const v1::FlowsRequest& request,
                            const std::function<bool(const v1::FlowsAnswer&)>& take) const {
  grpc::ClientContext context;
  prepare(context);
  const auto reader = query_->Flows(&context, request);
  v1::FlowsAnswer part;
  while (reader->Read(&part)) {
    if (take(part)) continue;
    context.TryCancel();
    static_cast<void>(reader->Finish());  // our own cancellation
    return {};
  }
  const grpc::Status status = reader->Finish();
  if (!status.ok()) return tl::unexpected<Failure>(failure_of(status));
  return {};
}

Outcome<void> Client::backup(const std::function<bool(const std::string&)>& take) const {
  grpc::ClientContext context;
  prepare(context);
  const auto reader = maintenance_->Backup(&context, v1::BackupRequest());
  v1::BackupChunk chunk;
  bool wanted = true;
  while (wanted && reader->Read(&chunk)) wanted = take(chunk.content());
  if (!wanted) context.TryCancel();
  const grpc::Status status = reader->Finish();
  if (!status.ok()) return tl::unexpected<Failure>(failure_of(status));
  return {};
}

Outcome<v1::ImportAnswer> Client::import_calico_log(const v1::CalicoLogOptions& options,
                                                    std::istream& file) const {
  grpc::ClientContext context;
  prepare(context);
  v1::ImportAnswer answer;
  const auto writer = import_->CalicoLog(&context, &answer);
  v1::CalicoLogChunk chunk;
  *chunk.mutable_options() = options;
  bool open = writer->Write(chunk);
  chunk.clear_options();
  std::vector<char> bytes(kChunkBytes);
  while (open && file) {
    file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    if (file.gcount() == 0) break;
    chunk.set_content(bytes.data(), static_cast<std::size_t>(file.gcount()));
    open = writer->Write(chunk);
  }
  // A refusal closes the stream early; Finish() says why.
  const bool unreadable = file.bad();
  if (unreadable) context.TryCancel();
  if (open) writer->WritesDone();
  const grpc::Status status = writer->Finish();
  if (unreadable) return give_up("the file could not be read to its end; nothing more was sent");
  if (!status.ok()) return tl::unexpected<Failure>(failure_of(status));
  return answer;
}

}  // namespace outflow::cli
