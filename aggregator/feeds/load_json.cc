#include <algorithm>
#include <array>

#include "aggregator/feeds/loaders.h"
#include "aggregator/inventory/json_value.h"

namespace outflow::feeds {
namespace {

using inventory::Complaint;
using inventory::JsonValue;

void add_all(const JsonValue& list, const RangeClass& range_class, Draft& draft) {
  for (const JsonValue& prefix : list.items()) {
    draft.add(prefix.text(), range_class, prefix.path());
  }
}

void read_aws(const JsonValue& root, Draft& draft) {
  struct Family {
    const char* list;
    const char* prefix;
  };
  for (const Family& family :
       {Family{"prefixes", "ip_prefix"}, Family{"ipv6_prefixes", "ipv6_prefix"}}) {
    for (const JsonValue& row : root[family.list].items()) {
      draft.add(row[family.prefix].text(),
                class_of(Format::Aws, row["service"].text(), row["region"].text()), row.path());
    }
  }
}

void read_google(const JsonValue& root, Draft& draft) {
  for (const JsonValue& row : root["prefixes"].items()) {
    const JsonValue v6 = row["ipv6Prefix"];
    draft.add(v6.present() ? v6.text() : row["ipv4Prefix"].text(),
              class_of(Format::Google, row["service"].text(), row["scope"].text()), row.path());
  }
}

// "Storage.WestEurope" of region westeurope is the tag Storage; "AzureFrontDoor.Frontend" has no
// region, and is a tag.
void read_azure(const JsonValue& root, Draft& draft) {
  for (const JsonValue& value : root["values"].items()) {
    const JsonValue properties = value["properties"];
    std::string tag = value["name"].text();
    std::string region = properties["region"].text();
    if (!region.empty()) tag = tag.substr(0, tag.rfind('.'));
    add_all(properties["addressPrefixes"],
            class_of(Format::Azure, std::move(tag), std::move(region)), draft);
  }
}

void read_oracle(const JsonValue& root, Draft& draft) {
  for (const JsonValue& region : root["regions"].items()) {
    const std::string name = region["region"].text();
    for (const JsonValue& row : region["cidrs"].items()) {
      const std::string prefix = row["cidr"].text();
      for (const JsonValue& tag : row["tags"].items()) {
        draft.add(prefix, class_of(Format::Oracle, tag.text(), name), row.path());
      }
    }
  }
}

// What is dialled by name of the list; every other list of prefixes, one that is new included, is
// of addresses GitHub comes from: a list nobody knows shall not class a destination.
constexpr std::array<std::string_view, 6> kGithubDialled{"api", "copilot",  "git",
                                                         "web", "packages", "pages"};

void read_github(const JsonValue& root, Draft& draft) {
  for (const JsonValue::Member& member : root.members()) {
    if (!member.value.is_list()) continue;
    const auto items = member.value.items();
    // ssh_keys is a list of texts as well.
    if (items.empty() || !items.front().is_text()) continue;
    if (!net::Prefix::parse(items.front().text())) continue;
    RangeClass range_class = class_of(Format::Github, member.key, "");
    const bool dialled =
        std::find(kGithubDialled.begin(), kGithubDialled.end(), member.key) != kGithubDialled.end();
    if (!dialled) range_class.direction = Direction::FromVendor;
    add_all(member.value, range_class, draft);
  }
}

void read_cloudflare(const JsonValue& root, Draft& draft) {
  const RangeClass all = class_of(Format::Cloudflare, "", "");
  add_all(root["result"]["ipv4_cidrs"], all, draft);
  add_all(root["result"]["ipv6_cidrs"], all, draft);
}

void read_fastly(const JsonValue& root, Draft& draft) {
  const RangeClass all = class_of(Format::Fastly, "", "");
  add_all(root["addresses"], all, draft);
  add_all(root["ipv6_addresses"], all, draft);
}

void read_microsoft_365(const JsonValue& root, Draft& draft) {
  for (const JsonValue& row : root.items()) {
    add_all(row["ips"], class_of(Format::Microsoft365, row["serviceArea"].text(), ""), draft);
  }
}

void read_known_servers(const JsonValue& root, Draft& draft) {
  std::vector<JsonValue> objects = root["items"].items();
  if (objects.empty()) objects.push_back(root);
  for (const JsonValue& object : objects) {
    for (const JsonValue& row : object["spec"].items()) {
      draft.add(row["ipBlock"].text(), class_of(Format::KnownServer, row["name"].text(), ""),
                row.path());
    }
  }
}

struct Reader {
  Format format;
  void (*read)(const JsonValue& root, Draft& draft);
};
constexpr std::array kReaders{
    Reader{Format::Aws, read_aws},
    Reader{Format::Google, read_google},
    Reader{Format::Azure, read_azure},
    Reader{Format::Oracle, read_oracle},
    Reader{Format::Github, read_github},
    Reader{Format::Cloudflare, read_cloudflare},
    Reader{Format::Fastly, read_fastly},
    Reader{Format::Microsoft365, read_microsoft_365},
    Reader{Format::KnownServer, read_known_servers},
};

}  // namespace

Result<void> read_json(Format format, const std::string& text, Draft& draft) {
  simdjson::dom::parser parser;
  simdjson::dom::element document;
  if (const auto error = parser.parse(text).get(document)) {
    return fail(std::string("is no JSON: ") + simdjson::error_message(error));
  }
  Complaint complaint;
  const JsonValue root(document, "", complaint);
  for (const Reader& reader : kReaders) {
    if (reader.format == format) reader.read(root, draft);
  }
  if (!complaint.text().empty()) return fail(complaint.text());
  return {};
}

}  // namespace outflow::feeds
