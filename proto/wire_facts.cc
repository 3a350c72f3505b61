#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "proto/wire.h"

namespace outflow::wire {
namespace {

// 1970 to 2262.
constexpr std::int64_t kTimeMax = 9'000'000'000'000'000'000;

// One line of text: no control characters, so that no log or table is written to by a node.
bool one_line(const std::string& text, std::size_t bytes_max) {
  return text.size() <= bytes_max && std::all_of(text.begin(), text.end(), [](char c) {
           const auto byte = static_cast<unsigned char>(c);
           return byte >= 0x20 && byte != 0x7f;
         });
}

// The same made of any text.
std::string line_of(std::string text, std::size_t bytes_max) {
  if (text.size() > bytes_max) text.resize(bytes_max);
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c < 0x20 || c >= 0x7f; }, ' ');
  return text;
}

bool is_one_of(const std::string& text, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

Result<void> check_texts(const v1::NodeFacts& message) {
  if (!one_line(message.kernel(), kFactTextMax)) return fail("kernel: not one line of 128 bytes");
  if (!is_one_of(message.hook_mode(), {"", "tcx", "clsact"})) return fail("hook_mode: unknown");
  if (!is_one_of(message.bpf_jit(), {"", "on", "off"})) return fail("bpf_jit: unknown");
  if (!is_one_of(message.lockdown(), {"", "none", "integrity", "confidentiality"})) {
    return fail("lockdown: unknown");
  }
  if (!is_one_of(message.self_test(), {"", "ok", "failed"})) return fail("self_test: unknown");
  if (!one_line(message.self_test_error(), kFactReasonMax)) {
    return fail("self_test_error: not one line of 512 bytes");
  }
  return {};
}

Result<void> check_numbers(const v1::NodeFacts& message) {
  const std::array<std::pair<const char*, std::int64_t>, 4> times{
      {{"agent_start_ns", message.agent_start_ns()},
       {"sent_at_ns", message.sent_at_ns()},
       {"round_trip_ns", message.round_trip_ns()},
       {"certificate_expiry_ns", message.certificate_expiry_ns()}}};
  for (const auto& [name, ns] : times) {
    if (ns < 0 || ns > kTimeMax) return fail(fmt::format("{}: out of range", name));
  }
  if (message.clock_moved_ns() < -kTimeMax || message.clock_moved_ns() > kTimeMax) {
    return fail("clock_moved_ns: out of range");
  }
  return {};
}

}  // namespace

v1::NodeFacts to_message(const NodeFacts& facts) {
  v1::NodeFacts message;
  message.set_kernel(line_of(facts.kernel, kFactTextMax));
  message.set_btf(facts.btf);
  message.set_hook_mode(facts.hook_mode);
  message.set_bpf_jit(facts.bpf_jit);
  message.set_lockdown(facts.lockdown);
  message.set_conntrack(facts.conntrack);
  message.set_interfaces_seen(facts.interfaces_seen);
  message.set_interfaces_hooked(facts.interfaces_hooked);
  message.set_interfaces_failed(facts.interfaces_failed);
  for (const HookFailure& failure : facts.failures) {
    if (static_cast<std::size_t>(message.failures_size()) == kHookFailuresMax) break;
    v1::HookFailure& row = *message.add_failures();
    row.set_interface(line_of(failure.interface_name, kInterfaceNameMax));
    row.set_reason(line_of(failure.reason, kFactReasonMax));
  }
  message.set_agent_start_ns(unix_ns(facts.agent_start));
  message.set_clock_moved_ns(facts.clock_moved.count());
  message.set_sent_at_ns(unix_ns(facts.sent_at));
  message.set_round_trip_ns(facts.round_trip.count());
  message.set_certificate_expiry_ns(unix_ns(facts.certificate_expiry));
  message.set_self_test(facts.self_test);
  message.set_self_test_error(line_of(facts.self_test_error, kFactReasonMax));
  return message;
}

Result<NodeFacts> to_facts(const v1::NodeFacts& message) {
  if (auto texts = check_texts(message); !texts) return fail(std::move(texts).error());
  if (auto numbers = check_numbers(message); !numbers) return fail(std::move(numbers).error());
  if (static_cast<std::size_t>(message.failures_size()) > kHookFailuresMax) {
    return fail(fmt::format("failures: {} entries, at most {} allowed", message.failures_size(),
                            kHookFailuresMax));
  }
  NodeFacts facts;
  for (const v1::HookFailure& row : message.failures()) {
    if (!one_line(row.interface(), kInterfaceNameMax) || !one_line(row.reason(), kFactReasonMax)) {
      return fail(fmt::format("failures[{}]: not two short lines", facts.failures.size()));
    }
    facts.failures.push_back({row.interface(), row.reason()});
  }
  facts.kernel = message.kernel();
  facts.btf = message.btf();
  facts.hook_mode = message.hook_mode();
  facts.bpf_jit = message.bpf_jit();
  facts.lockdown = message.lockdown();
  facts.conntrack = message.conntrack();
  facts.interfaces_seen = message.interfaces_seen();
  facts.interfaces_hooked = message.interfaces_hooked();
  facts.interfaces_failed = message.interfaces_failed();
  facts.agent_start = from_unix_ns(message.agent_start_ns());
  facts.clock_moved = nanoseconds(message.clock_moved_ns());
  facts.sent_at = from_unix_ns(message.sent_at_ns());
  facts.round_trip = nanoseconds(message.round_trip_ns());
  facts.certificate_expiry = from_unix_ns(message.certificate_expiry_ns());
  facts.self_test = message.self_test();
  facts.self_test_error = message.self_test_error();
  return facts;
}

}  // namespace outflow::wire
