#include "proto/credentials.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>

#include "common/fd.h"
#include "common/file.h"
#include "common/log.h"
#include "common/text.h"
#include "proto/certificate.h"

namespace outflow::tls {
namespace {

namespace tls_api = grpc::experimental;

constexpr unsigned kStagedEvery = 1;  // seconds; the least that gRPC takes

// gRPC's own watcher takes a pair that does not match and then refuses every handshake. So it
// watches files that exist in memory alone, which hold only what was checked.
class MemoryFile {
 public:
  MemoryFile() : file_(::memfd_create("outflow-tls", MFD_CLOEXEC)) {}
  [[nodiscard]] bool valid() const { return file_.valid(); }
  [[nodiscard]] std::string path() const { return "/proc/self/fd/" + std::to_string(file_.get()); }
  // One write, so that a reader sees the old text or the new one; a shorter one is filled up with
  // newlines, which mean nothing between two PEM blocks.
  bool put(std::string text) {
    text.resize(std::max(text.size(), size_), '\n');
    size_ = text.size();
    return ::pwrite(file_.get(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size());
  }

 private:
  Fd file_;
  std::size_t size_ = 0;
};

}  // namespace

struct Credentials::Staged {
  MemoryFile pair;
  MemoryFile authorities;
  std::shared_ptr<tls_api::FileWatcherCertificateProvider> provider;
};

Result<Credentials::Texts> Credentials::read(const Files& files) {
  Texts texts;
  const bool is_text = files.authorities.empty();
  auto authorities = is_text ? files.authorities_text : read_file(files.authorities, kPemBytesMax);
  if (!authorities) return fail(std::move(authorities).error());
  if (auto checked = check_authorities(*authorities); !checked) {
    return fail(std::move(checked).error().within(is_text ? "the authorities" : files.authorities));
  }
  texts.authorities = *std::move(authorities);
  if (files.certificate.empty()) return texts;
  const auto certificate = read_file(files.certificate, kPemBytesMax);
  if (!certificate) return fail(Error(certificate.error()));
  const auto key = read_file(files.key, kPemBytesMax);
  if (!key) return fail(Error(key.error()));
  if (auto checked = check_pair(*certificate, *key); !checked) {
    return fail(std::move(checked).error().within(files.certificate + " and " + files.key));
  }
  const auto said = read_certificate(*certificate);
  if (!said) return fail(Error(said.error()).within(files.certificate));
  if (said->not_after <= SystemClock().now()) {
    return fail(files.certificate + ": expired at " + to_text(said->not_after));
  }
  // One file may hold both.
  texts.pair = files.certificate == files.key ? *certificate : *certificate + "\n" + *key;
  texts.not_after = said->not_after;
  return texts;
}

Result<std::unique_ptr<Credentials>> Credentials::open(const Files& files,
                                                       nanoseconds reload_every) {
  auto staged = std::make_unique<Staged>();
  if (!staged->pair.valid() || !staged->authorities.valid()) {
    return fail("memfd_create: " + errno_text(errno));
  }
  std::unique_ptr<Credentials> made(new Credentials(files, std::move(staged)));
  auto texts = read(files);
  if (!texts) return fail(std::move(texts).error());
  made->texts_ = *std::move(texts);
  Staged& to = *made->staged_;
  const bool has_pair = !made->texts_.pair.empty();
  if (!to.authorities.put(made->texts_.authorities) || !to.pair.put(made->texts_.pair)) {
    return fail("keep certificates in memory: " + errno_text(errno));
  }
  const std::string pair = has_pair ? to.pair.path() : "";
  to.provider = std::make_shared<tls_api::FileWatcherCertificateProvider>(
      pair, pair, to.authorities.path(), kStagedEvery);
  Credentials& running = *made;
  made->thread_ = std::jthread(
      [&running, reload_every](const std::stop_token& stop) { running.run(stop, reload_every); });
  return made;
}

Credentials::Credentials(Files files, std::unique_ptr<Staged> staged)
    : files_(std::move(files)), staged_(std::move(staged)) {}

Credentials::~Credentials() = default;

std::shared_ptr<grpc::ServerCredentials> Credentials::server() const {
  tls_api::TlsServerCredentialsOptions options(staged_->provider);
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  options.set_cert_request_type(GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY);
  return tls_api::TlsServerCredentials(options);
}

std::shared_ptr<grpc::ChannelCredentials> Credentials::channel() const {
  tls_api::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(staged_->provider);
  options.watch_root_certs();
  if (!files_.certificate.empty()) options.watch_identity_key_cert_pairs();
  return tls_api::TlsCredentials(options);
}

TimePoint Credentials::not_after() const {
  const std::lock_guard lock(mutex_);
  return texts_.not_after;
}

std::uint64_t Credentials::generation() const {
  const std::lock_guard lock(mutex_);
  return generation_;
}

bool Credentials::reload() {
  auto texts = read(files_);
  const std::lock_guard lock(mutex_);
  if (!texts) {
    if (texts.error().what != last_error_) {
      log::warn("the TLS files are not taken, those read before stay in use",
                {{"error", texts.error().what}});
    }
    last_error_ = texts.error().what;
    return false;
  }
  if (!last_error_.empty()) log::info("the TLS files are in order again");
  last_error_.clear();
  if (texts->pair == texts_.pair && texts->authorities == texts_.authorities) {
    if (std::exchange(is_fresh_, false)) ++generation_;  // by now gRPC has taken it too
    return true;
  }
  if (!staged_->authorities.put(texts->authorities) || !staged_->pair.put(texts->pair)) {
    last_error_ = "keep certificates in memory: " + errno_text(errno);
    return false;
  }
  texts_ = *std::move(texts);
  is_fresh_ = true;
  log::info("new TLS files are in use", {{"expires", to_text(texts_.not_after)}});
  return true;
}

void Credentials::run(const std::stop_token& stop, nanoseconds every) {
  std::mutex sleeping;
  std::unique_lock lock(sleeping);
  while (!stop.stop_requested()) {
    wake_.wait_for(lock, stop, every, [] { return false; });
    if (!stop.stop_requested()) reload();
  }
}

void expect_server_name(const std::string& name, grpc::ChannelArguments& arguments) {
  if (!name.empty()) arguments.SetSslTargetNameOverride(name);
}

}  // namespace outflow::tls
