#include "aggregator/analysis/suffix.h"

#include "tests/support/catch.h"

using outflow::analysis::has_suffixes_below;
using outflow::analysis::is_one_owners;
using outflow::analysis::registrable_domain;

TEST_CASE("a registrable domain is one label below a public suffix", "[suffix]") {
  CHECK(registrable_domain("api.example.com") == "example.com");
  CHECK(registrable_domain("a.b.example.co.uk") == "example.co.uk");
  CHECK(registrable_domain("example.com") == "example.com");
  CHECK(registrable_domain("co.uk").empty());
}

TEST_CASE("private suffixes are suffixes: what is below them is another tenant's", "[suffix]") {
  CHECK(registrable_domain("a.d111111abcdef8.cloudfront.net") == "d111111abcdef8.cloudfront.net");
  CHECK(registrable_domain("cloudfront.net").empty());
  CHECK(registrable_domain("bucket.s3.amazonaws.com") == "bucket.s3.amazonaws.com");
  CHECK(registrable_domain("s3.amazonaws.com").empty());
  CHECK(registrable_domain("github.io").empty());
  CHECK(registrable_domain("compute.amazonaws.com").empty());
}

TEST_CASE("names in no list count by their last two labels", "[suffix]") {
  CHECK(registrable_domain("db.corp.internal") == "corp.internal");
  CHECK(registrable_domain("internal").empty());
}

TEST_CASE("what is no name has no registrable domain", "[suffix]") {
  for (const char* text : {"", ".", "a..example.com", ".example.com", "example.com.", "192.0.2.1",
                           "EXAMPLE.com", "a b.example.com", "example.123"}) {
    INFO(text);
    CHECK(registrable_domain(text).empty());
  }
}

TEST_CASE("an owner who lets others' names be below is not one owner", "[suffix]") {
  CHECK(has_suffixes_below("amazonaws.com"));
  CHECK(has_suffixes_below("eu-west-1.amazonaws.com"));
  CHECK(has_suffixes_below("com"));
  CHECK_FALSE(has_suffixes_below("example.com"));
  CHECK_FALSE(is_one_owners("amazonaws.com"));
  CHECK_FALSE(is_one_owners("cloudfront.net"));
  CHECK(is_one_owners("cdn.example.com"));
  CHECK(is_one_owners("d111111abcdef8.cloudfront.net"));
}

TEST_CASE("the list says its day", "[suffix]") {
  const std::string text = outflow::analysis::suffix_list_text();

  CHECK(text.starts_with("public suffix list of 20"));
  CHECK(text.size() == std::string("public suffix list of 2023-02-09").size());
}
