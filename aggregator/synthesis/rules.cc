#include "aggregator/synthesis/rules.h"

#include <algorithm>
#include <cassert>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "aggregator/synthesis/describe.h"
#include "aggregator/synthesis/target.h"

namespace outflow::synthesis {
namespace {

using analysis::Need;
using attribution::Peer;
using attribution::PeerKind;

constexpr std::uint16_t kDnsPort = 53;
constexpr std::uint16_t kHighPort = 32768;  // Linux's ip_local_port_range begins here
constexpr std::uint8_t kEchoRequest4 = 8;
constexpr std::uint8_t kEchoRequest6 = 128;

struct Group {
  Target target;
  Protocol protocol{};
  const Need* first = nullptr;     // says what the peer is; of DNS, one that asked
  std::vector<const Need*> needs;  // empty: DNS over the protocol that was not seen
};

// Groups in the order of their first need; DNS ones apart, both protocols of each.
struct Groups {
  std::vector<Group> dns;
  std::vector<Group> others;
};

using GroupKey = std::pair<Target, Protocol>;

Groups group(std::span<const Need> needs, const inventory::Snapshot& snapshot, const Names& names) {
  std::map<GroupKey, std::size_t> index;
  std::vector<Group> all;
  for (const Need& need : needs) {
    if (why_no_rule(need) || why_no_name_rule(need, names)) continue;
    Target target = target_of(need, snapshot);
    const auto [entry, is_new] = index.try_emplace({target, need.protocol}, all.size());
    if (is_new) all.push_back({std::move(target), need.protocol, &need, {}});
    all[entry->second].needs.push_back(&need);
  }
  Groups groups;
  std::set<GroupKey> taken;
  for (const Group& one : all) {
    const auto asked = std::find_if(one.needs.begin(), one.needs.end(),
                                    [&](const Need* need) { return is_dns(*need, snapshot); });
    if (asked == one.needs.end()) continue;
    for (const Protocol protocol : {Protocol::Udp, Protocol::Tcp}) {
      if (!taken.insert({one.target, protocol}).second) continue;
      const auto seen = index.find({one.target, protocol});
      Group dns{one.target, protocol, *asked, {}};
      if (seen != index.end()) dns.needs = all[seen->second].needs;
      groups.dns.push_back(std::move(dns));
    }
  }
  for (Group& one : all) {
    if (!taken.contains({one.target, one.protocol})) groups.others.push_back(std::move(one));
  }
  return groups;
}

std::vector<std::uint16_t> ports_of(const Group& group) {
  if (!has_ports(group.protocol)) return {};
  if (group.needs.empty()) return {group.first->port};
  std::set<std::uint16_t> ports;
  for (const Need* need : group.needs) ports.insert(need->port);
  return {ports.begin(), ports.end()};
}

std::string what_of(const Group& group, const Names& names) {
  const Peer& peer = group.first->peer;
  if (group.target.form == Form::Name) return name_what(*group.first, names);
  std::string what = peer_text(peer, group.first->naming);
  if (group.target.form == Form::Service) {
    if (peer.kind == PeerKind::Workload) {
      what += fmt::format(", by its service {}: it has no stable labels", peer.service);
    }
    what += fmt::format(", port{} {}", ports_of(group).size() == 1 ? "" : "s",
                        fmt::join(ports_of(group), ", "));
  } else if (group.target.form == Form::Pods && group.target.name.empty() &&
             peer.kind == PeerKind::Workload) {
    what += fmt::format(", which has no stable labels: every pod of namespace {} is allowed",
                        peer.namespace_name);
  }
  return what;
}

// A `services` rule may name no port: it allows all the service has, be they seen or not.
bool allows_more_ports(const Group& group, const inventory::Snapshot& snapshot) {
  const inventory::Service* service =
      snapshot.service(group.target.namespace_name, group.target.name);
  if (service == nullptr) return false;
  const auto was_seen = [&](const inventory::ServicePort& port) {
    if (group.needs.empty()) return is_to_port(port, *group.first, snapshot);
    return std::any_of(group.needs.begin(), group.needs.end(),
                       [&](const Need* need) { return is_to_port(port, *need, snapshot); });
  };
  return std::any_of(service->ports.begin(), service->ports.end(), [&](const auto& port) {
    return port.protocol == group.protocol && !was_seen(port);
  });
}

// What a person should look at before the rule is applied, the address first.
std::vector<std::string> reviews_of(const Group& group, const Evidence& evidence,
                                    const Names& names) {
  std::vector<std::string> reviews = name_reviews(group.needs, names);
  if (group.target.form == Form::Nets) {
    const PeerKind kind = group.first->peer.kind;
    if (kind == PeerKind::Node) reviews.emplace_back("this node only: a new node is denied");
    if (kind == PeerKind::External) reviews.emplace_back("a public address: it may change");
    if (kind == PeerKind::Provider) {
      reviews.push_back(
          fmt::format("an address of {} without a name: it may change, and whoever "
                      "else is or comes behind it is allowed too",
                      group.first->peer.name));
    }
  }
  const std::vector<std::uint16_t> ports = ports_of(group);
  if (evidence.one_way && !ports.empty() && ports.back() >= kHighPort) {
    reviews.emplace_back(
        "an unanswered high port may be the answering half of somebody else's conversation");
  }
  return reviews;
}

std::map<std::string, std::string> annotations_for(const Group& group, const Names& names) {
  const Evidence evidence = evidence_of(group.needs);
  std::map<std::string, std::string> annotations;
  if (group.needs.empty()) {
    annotations["outflow.dev/evidence"] =
        "implied: a resolver is asked over TCP for long answers, over UDP for the others";
  } else {
    annotations = annotations_of(evidence);
  }
  annotations["outflow.dev/what"] = what_of(group, names);
  if (!group.first->class_reason.empty()) {
    annotations["outflow.dev/class"] = group.first->class_reason;
  }
  const std::vector<std::string> reviews = reviews_of(group, evidence, names);
  if (!reviews.empty())
    annotations["outflow.dev/review"] = fmt::format("{}", fmt::join(reviews, "; "));
  return annotations;
}

// The rule but for its peer.
Rule rule_of(const Group& group, const Names& names) {
  Rule rule;
  rule.protocol = group.protocol;
  if (group.protocol == Protocol::Icmp) {
    rule.ip_version = 4;
    rule.icmp_type = kEchoRequest4;
  } else if (group.protocol == Protocol::Icmpv6) {
    rule.ip_version = 6;
    rule.icmp_type = kEchoRequest6;
  }
  rule.annotations = annotations_for(group, names);
  return rule;
}

// One rule per at most kPortsMax ports; one without when the protocol has none.
void add_with_ports(const Rule& rule, const std::vector<std::uint16_t>& ports,
                    std::vector<Rule>& rules) {
  std::size_t done = 0;
  do {
    const std::size_t end = std::min(ports.size(), done + kPortsMax);
    Rule part = rule;
    part.ports.assign(ports.begin() + static_cast<std::ptrdiff_t>(done),
                      ports.begin() + static_cast<std::ptrdiff_t>(end));
    rules.push_back(std::move(part));
    done = end;
  } while (done < ports.size());
}

void add_with_nets(const Rule& rule, const std::set<net::Address>& addresses,
                   const std::vector<std::uint16_t>& ports, std::vector<Rule>& rules) {
  for (const bool v4 : {true, false}) {
    const std::uint8_t version = v4 ? 4 : 6;
    // An ICMP echo of the other family cannot be: its rule would be refused.
    if (rule.ip_version && *rule.ip_version != version) continue;
    std::vector<net::Prefix> nets;
    for (const net::Address& address : addresses) {
      if (address.is_v4() == v4) nets.push_back(net::Prefix::host(address));
    }
    for (std::size_t done = 0; done < nets.size(); done += kNetsMax) {
      const std::size_t end = std::min(nets.size(), done + kNetsMax);
      Rule part = rule;
      part.ip_version = version;
      part.nets = NetPeer{{nets.begin() + static_cast<std::ptrdiff_t>(done),
                           nets.begin() + static_cast<std::ptrdiff_t>(end)}};
      add_with_ports(part, ports, rules);
    }
  }
}

std::set<net::Address> addresses_of(const Group& group) {
  std::set<net::Address> addresses;
  for (const Need* need : group.needs) {
    addresses.insert(need->addresses.begin(), need->addresses.end());
  }
  // DNS over the other protocol goes where this one went.
  if (group.needs.empty()) addresses = group.first->addresses;
  return addresses;
}

void add_rules(const Group& group, const inventory::Snapshot& snapshot, const Names& names,
               std::vector<Rule>& rules) {
  Rule rule = rule_of(group, names);
  switch (group.target.form) {
    case Form::Service:
      if (allows_more_ports(group, snapshot)) {
        rule.annotations["outflow.dev/what"] +=
            fmt::format("; all its {} ports are allowed", to_text(group.protocol));
      }
      rule.service = ServicePeer{group.target.name, group.target.namespace_name};
      rules.push_back(std::move(rule));
      return;
    case Form::Pods:
      rule.pods = SelectorPeer{
          fmt::format("kubernetes.io/metadata.name == '{}'", group.target.namespace_name),
          group.target.name};
      add_with_ports(rule, ports_of(group), rules);
      return;
    case Form::Nets:
      add_with_nets(rule, addresses_of(group), ports_of(group), rules);
      return;
    case Form::Name:
      if (has_domains(names.dialect)) {
        rule.domains = DomainPeer{{group.target.name}};
      } else {
        rule.set = SetPeer{set_name(names.namespace_name, group.target.name)};
      }
      add_with_ports(rule, ports_of(group), rules);
      return;
  }
}

// The ClusterIPs a resolver was asked at. Other addresses of a service (node ports, load balancers)
// are always translated, so that `services` matches them.
std::set<net::Address> cluster_addresses_of(const Group& group,
                                            const inventory::Snapshot& snapshot) {
  const inventory::Service* service =
      snapshot.service(group.target.namespace_name, group.target.name);
  std::set<net::Address> addresses;
  for (const net::Address& address : addresses_of(group)) {
    const bool is_cluster_address = service != nullptr
                                        ? std::count(service->cluster_addresses.begin(),
                                                     service->cluster_addresses.end(), address) > 0
                                        : group.first->peer.reason == "cluster-ip";
    if (is_cluster_address) addresses.insert(address);
  }
  return addresses;
}

// A node-local cache answers at the service's own address, which is then never translated: the
// address needs its rule beside the service's.
void add_untranslated(const Group& group, const inventory::Snapshot& snapshot, const Names& names,
                      std::vector<Rule>& rules) {
  if (group.target.form != Form::Service) return;
  Group only_dns{group.target, group.protocol, group.first, {}};
  for (const Need* need : group.needs) {
    if (is_dns(*need, snapshot)) only_dns.needs.push_back(need);
  }
  Rule rule = rule_of(only_dns, names);
  rule.annotations["outflow.dev/what"] +=
      ", by its address: matches only where it is not translated, as with NodeLocal DNSCache";
  add_with_nets(rule, cluster_addresses_of(only_dns, snapshot), {kDnsPort}, rules);
}

}  // namespace

std::vector<Rule> allow_rules(std::span<const Need> needs, const inventory::Snapshot& snapshot,
                              const Names& names) {
  const Groups groups = group(needs, snapshot, names);
  std::vector<Rule> rules;
  for (const Group& one : groups.dns) add_rules(one, snapshot, names, rules);
  for (const Group& one : groups.dns) add_untranslated(one, snapshot, names, rules);
  for (const Group& one : groups.others) add_rules(one, snapshot, names, rules);
  assert(std::all_of(rules.begin(), rules.end(),
                     [&](const Rule& rule) { return is_well_formed(rule, names.dialect); }));
  return rules;
}

}  // namespace outflow::synthesis
