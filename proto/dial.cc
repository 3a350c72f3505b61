#include "proto/dial.h"

#include <string_view>
#include <utility>

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

namespace outflow {

Result<Dialled> Dialled::open(const DialSettings& settings) {
  if (auto checked = tls::check_client_flags(settings.tls); !checked) {
    return fail(std::move(checked).error());
  }
  const auto endpoint =
      checked_endpoint(settings.endpoint, settings.insecure || settings.tls.given(), "--server");
  if (!endpoint) return fail(Error(endpoint.error()));
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  Dialled dialled;
  auto shown = grpc::InsecureChannelCredentials();
  if (tls::is_used(settings.tls, *endpoint)) {
    auto opened = tls::Credentials::open(settings.tls);
    if (!opened) return fail(std::move(opened).error());
    dialled.credentials_ = *std::move(opened);
    shown = dialled.credentials_->channel();
    tls::expect_server_name(settings.tls_server_name, arguments);
  }
  dialled.channel_ = grpc::CreateCustomChannel(*endpoint, shown, arguments);
  return dialled;
}

std::string last_error_of(const std::string& said) {
  constexpr std::string_view kMark = "last error: ";
  const std::size_t mark = said.rfind(kMark);
  return mark == std::string::npos ? "" : said.substr(mark + kMark.size());
}

}  // namespace outflow
