#include "agent/facts.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <utility>

#include "agent/files.h"

namespace outflow::agent {
namespace {

// "" when it cannot be read.
std::string content_of(const char* path) {
  const auto content = read_file(path);
  return content && *content ? **content : "";
}

// bpf_jit_enable: 0 off, 1 on, 2 on and dumped (Documentation/admin-guide/sysctl/net.rst). Kernels
// that always compile have no off.
std::string jit() {
  const std::string text = content_of("/proc/sys/net/core/bpf_jit_enable");
  if (text.empty()) return "";
  return text.front() == '0' ? "off" : "on";
}

NodeFacts read_fixed() {
  NodeFacts facts;
  utsname name{};
  if (::uname(&name) == 0) facts.kernel = static_cast<const char*>(name.release);
  facts.btf = ::access("/sys/kernel/btf/vmlinux", R_OK) == 0;
  facts.bpf_jit = jit();
  facts.lockdown = chosen_word(content_of("/sys/kernel/security/lockdown"));
  return facts;
}

}  // namespace

std::string chosen_word(const std::string& text) {
  const std::size_t open = text.find('[');
  const std::size_t close = text.find(']', open == std::string::npos ? 0 : open);
  if (open == std::string::npos || close == std::string::npos) return "";
  const std::string word = text.substr(open + 1, close - open - 1);
  return word == "none" || word == "integrity" || word == "confidentiality" ? word : "";
}

FactSource::FactSource(Setup setup, const Clock& clock)
    : setup_(std::move(setup)),
      clock_(clock),
      started_(clock.now()),
      started_steady_(std::chrono::steady_clock::now()),
      fixed_(read_fixed()) {
  fixed_.hook_mode = setup_.hook_mode;
  fixed_.agent_start = started_;
}

void FactSource::self_tested(const Result<void>& outcome) {
  const MutexLock lock(mutex_);
  self_test_ = outcome ? "ok" : "failed";
  self_test_error_ = outcome ? "" : outcome.error().what;
}

NodeFacts FactSource::facts(nanoseconds round_trip) const {
  NodeFacts facts = fixed_;
  HookSight hooks = setup_.hooks();
  facts.interfaces_seen = hooks.seen;
  facts.interfaces_hooked = hooks.hooked;
  facts.interfaces_failed = hooks.failed;
  facts.failures = std::move(hooks.failures);
  // It comes with its module, which may be loaded later than the agent.
  facts.conntrack = ::access("/proc/sys/net/netfilter/nf_conntrack_max", F_OK) == 0;
  facts.clock_moved =
      (clock_.now() - started_) - (std::chrono::steady_clock::now() - started_steady_);
  facts.round_trip = round_trip;
  facts.certificate_expiry = setup_.certificate_expiry();
  const MutexLock lock(mutex_);
  facts.self_test = self_test_;
  facts.self_test_error = self_test_error_;
  return facts;
}

}  // namespace outflow::agent
