#include "aggregator/access/review.h"

#include <simdjson.h>

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace outflow::access {
namespace {

namespace dom = simdjson::dom;

constexpr std::string_view kExtraNode = "authentication.kubernetes.io/node-name";
constexpr std::string_view kExtraPod = "authentication.kubernetes.io/pod-name";
constexpr std::string_view kExtraPodUid = "authentication.kubernetes.io/pod-uid";
constexpr int kShownMax = 200;  // bytes of a server's message in an error

std::string json_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out + '"';
}

bool is_utf8(const std::string& text) {
  return simdjson::validate_utf8(text.data(), text.size());
}

// A string member; "" when it is absent.
Result<std::string> text_at(const dom::object& object, std::string_view key) {
  dom::element element;
  if (object[key].get(element) != simdjson::SUCCESS || element.is_null()) return std::string();
  std::string_view text;
  if (element.get(text) != simdjson::SUCCESS) return fail(fmt::format("{}: not a string", key));
  return std::string(text);
}

Result<std::vector<std::string>> texts_at(const dom::object& object, std::string_view key) {
  std::vector<std::string> texts;
  dom::element element;
  if (object[key].get(element) != simdjson::SUCCESS || element.is_null()) return texts;
  dom::array array;
  if (element.get(array) != simdjson::SUCCESS) return fail(fmt::format("{}: not a list", key));
  for (const dom::element item : array) {
    std::string_view text;
    if (item.get(text) != simdjson::SUCCESS) return fail(fmt::format("{}: not strings", key));
    if (texts.size() == kGroupsMax) return fail(fmt::format("{}: more than {}", key, kGroupsMax));
    texts.emplace_back(text);
  }
  return texts;
}

// The `status` of a review, or why there is none.
Result<dom::object> status_of(dom::parser& parser, const Reply& reply) {
  if (reply.body.size() > kReplyBytesMax) return fail("the answer is larger than a review can be");
  dom::element root;
  if (parser.parse(reply.body).get(root) != simdjson::SUCCESS) {
    return fail(fmt::format("HTTP {}, and the answer is no JSON", reply.status));
  }
  dom::object object;
  if (root.get(object) != simdjson::SUCCESS) return fail("the answer is no object");
  if (reply.status < 200 || reply.status > 299) {
    const auto message = text_at(object, "message");
    return fail(fmt::format("HTTP {}: {:.{}}", reply.status, message.value_or(""), kShownMax));
  }
  dom::object status;
  if (object["status"].get(status) != simdjson::SUCCESS) return fail("status: none in the answer");
  return status;
}

Result<bool> flag_at(const dom::object& object, std::string_view key) {
  dom::element element;
  if (object[key].get(element) != simdjson::SUCCESS || element.is_null()) return false;
  bool flag = false;
  if (element.get(flag) != simdjson::SUCCESS) return fail(fmt::format("{}: not a boolean", key));
  return flag;
}

// The only value of an extra; one of several would be a guess.
Result<std::string> extra_at(const dom::object& user, std::string_view key) {
  dom::object extra;
  if (user["extra"].get(extra) != simdjson::SUCCESS) return std::string();
  const auto values = texts_at(extra, key);
  if (!values) return fail(Error(values.error()));
  return values->size() == 1 ? values->front() : std::string();
}

Result<TokenUser> user_in(const dom::object& status) {
  dom::object user;
  if (status["user"].get(user) != simdjson::SUCCESS) return fail("status.user: none");
  auto name = text_at(user, "username");
  auto groups = texts_at(user, "groups");
  auto node = extra_at(user, kExtraNode);
  auto pod = extra_at(user, kExtraPod);
  auto pod_uid = extra_at(user, kExtraPodUid);
  for (const auto* part : {&name, &node, &pod, &pod_uid}) {
    if (!*part) return fail(Error(part->error()).within("status.user"));
  }
  if (!groups) return fail(Error(groups.error()).within("status.user"));
  if (name->empty()) return fail("status.user.username: empty");
  return TokenUser{*name, *groups, *node, *pod, *pod_uid};
}

// base64url without padding (RFC 4648, 5); what is no such character ends it.
std::string decoded(std::string_view text) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string out;
  unsigned bits = 0;
  unsigned held = 0;
  for (const char c : text) {
    const std::size_t value = kAlphabet.find(c);
    if (value == std::string_view::npos) break;
    held = ((held << 6U) | static_cast<unsigned>(value)) & 0xffffU;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    out += static_cast<char>((held >> bits) & 0xffU);
  }
  return out;
}

}  // namespace

std::string token_review(std::string_view token, std::string_view audience) {
  return fmt::format(R"({{"apiVersion":"authentication.k8s.io/v1","kind":"TokenReview",)"
                     R"("spec":{{"token":{},"audiences":[{}]}}}})",
                     json_text(token), json_text(audience));
}

Result<std::optional<TokenUser>> read_token_review(const Reply& reply, std::string_view audience) {
  dom::parser parser;
  const auto status = status_of(parser, reply);
  if (!status) return fail(Error(status.error()).within("TokenReview"));
  const auto authenticated = flag_at(*status, "authenticated");
  const auto audiences = texts_at(*status, "audiences");
  if (!authenticated) return fail(Error(authenticated.error()).within("TokenReview: status"));
  if (!audiences) return fail(Error(audiences.error()).within("TokenReview: status"));
  if (!*authenticated) return std::optional<TokenUser>();
  if (std::find(audiences->begin(), audiences->end(), audience) == audiences->end()) {
    return std::optional<TokenUser>();
  }
  auto user = user_in(*status);
  if (!user) return fail(std::move(user).error().within("TokenReview"));
  return std::optional<TokenUser>(*std::move(user));
}

std::optional<std::string> access_review(const std::string& user,
                                         const std::vector<std::string>& groups, const Deed& deed) {
  std::string listed;
  for (const std::string& group : groups) {
    if (!is_utf8(group)) return std::nullopt;
    listed += (listed.empty() ? "" : ",") + json_text(group);
  }
  if (!is_utf8(user) || !is_utf8(deed.name) || !is_utf8(deed.namespace_name)) return std::nullopt;
  return fmt::format(R"({{"apiVersion":"authorization.k8s.io/v1","kind":"SubjectAccessReview",)"
                     R"("spec":{{"user":{},"groups":[{}],"resourceAttributes":)"
                     R"({{"verb":{},"group":{},"resource":{},"namespace":{},"name":{}}}}}}})",
                     json_text(user), listed, json_text(deed.verb), json_text(deed.group),
                     json_text(deed.resource), json_text(deed.namespace_name),
                     json_text(deed.name));
}

Result<bool> read_access_review(const Reply& reply) {
  dom::parser parser;
  const auto status = status_of(parser, reply);
  if (!status) return fail(Error(status.error()).within("SubjectAccessReview"));
  const auto allowed = flag_at(*status, "allowed");
  const auto denied = flag_at(*status, "denied");
  if (!allowed) return fail(Error(allowed.error()).within("SubjectAccessReview: status"));
  if (!denied) return fail(Error(denied.error()).within("SubjectAccessReview: status"));
  return *allowed && !*denied;
}

std::optional<TimePoint> token_end(std::string_view token) {
  const std::size_t first = token.find('.');
  if (first == std::string_view::npos) return std::nullopt;
  const std::string payload = decoded(token.substr(first + 1));
  dom::parser parser;
  std::int64_t seconds = 0;
  if (parser.parse(payload)["exp"].get(seconds) != simdjson::SUCCESS) return std::nullopt;
  constexpr std::int64_t kLast = 9'223'372'036;  // nanoseconds in 64 bits end in 2262
  return TimePoint(std::chrono::seconds(std::clamp<std::int64_t>(seconds, 0, kLast)));
}

}  // namespace outflow::access
