#include "aggregator/access/authority.h"

#include <algorithm>
#include <array>

#include <openssl/sha.h>

#include "proto/bearer.h"

namespace outflow::access {
namespace {

tl::unexpected<grpc::Status> no_good_token() {
  return refuse(grpc::StatusCode::UNAUTHENTICATED,
                "the token is not good for this aggregator: expired, revoked or of another "
                "audience");
}

std::string digest_of(const std::string& token) {
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): OpenSSL's bytes are unsigned
  SHA256(reinterpret_cast<const unsigned char*>(token.data()), token.size(),
         reinterpret_cast<unsigned char*>(digest.data()));  // NOLINT(*-reinterpret-cast)
  return digest;
}

// Lengths are part of it: no two users or deeds give one key, whatever their names hold.
std::string key_of(const Identity& user, const Deed& deed) {
  std::string key;
  const auto add = [&key](const std::string& part) {
    key += std::to_string(part.size()) + ":" + part;
  };
  for (const auto* part :
       {&user.name, &deed.verb, &deed.group, &deed.resource, &deed.namespace_name, &deed.name}) {
    add(*part);
  }
  for (const std::string& group : user.groups) add(group);
  return digest_of(key);  // 32 bytes, however many groups there are
}

// Room for one more: first by forgetting what has ended, then everything. Only the API server pays.
template <class Map>
void make_room(Map& remembered, std::size_t max, TimePoint now) {
  if (remembered.size() < max) return;
  for (auto entry = remembered.begin(); entry != remembered.end();) {
    entry = entry->second.until <= now ? remembered.erase(entry) : std::next(entry);
  }
  if (remembered.size() >= max) remembered.clear();
}

}  // namespace

bool Authority::is_admin(const Identity& user) const {
  return std::any_of(user.groups.begin(), user.groups.end(), [this](const std::string& group) {
    const auto& admins = setup_.admin_groups;
    return std::find(admins.begin(), admins.end(), group) != admins.end();
  });
}

Checked<Reply> Authority::ask(std::string_view path, const std::string& body) {
  const bool has_room = ++inside_ <= kAskingMax + kWaitingMax;
  const bool has_turn = has_room && turns_.try_acquire_for(kWait);
  auto reply = has_turn ? setup_.ask(path, body) : Result<Reply>(Reply());
  if (has_turn) turns_.release();
  --inside_;
  if (!has_turn) {
    return refuse(grpc::StatusCode::RESOURCE_EXHAUSTED,
                  "too many questions to the API server at once; try again");
  }
  if (!reply) {
    return refuse(grpc::StatusCode::UNAVAILABLE, "ask the API server: " + reply.error().what);
  }
  return *std::move(reply);
}

Checked<TokenUser> Authority::user_of(const std::string& token) {
  if (!is_token(token)) return refuse(grpc::StatusCode::UNAUTHENTICATED, "that is no token");
  if (!setup_.ask) {
    return refuse(grpc::StatusCode::UNAUTHENTICATED,
                  "tokens need an aggregator that asks the API server; show a certificate");
  }
  const TimePoint now = clock_.now();
  const std::string digest = digest_of(token);
  {
    const MutexLock lock(mutex_);
    const auto found = users_.find(digest);
    if (found != users_.end() && found->second.until > now) {
      if (!found->second.user) return no_good_token();
      return *found->second.user;
    }
  }
  const auto reply = ask(kTokenReviewPath, token_review(token, setup_.audience));
  if (!reply) return tl::unexpected<grpc::Status>(reply.error());
  const auto read = read_token_review(*reply, setup_.audience);
  if (!read) return refuse(grpc::StatusCode::UNAVAILABLE, read.error().what);
  const nanoseconds time = *read ? kRemembered : kRefusalRemembered;
  const TimePoint until = std::min(now + time, token_end(token).value_or(TimePoint::max()));
  const MutexLock lock(mutex_);
  make_room(users_, kTokensMax, now);
  users_[digest] = {*read, *read ? until : now + time};
  if (!*read) return no_good_token();
  return **read;
}

Checked<bool> Authority::may(const Identity& user, const Deed& deed) {
  if (is_admin(user)) return true;
  if (!setup_.ask) return false;
  const TimePoint now = clock_.now();
  const std::string key = key_of(user, deed);
  {
    const MutexLock lock(mutex_);
    const auto found = answers_.find(key);
    if (found != answers_.end() && found->second.until > now) return found->second.allowed;
  }
  const auto body = access_review(user.name, user.groups, deed);
  if (!body) return false;
  const auto reply = ask(kAccessReviewPath, *body);
  if (!reply) return tl::unexpected<grpc::Status>(reply.error());
  const auto allowed = read_access_review(*reply);
  if (!allowed) return refuse(grpc::StatusCode::UNAVAILABLE, allowed.error().what);
  const MutexLock lock(mutex_);
  make_room(answers_, kDeedsMax, now);
  answers_[key] = {*allowed, now + kRemembered};
  return *allowed;
}

}  // namespace outflow::access
