// The doctor's checks of one node whose agent has reported.
#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "aggregator/api/doctor_check.h"
#include "common/text.h"

namespace outflow::api {
namespace {

// The oldest kernel the programs are made for, and the first with tcx (bpf/README.md).
constexpr std::pair<int, int> kKernelMin{5, 14};
constexpr std::pair<int, int> kKernelTcx{6, 6};
// A name that starts with no such number compares as nothing: {0, 0}.
std::pair<int, int> version_of(const std::string& kernel) {
  std::pair<int, int> version{0, 0};
  const char* const end = kernel.data() + kernel.size();
  const auto [dot, error] = std::from_chars(kernel.data(), end, version.first);
  if (error != std::errc() || dot == end || *dot != '.') return {0, 0};
  std::from_chars(dot + 1, end, version.second);
  return version;
}

Finding reports_finding(const NodeSight& node, TimePoint now) {
  const std::string found =
      fmt::format("last {}, {} ago", to_text(node.last_report),
                  span_text(std::max<nanoseconds>(now - node.last_report, nanoseconds(0))));
  if (!node.late) return {kOk, found, ""};
  if (!node.in_inventory) return {kWarn, found, "the inventory has no such node: it may be gone"};
  return {kFail, found, "look at the agent of that node: its log, and the way to the aggregator"};
}

Finding kernel_finding(const NodeFacts& facts) {
  if (facts.kernel.empty()) return {kUnknown, "not told", "the agent could not ask its kernel"};
  if (version_of(facts.kernel) < kKernelMin) {
    return {kFail, facts.kernel, "this kernel is older than the programs are made for"};
  }
  return {kOk, facts.kernel, ""};
}

Finding features_finding(const NodeFacts& facts) {
  const auto word = [](const std::string& text) { return text.empty() ? "not readable" : text; };
  const std::string found = fmt::format("JIT {}, lockdown {}, conntrack {}", word(facts.bpf_jit),
                                        word(facts.lockdown), facts.conntrack ? "yes" : "no");
  if (facts.bpf_jit == "off") {
    return {kWarn, found, "every packet is interpreted: set net.core.bpf_jit_enable=1"};
  }
  if (facts.lockdown == "confidentiality") {
    return {kWarn, found,
            "this lockdown keeps BPF from much; the self-test says whether from ours"};
  }
  if (!facts.conntrack) {
    return {kWarn, found, "connections older than the agent are not told from new ones"};
  }
  return {kOk, found, ""};
}

Finding mode_finding(const NodeFacts& facts) {
  if (facts.hook_mode.empty()) return {kUnknown, "not told", "update the agent"};
  const bool could_tcx = version_of(facts.kernel) >= kKernelTcx;
  if (facts.hook_mode == "clsact" && could_tcx) {
    return {kWarn, "clsact, where the kernel has tcx", "start the agent with --attach auto"};
  }
  return {kOk, facts.hook_mode, ""};
}

Finding hooks_finding(const NodeFacts& facts) {
  std::string found = fmt::format("{} of {} pods' interfaces hooked", facts.interfaces_hooked,
                                  facts.interfaces_seen);
  if (facts.interfaces_failed > 0) {
    found += fmt::format(", {} failed", facts.interfaces_failed);
    for (const HookFailure& failure : facts.failures) {
      found += fmt::format("; {}: {}", failure.interface_name, failure.reason);
    }
    if (facts.failures.size() < facts.interfaces_failed) {
      found += fmt::format("; {} more", facts.interfaces_failed - facts.failures.size());
    }
    return {kFail, found, "what these pods send is not seen; the agent tries again every second"};
  }
  if (facts.interfaces_seen == 0) {
    return {kWarn, found, "if pods run there: does --interface-pattern match their interfaces?"};
  }
  if (facts.interfaces_hooked < facts.interfaces_seen) {
    return {kWarn, found, "ask again: an interface may just have come"};
  }
  return {kOk, found, ""};
}

Finding clock_finding(const FactBoard::Told& told) {
  if (told.facts.sent_at == TimePoint()) {
    return {kUnknown, "not told", "update the agent"};
  }
  const nanoseconds skew = skew_of(told);
  const bool bounded = told.facts.round_trip > nanoseconds(0);
  const nanoseconds size = skew < nanoseconds(0) ? -skew : skew;
  const std::string how =
      bounded ? fmt::format(
                    "when a batch came against the node's clock when it was sent, less its "
                    "round trip of {}",
                    span_text(told.facts.round_trip))
              : "when a batch came against the node's clock when it was sent; round trip not known";
  if (size < std::chrono::milliseconds(1)) return {kOk, "agrees (" + how + ")", ""};
  const std::string found = fmt::format("{} {} the aggregator ({})", span_text(size),
                                        skew < nanoseconds(0) ? "ahead of" : "behind", how);
  const char* const state = size > kSkewFail ? kFail : size > kSkewWarn ? kWarn : kOk;
  return {state, found, "let NTP set the clocks of the node and of the aggregator"};
}

Finding steps_finding(const NodeFacts& facts) {
  const nanoseconds moved =
      facts.clock_moved < nanoseconds(0) ? -facts.clock_moved : facts.clock_moved;
  const std::string found = fmt::format("moved by {} since the agent's start ({})",
                                        span_text(moved), to_text(facts.agent_start));
  return {moved > kSkewWarn ? kWarn : kOk, found,
          "times of evidence around the step are off by it; let NTP slew instead"};
}

Finding self_test_finding(const NodeFacts& facts) {
  if (facts.self_test.empty()) return {kUnknown, "not run", "run outflow-agent --self-test there"};
  if (facts.self_test == "ok") return {kOk, "a made packet was recorded", ""};
  return {kFail, facts.self_test_error,
          "run outflow-agent --self-test there with --log-level debug"};
}

Finding losses_finding(const NodeSight& node) {
  std::uint64_t lost = 0;
  std::string reasons;
  for (const auto& [reason, count] : node.losses) {
    if (count == 0) continue;
    lost += count;
    reasons += fmt::format("{}{} {}", reasons.empty() ? "" : ", ", reason, count);
  }
  if (lost == 0) return {kOk, "none", ""};
  const double share = static_cast<double>(lost) / static_cast<double>(lost + node.packets);
  return {share > kLossShareFail ? kFail : kWarn,
          fmt::format("{} today ({}) beside {} packets recorded: {:.3f} %", lost, reasons,
                      node.packets, 100 * share),
          "bpf/README.md says what each reason is; the day does not count as fully watched"};
}

// Without names nothing is missing from the evidence, so that none of this is a failure.
Finding names_finding(const NodeSight& node) {
  if (!node.told->reads_names) {
    return {kWarn, "DNS answers are not read: no flow of this node gets a name",
            "run an agent there that reads names (outflow-agent --help); until then answers say "
            "that names are unknown"};
  }
  std::uint64_t lost = 0;
  std::string reasons;
  for (const auto& [reason, count] : node.name_losses) {
    lost += count;
    reasons += fmt::format("{}{} {}", reasons.empty() ? "" : ", ", reason, count);
  }
  if (lost == 0) return {kOk, "read, none lost", ""};
  return {kWarn, fmt::format("read, {} lost since yesterday ({})", lost, reasons),
          "no flow is missing, but its name may be: answers call it unknown and not a raw address; "
          "bpf/README.md says what each reason is"};
}

Finding version_finding(const NodeSight& node, const std::string& own) {
  return {node.agent_version == own ? kOk : kWarn,
          node.agent_version.empty() ? "not told" : node.agent_version,
          "run the same version on both sides"};
}

void examine_facts(const FactBoard::Told& told, TimePoint now, Checks& checks) {
  const NodeFacts& facts = told.facts;
  checks.add("kernel", "5.14 or later", kernel_finding(facts));
  checks.add("btf", "/sys/kernel/btf/vmlinux readable",
             {facts.btf ? kOk : kWarn, facts.btf ? "yes" : "no",
              "a kernel with CONFIG_DEBUG_INFO_BTF tells more when something fails"});
  checks.add("features", "JIT on, no confidentiality lockdown, conntrack", features_finding(facts));
  checks.add("hook-mode", "tcx from 6.6 on, clsact before", mode_finding(facts));
  checks.add("hooks", "every pod's interface", hooks_finding(facts));
  checks.add("clock", "within 2s (fails from 30s on)", clock_finding(told));
  checks.add("clock-steps", "within 2s of a steady clock", steps_finding(facts));
  checks.add("self-test", "passed", self_test_finding(facts));
  checks.add("agent-certificate", "1h or longer",
             facts.certificate_expiry == TimePoint()
                 ? Finding{kWarn, "none: the agent speaks in plaintext",
                           "give the agent --tls-ca and a certificate or --enroll-token"}
                 : certificate_finding(facts.certificate_expiry, now, kAgentCertificateSoon,
                                       "look why the agent does not enrol again: its log says it"));
}

}  // namespace

nanoseconds skew_of(const FactBoard::Told& told) {
  const nanoseconds difference = told.received - told.facts.sent_at;
  if (difference <= nanoseconds(0)) return difference;  // ahead, by this and the way here at least
  return std::max(nanoseconds(0), difference - told.facts.round_trip);
}

void examine_node(const NodeSight& node, const DoctorSight& sight,
                  std::vector<v1::DoctorCheck>& all) {
  Checks checks(all, node.name);
  checks.add("reports", "one within 2m", reports_finding(node, sight.now));
  checks.add("agent-version", sight.version, version_finding(node, sight.version));
  checks.add("losses", "none", losses_finding(node));
  if (!node.told) {
    checks.add("facts", "told within a minute",
               {kUnknown, "the agent has not told of its node",
                "ask again in a minute; an agent older than the aggregator may never tell"});
    return;
  }
  checks.add("names", "DNS answers are read, none lost since yesterday", names_finding(node));
  examine_facts(*node.told, sight.now, checks);
}

}  // namespace outflow::api
