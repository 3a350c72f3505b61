// What the names of a destination leave open, in words.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "aggregator/api/convert.h"
#include "aggregator/api/explain_names.h"
#include "common/names.h"

namespace outflow::api {
namespace {

using attribution::Peer;
using attribution::PeerKind;
using Notes = std::vector<std::string>;

// "a, b and 3 more".
template <class Texts>
std::string listed(const Texts& texts) {
  std::string text;
  std::size_t count = 0;
  for (const auto& one : texts) {
    if (count++ < kNotedMax) text += fmt::format("{}{}", text.empty() ? "" : ", ", one);
  }
  if (count > kNotedMax) text += fmt::format(" and {} more", count - kNotedMax);
  return text;
}

std::string because(const std::set<std::string>& reasons) {
  std::set<std::string> told = reasons;
  told.erase("");
  return told.empty() ? "" : ": " + listed(told);
}

// A range says whose network it is, never who answers in it.
void note_range(const Peer& peer, bool shared, bool named, Notes& notes) {
  if (peer.provider.empty()) {
    if (peer.kind == PeerKind::External) {
      notes.emplace_back("raw address in no published or own range that is known here");
    }
    return;
  }
  if (named && shared) {
    notes.push_back(fmt::format(
        "in {}, shared by many tenants: a rule for the address opens all of them", peer.provider));
  } else if (!named) {
    notes.push_back(fmt::format(
        "raw address in {}{}", peer.provider,
        shared ? ", shared by many tenants: an address there says nothing about who it is"
               : ": the range says whose network it is, and nothing about who answers there"));
  }
}

void note_nameless(const Doubts& doubts, Notes& notes) {
  if (doubts.raw) {
    notes.emplace_back(
        "dialled without a lookup: a raw address; a lookup of the pod would have been seen");
  }
  if (!doubts.opaque.empty()) {
    notes.push_back("opaque resolver: a name may have been asked for where nobody can read it" +
                    because(doubts.opaque));
  }
  if (!doubts.unknown.empty()) {
    notes.push_back("name unknown: a lookup may have been missed" + because(doubts.unknown));
  }
  if (doubts.not_looked) {
    notes.emplace_back(
        "name unknown: nobody looked for one (imported evidence, or an agent that reads no names)");
  }
}

void note_ambiguous(const Doubts& doubts, Notes& notes) {
  if (doubts.ambiguous.empty()) return;
  Notes candidates;
  for (const auto& one : doubts.ambiguous) {
    candidates.push_back(
        fmt::format("{} {:.2f} ({})", one.name, confidence_of(one), to_text(one.basis)));
  }
  notes.push_back("ambiguous: the address had several names when it was dialled: " +
                  listed(candidates));
}

void note_said(const Doubts& doubts, Notes& notes) {
  Notes said;
  Notes strange;
  bool outer = false;
  for (const auto& [one, times] : doubts.said) {
    const bool host = (one.flags & kSaidHost) != 0;
    const bool ech = (one.flags & kSaidEch) != 0;
    outer = outer || ech;
    said.push_back(fmt::format("{} {}{} ({} times)", host ? "Host" : "SNI",
                               one.name.empty() ? "without a name" : one.name, ech ? " (ECH)" : "",
                               times));
    const bool unheard = !one.name.empty() && !ech && !doubts.candidates.contains(one.name);
    if (unheard) strange.push_back(one.name);
  }
  if (said.empty()) return;
  notes.push_back("pods said there: " + listed(said));
  if (outer) {
    notes.emplace_back("with ECH the name said is the outer one, not the one that was meant");
  }
  if (!strange.empty()) {
    notes.push_back("said, and told by no DNS answer that was seen: " + listed(strange) +
                    "; a pod may say anything, so it names nothing");
  }
}

void note_elsewhere(const NameSight& sight, Notes& notes) {
  if (sight.elsewhere().empty()) return;
  Notes others;
  for (const auto& [name, namespaces] : sight.elsewhere()) {
    std::set<std::string> who;
    for (const auto& one : namespaces) who.insert(namespace_text(one));
    others.push_back(fmt::format("{} ({})", name, listed(who)));
  }
  notes.push_back("told to namespaces that are not asked about, too: " + listed(others));
}

}  // namespace

std::vector<std::string> name_notes(const NameSight& sight, const Peer& peer, bool shared) {
  Notes notes;
  const Doubts& doubts = sight.doubts();
  const bool outside = doubts.outside || is_outside(peer.kind);
  if (outside) {
    note_range(peer, shared, peer.kind == PeerKind::Name, notes);
    note_nameless(doubts, notes);
    note_ambiguous(doubts, notes);
    if (doubts.named && !doubts.own_answer) {
      notes.emplace_back(
          "the name was told to other pods only: of the pods that dialled no answer was seen");
    }
    note_said(doubts, notes);
  }
  note_elsewhere(sight, notes);
  if (sight.told_count() > kExplainNamesMax) {
    notes.push_back(fmt::format("{} of {} names and addresses are shown", kExplainNamesMax,
                                sight.told_count()));
  }
  if (outside) notes.emplace_back("reverse DNS (PTR) is never used: it is no evidence of a name");
  return notes;
}

}  // namespace outflow::api
