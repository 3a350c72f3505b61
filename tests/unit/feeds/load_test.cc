#include "aggregator/feeds/load.h"

#include <array>

#include "aggregator/feeds/range_set.h"
#include "tests/support/catch.h"

using namespace outflow;
using namespace outflow::feeds;
using test::has_text;

namespace {

using Lines = std::vector<std::string>;

Result<Loaded> loaded(Format format, const std::string& text, const Draft::Told& told = {}) {
  const std::array texts{SourceText{"sample", text}};
  return load(format, texts, told);
}

// "Feed/SERVICE/region 192.0.2.0/24", with what is special of the class behind it.
Lines lines_of(const Result<Loaded>& loaded) {
  INFO((loaded ? "" : loaded.error().what));
  REQUIRE(loaded);
  const RangeSet set("F", loaded->classes, loaded->ranges);
  Lines lines;
  for (const Range& range : set.ranges()) {
    const RangeClass& of = set.classes()[range.range_class];
    std::string line = set.text(range.range_class) + " " + range.prefix.to_string();
    if (of.direction == Direction::FromVendor) line += " from";
    if (of.shared) line += " shared";
    if (of.catch_all) line += " all";
    lines.push_back(line);
  }
  return lines;
}

std::uint64_t refused(const Loaded& loaded, Refusal refusal) {
  const auto found = loaded.refused.find(refusal);
  return found == loaded.refused.end() ? 0 : found->second.count;
}

std::string error_of(Format format, const std::string& text) {
  const auto result = loaded(format, text);
  REQUIRE_FALSE(result);
  return result.error().what;
}

}  // namespace

TEST_CASE("AWS: service and region of both families, sources and shared services told apart") {
  const auto aws = loaded(Format::Aws, R"({"syncToken": "1", "prefixes": [
      {"ip_prefix": "192.0.2.0/24", "region": "eu-west-1", "service": "S3"},
      {"ip_prefix": "198.51.100.0/24", "region": "GLOBAL", "service": "ROUTE53_HEALTHCHECKS"},
      {"ip_prefix": "203.0.113.0/24", "region": "eu-west-1", "service": "EC2"}],
    "ipv6_prefixes": [
      {"ipv6_prefix": "2001:db8::/32", "region": "GLOBAL", "service": "AMAZON"}]})");

  CHECK(lines_of(aws) == Lines{"F/AMAZON/GLOBAL 2001:db8::/32 all",
                               "F/S3/eu-west-1 192.0.2.0/24 shared",
                               "F/ROUTE53_HEALTHCHECKS/GLOBAL 198.51.100.0/24 from",
                               "F/EC2/eu-west-1 203.0.113.0/24"});
}

TEST_CASE("Google: a scope is a region, and without a service it is the shared front ends") {
  const auto google = loaded(Format::Google, R"({"prefixes": [
      {"ipv4Prefix": "192.0.2.0/24", "service": "Google Cloud", "scope": "africa-south1"},
      {"ipv6Prefix": "2001:db8::/32"}]})");

  CHECK(lines_of(google) ==
        Lines{"F 2001:db8::/32 shared", "F/Google-Cloud/africa-south1 192.0.2.0/24"});
}

TEST_CASE("Azure: a regional tag is the tag and the region") {
  const auto azure = loaded(Format::Azure, R"({"changeNumber": 1, "cloud": "Public", "values": [
      {"name": "Storage.WestEurope", "properties": {"region": "westeurope",
       "addressPrefixes": ["192.0.2.0/24", "2001:db8::/32"]}},
      {"name": "AzureFrontDoor.Backend", "properties": {"region": "",
       "addressPrefixes": ["198.51.100.0/24"]}},
      {"name": "AzureCloud", "properties": {"region": "", "addressPrefixes": ["192.0.0.0/16"]}}]})");

  CHECK(lines_of(azure) == Lines{"F/Storage/westeurope 2001:db8::/32 shared",
                                 "F/AzureCloud 192.0.0.0/16 all",
                                 "F/Storage/westeurope 192.0.2.0/24 shared",
                                 "F/AzureFrontDoor.Backend 198.51.100.0/24 from"});
}

TEST_CASE("Oracle: a prefix is in every service it is tagged with") {
  const auto oracle = loaded(Format::Oracle, R"({"regions": [{"region": "us-ashburn-1", "cidrs": [
      {"cidr": "192.0.2.0/24", "tags": ["OSN", "OBJECT_STORAGE"]}]}]})");

  CHECK(lines_of(oracle) == Lines{"F/OSN/us-ashburn-1 192.0.2.0/24",
                                  "F/OBJECT_STORAGE/us-ashburn-1 192.0.2.0/24 shared"});
}

TEST_CASE("GitHub: what is dialled is told from where hooks and builds come from, known or new") {
  const auto github = loaded(Format::Github, R"({"verifiable_password_authentication": false,
      "ssh_keys": ["ssh-ed25519 AAAA"], "domains": {"website": ["*.github.com"]}, "numbers": [1],
      "web": ["192.0.2.0/24"], "hooks": ["192.0.2.0/24"], "some_bot": ["198.51.100.1/32"],
      "pages": ["203.0.113.0/24"], "empty": []})");

  CHECK(lines_of(github) == Lines{"F/web 192.0.2.0/24", "F/hooks 192.0.2.0/24 from",
                                  "F/some_bot 198.51.100.1/32 from",
                                  "F/pages 203.0.113.0/24 shared"});
}

TEST_CASE("Cloudflare: text and the API's answer say the same, and all of it is shared") {
  const Lines expected{"F 2001:db8::/32 shared", "F 192.0.2.0/24 shared"};

  CHECK(lines_of(loaded(Format::Cloudflare, "192.0.2.0/24\n2001:db8::/32")) == expected);
  CHECK(lines_of(loaded(Format::Cloudflare, R"( {"success": true, "result": {
      "ipv4_cidrs": ["192.0.2.0/24"], "ipv6_cidrs": ["2001:db8::/32"], "etag": "x"}})")) ==
        expected);
}

TEST_CASE("Fastly, Microsoft 365 and Kubescape's known servers are read") {
  CHECK(lines_of(
            loaded(Format::Fastly, R"({"addresses": ["192.0.2.0/24"], "ipv6_addresses": []})")) ==
        Lines{"F 192.0.2.0/24 shared"});
  CHECK(lines_of(loaded(Format::Microsoft365, R"([
      {"id": 1, "serviceArea": "Exchange", "ips": ["192.0.2.0/24"], "tcpPorts": "443"},
      {"id": 2, "serviceArea": "Common", "urls": ["*.office.example"]}])")) ==
        Lines{"F/Exchange 192.0.2.0/24"});
  const std::string server =
      R"({"kind": "KnownServer", "spec": [{"ipBlock": "192.0.2.0/24", "name": "registry"}]})";
  CHECK(lines_of(loaded(Format::KnownServer, server)) == Lines{"F/registry 192.0.2.0/24"});
  CHECK(lines_of(loaded(Format::KnownServer, R"({"kind": "List", "items": [)" + server + "]}")) ==
        Lines{"F/registry 192.0.2.0/24"});
}

TEST_CASE("a geofeed's region is its second division, or its country") {
  CHECK(lines_of(loaded(Format::Geofeed,
                        "# a comment\r\n"
                        "192.0.2.0/24,NL,NL-NH,Amsterdam,1098 XH\r\n"
                        "198.51.100.0/24, US ,,,\n"
                        "\"203.0.113.0/24\"")) ==
        Lines{"F/NL-NH 192.0.2.0/24", "F/US 198.51.100.0/24", "F 203.0.113.0/24"});
}

TEST_CASE("a list of prefixes has comments, blank lines and bare addresses") {
  CHECK(lines_of(loaded(Format::CidrList,
                        "\xef\xbb\xbf# ours\n\n 192.0.2.0/24  # office\r\n"
                        "; more\n198.51.100.7")) == Lines{"F 192.0.2.0/24", "F 198.51.100.7/32"});
}

TEST_CASE("the manifest's direction and mark of sharing stand above the feed's own") {
  Draft::Told told;
  told.direction = Direction::FromVendor;
  told.shared = true;

  CHECK(lines_of(loaded(Format::CidrList, "192.0.2.0/24", told)) ==
        Lines{"F 192.0.2.0/24 from shared"});
}

TEST_CASE("rows that break a rule are refused, counted by rule, and the first of each is told") {
  const auto list = loaded(Format::CidrList,
                           "192.0.2.0/24\n0.0.0.0/0\n10.0.0.0/8\nfe80::/10\n192.0.2.1/24\n"
                           "96.0.0.0/7\n2600::/19\n<html>\n::ffff:1.2.3.0/120\n192.0.2.0/24\n");

  CHECK(lines_of(list) == Lines{"F 192.0.2.0/24"});
  CHECK(refused(*list, Refusal::DefaultRoute) == 1);
  CHECK(refused(*list, Refusal::SpecialPurpose) == 2);
  CHECK(refused(*list, Refusal::HostBits) == 1);
  CHECK(refused(*list, Refusal::TooWide) == 2);
  CHECK(refused(*list, Refusal::NoPrefix) == 2);
  CHECK(refused(*list, Refusal::Duplicate) == 1);
  CHECK(list->refused.at(Refusal::SpecialPurpose).first == "line 3: '10.0.0.0/8'");
  CHECK(list->refused.at(Refusal::NoPrefix).first == "line 8: '<html>'");
}

TEST_CASE("a name with bytes that are no text, or one too long, refuses its row alone") {
  const std::string start = R"({"prefixes": [{"ipv4Prefix": "192.0.2.0/24"},
      {"ipv4Prefix": "198.51.100.0/24", "scope": ")";

  for (const std::string& name :
       {std::string("a\\nb"), std::string(65, 'x'), std::string("\u00e9")}) {
    const auto google = loaded(Format::Google, start + name + "\"}]}");
    CHECK(lines_of(google) == Lines{"F 192.0.2.0/24 shared"});
    CHECK(refused(*google, Refusal::BadName) == 1);
  }
}

TEST_CASE("bytes that are not of the format are refused with the source and the place") {
  CHECK_THAT(error_of(Format::Aws, "<!DOCTYPE html>"), has_text("sample: is no JSON"));
  CHECK_THAT(error_of(Format::Aws, ""), has_text("is no JSON"));
  CHECK_THAT(error_of(Format::Aws, "[]"), has_text("is no object"));
  CHECK_THAT(error_of(Format::Aws, R"({"prefixes": [{"ip_prefix": 7}]})"),
             has_text("prefixes[0].ip_prefix: is no text"));
  CHECK_THAT(error_of(Format::Azure, R"({"values": {}})"), has_text("values: is no list"));
  CHECK_THAT(error_of(Format::Microsoft365, "{}"), has_text("is no list"));
  CHECK_THAT(error_of(Format::Cloudflare, "<html>\n"),
             has_text("has no prefix that can be used; 1 refused as no-prefix (line 1: '<html>')"));
  CHECK_THAT(error_of(Format::Aws, R"({"prefixes": []})"), has_text("no prefix"));
}

TEST_CASE("several texts are one version, and the one that is wrong is named") {
  const std::array good{SourceText{"v4", "192.0.2.0/24"}, SourceText{"v6", "2001:db8::/32"}};
  const std::array bad{SourceText{"one", R"({"addresses": ["192.0.2.0/24"]})"},
                       SourceText{"two", "{"}};

  CHECK(lines_of(load(Format::CidrList, good, {})).size() == 2);
  const auto refused = load(Format::Fastly, bad, {});
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().what, has_text("two: is no JSON"));
}

TEST_CASE("the words of the formats are read, and no other") {
  CHECK(format_of("aws") == Format::Aws);
  CHECK(format_of("linode") == Format::Geofeed);
  CHECK(to_text(*format_of("cidr-list")) == "cidr-list");
  CHECK_FALSE(format_of("gcp"));
  CHECK_FALSE(format_of(""));
}
