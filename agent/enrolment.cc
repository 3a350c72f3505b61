#include "agent/enrolment.h"

#include <sys/stat.h>

#include <algorithm>
#include <random>

#include <grpcpp/grpcpp.h>

#include "agent/files.h"
#include "common/log.h"
#include "common/text.h"
#include "outflow/v1/enroll.grpc.pb.h"
#include "proto/bearer.h"

namespace outflow::agent {
namespace {

constexpr auto kDeadline = std::chrono::seconds(20);
constexpr double kSpread = 0.1;  // a twentieth to either side

double chance() {
  static thread_local std::mt19937 random(std::random_device{}());
  return std::uniform_real_distribution<double>(0, 1)(random);
}

}  // namespace

TimePoint renewal_of(const tls::Certificate& certificate, double chance) {
  const auto life = std::chrono::duration<double>(certificate.not_after - certificate.not_before);
  const auto after = life * (2.0 / 3.0 + (chance - 0.5) * kSpread);
  return certificate.not_before + std::chrono::duration_cast<nanoseconds>(after);
}

Result<std::unique_ptr<Enrolment>> Enrolment::start(Setup setup) {
  if (auto made = make_directories(setup.directory); !made) return fail(std::move(made).error());
  auto anonymous = tls::Credentials::open({"", "", setup.authorities});
  if (!anonymous) return fail(std::move(anonymous).error().within("--tls-ca"));
  std::unique_ptr<Enrolment> made(new Enrolment(std::move(setup), *std::move(anonymous)));
  // What an agent before us left; without it, or when it has ended, a new one is asked for.
  if (auto used = made->use(); !used) log::info("enrolling", {{"because", used.error().what}});
  Enrolment& running = *made;
  made->thread_ = std::jthread([&running](const std::stop_token& stop) { running.run(stop); });
  return made;
}

Enrolment::Enrolment(Setup setup, std::unique_ptr<tls::Credentials> anonymous)
    : setup_(std::move(setup)), anonymous_(std::move(anonymous)) {}

Enrolment::~Enrolment() = default;

const tls::Credentials* Enrolment::credentials() const {
  const std::lock_guard lock(mutex_);
  return credentials_.get();
}

std::string Enrolment::last_error() const {
  const std::lock_guard lock(mutex_);
  return last_error_;
}

Result<void> Enrolment::use() {
  {
    const std::lock_guard lock(mutex_);
    if (credentials_ != nullptr) {
      if (credentials_->reload()) return {};
      return fail("the new certificate cannot be used");
    }
  }
  auto opened = tls::Credentials::open({pem_path(), pem_path(), setup_.authorities});
  if (!opened) return fail(std::move(opened).error());
  const std::lock_guard lock(mutex_);
  credentials_ = *std::move(opened);
  return {};
}

Result<void> Enrolment::enrol() {
  const auto token = read_token(setup_.token_file);
  if (!token) return fail(Error(token.error()).within("--enroll-token"));
  auto drawn = tls::make_request();
  if (!drawn) return fail(std::move(drawn).error());
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kDeadline);
  context.AddMetadata("authorization", "Bearer " + *token);
  v1::EnrollRequest request;
  request.set_request_pem(drawn->request_pem);
  v1::EnrollAnswer answer;
  const auto channel = setup_.connect(*anonymous_);
  const auto status = v1::Enrollment::NewStub(channel)->Enroll(&context, request, &answer);
  if (!status.ok()) return fail("enrol: " + status.error_message());
  if (answer.node() != setup_.node) {
    return fail("enrol: the token is of node " + answer.node() + ", --node-name is " + setup_.node);
  }
  if (auto checked = tls::check_pair(answer.certificate_pem(), drawn->key_pem); !checked) {
    return fail(std::move(checked).error().within("enrol: the answer"));
  }
  const std::string pem = answer.certificate_pem() + drawn->key_pem;
  if (auto written = write_file(pem_path(), pem, true); !written) {
    return fail(std::move(written).error().within("--tls-dir"));
  }
  return use();
}

TimePoint Enrolment::due() const {
  if (credentials() == nullptr) return SystemClock().now();
  const auto pem = read_file(pem_path());
  if (!pem || !*pem) return SystemClock().now();
  const auto certificate = tls::read_certificate(**pem);
  return certificate ? renewal_of(*certificate, chance()) : SystemClock().now();
}

void Enrolment::run(const std::stop_token& stop) {
  nanoseconds retry = setup_.retry_min;
  std::mutex sleeping;
  std::unique_lock lock(sleeping);
  TimePoint at = due();
  while (!stop.stop_requested()) {
    const auto wait = std::max(nanoseconds(0), at - SystemClock().now());
    wake_.wait_for(lock, stop, wait, [] { return false; });
    if (stop.stop_requested()) return;
    const auto enrolled = enrol();
    const std::string error = enrolled ? "" : enrolled.error().what;
    const std::string before = last_error();
    if (!error.empty() && error != before) {
      log::warn("no new certificate, trying again", {{"error", error}});
    }
    if (enrolled) log::info("enrolled", {{"node", setup_.node}});
    {
      const std::lock_guard told(mutex_);
      last_error_ = error;
    }
    if (enrolled) {
      retry = setup_.retry_min;
      at = due();
      continue;
    }
    at = SystemClock().now() +
         std::chrono::duration_cast<nanoseconds>(std::chrono::duration<double, std::nano>(retry) *
                                                 (0.5 + chance() / 2));
    retry = std::min(retry * 2, setup_.retry_max);
  }
}

}  // namespace outflow::agent
