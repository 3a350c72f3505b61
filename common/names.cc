#include "common/names.h"

#include <algorithm>
#include <array>

namespace outflow {
namespace {

// Of answers: what the kernel could not copy, what came in parts that do not fit, what is no DNS,
// and what found no room in a table. Of ClientHellos and requests likewise.
constexpr std::array<std::string_view, 13> kNameLosses{
    "dns_cut",        "dns_limited",     "dns_ring_full",  "dns_stream_gap", "dns_unreadable",
    "dns_names_full", "dns_unparsed",    "said_cut",       "said_limited",   "said_ring_full",
    "said_displaced", "said_stream_gap", "said_names_full"};

}  // namespace

bool is_dns_name_text(std::string_view text) {
  return !text.empty() && text.size() <= kDnsNameMax &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return c > ' ' && c < 0x7f && !(c >= 'A' && c <= 'Z'); });
}

bool is_name_loss(std::string_view reason) {
  return std::find(kNameLosses.begin(), kNameLosses.end(), reason) != kNameLosses.end();
}

bool is_answer_loss(std::string_view reason) {
  return reason.starts_with("dns_") && is_name_loss(reason);
}

}  // namespace outflow
