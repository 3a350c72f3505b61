#include "aggregator/apply/cluster.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace outflow::apply {
namespace {

constexpr int kOk = 200;
constexpr int kCreated = 201;
constexpr int kNotFound = 404;
constexpr int kConflict = 409;
constexpr std::size_t kNameMax = 253;  // RFC 1123 subdomain, as Kubernetes bounds it

Error error_of(const std::string& what, const HttpReply& reply) {
  return {fmt::format("{}: HTTP {}: {}", what, reply.status, read_trouble(reply.body).message)};
}

}  // namespace

bool is_name(const std::string& text) {
  const auto is_plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !text.empty() && text.size() <= kNameMax && is_plain(text.front()) &&
         is_plain(text.back()) && std::all_of(text.begin(), text.end(), [&](char c) {
           return is_plain(c) || c == '-' || c == '.';
         });
}

Result<void> Cluster::find_group() {
  if (group_) return {};
  for (const Group& group : {kCalicoApi, kCalicoStore}) {
    const std::string what = fmt::format("/apis/{}", group.name);
    const auto reply = send_({"GET", what, "", ""});
    if (!reply) return fail(Error(reply.error()));
    if (reply->status == kNotFound) continue;
    if (reply->status != kOk) return fail(error_of(what, *reply));
    const auto serves = serves_sets(reply->body);
    if (!serves) return fail(Error(serves.error()).within(what));
    if (!*serves) continue;
    group_ = group;
    return {};
  }
  return fail(fmt::format("the API server has globalnetworksets neither of {} nor of {}",
                          kCalicoApi.name, kCalicoStore.name));
}

std::string Cluster::path(const std::string& name, const std::string& query) const {
  return fmt::format("/apis/{}/globalnetworksets{}{}{}", group_->name, name.empty() ? "" : "/",
                     name, query);
}

Result<std::optional<Current>> Cluster::read(const std::string& name) {
  if (auto found = find_group(); !found) return fail(std::move(found).error());
  const auto reply = send_({"GET", path(name, ""), "", ""});
  if (!reply) return fail(Error(reply.error()));
  if (reply->status == kNotFound) {
    if (read_trouble(reply->body).names_object) return std::optional<Current>();
    // The kind itself went, or moved to the other group.
    group_.reset();
    return fail(error_of(name, *reply));
  }
  if (reply->status != kOk) return fail(error_of(name, *reply));
  auto current = read_set(reply->body, *group_);
  if (!current) return fail(std::move(current).error().within(name));
  return std::optional<Current>(*std::move(current));
}

Result<Applied> Cluster::apply(const std::string& name, const Current& current,
                               const std::vector<net::Prefix>& nets) {
  if (auto found = find_group(); !found) return fail(std::move(found).error());
  const std::string query =
      fmt::format("?fieldManager={}{}{}", kFieldManager, options_.dry_run ? "&dryRun=All" : "",
                  options_.force_conflicts ? "&force=true" : "");
  const auto reply = send_({"PATCH", path(name, query), "application/apply-patch+yaml",
                            nets_patch(*group_, name, current, nets)});
  if (!reply) return fail(Error(reply.error()));
  if (reply->status == kOk || reply->status == kCreated) return Applied();
  const Trouble trouble = read_trouble(reply->body);
  if (reply->status == kConflict) {
    return Applied{trouble.owned_by_other ? Applied::Outcome::Conflict : Applied::Outcome::Raced,
                   trouble.message};
  }
  if (reply->status == kNotFound) return Applied{Applied::Outcome::Gone, trouble.message};
  return fail(error_of(name, *reply));
}

Result<Current> Cluster::create(const Wanted& wanted) {
  if (auto found = find_group(); !found) return fail(std::move(found).error());
  const std::string query =
      fmt::format("?fieldManager={}{}", kFieldManager, options_.dry_run ? "&dryRun=All" : "");
  const auto reply = send_({"POST", path("", query), "application/json", new_set(*group_, wanted)});
  if (!reply) return fail(Error(reply.error()));
  if (reply->status != kCreated && reply->status != kOk) {
    return fail(error_of(wanted.name, *reply));
  }
  if (options_.dry_run) return Current();
  auto current = read_set(reply->body, *group_);
  if (!current) return fail(std::move(current).error().within(wanted.name));
  return current;
}

}  // namespace outflow::apply
