// Any bytes as a DNS message: an outcome, and names and addresses that may travel. What a whole
// message tells, it tells as the beginning of one, too.
#include <cstdint>
#include <vector>

#include "agent/dns_message.h"

namespace {

using outflow::agent::DnsMessage;
using outflow::agent::DnsOutcome;

void check(const DnsMessage& message) {
  if ((message.outcome == DnsOutcome::Told) == message.addresses.empty()) __builtin_trap();
  if (message.addresses.size() > outflow::agent::kDnsRecordsMax) __builtin_trap();
  for (const auto& told : message.addresses) {
    if (!outflow::is_dns_name_text(message.name)) __builtin_trap();
    if (!told.target.empty() && !outflow::is_dns_name_text(told.target)) __builtin_trap();
    if (told.target == message.name || told.ttl_s > outflow::kTtlMaxSeconds) __builtin_trap();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::vector<std::uint8_t> bytes(data, data + size);  // its end is guarded
  const DnsMessage whole = outflow::agent::read_dns_message(bytes, false);
  const DnsMessage begun = outflow::agent::read_dns_message(bytes, true);
  check(whole);
  check(begun);
  if (whole.outcome == DnsOutcome::Told && whole.addresses != begun.addresses) __builtin_trap();
  return 0;
}
