// Where one owner's names end and others' begin, by the public suffix list (publicsuffix.org). Both
// of its sections count: below a private suffix ("s3.amazonaws.com", "github.io") every name is
// another tenant's. Pure: libpsl carries the list as it was when the library was built, and what
// libpsl cannot be asked is made from the packaged list when we are.
#pragma once

#include <string>
#include <string_view>

namespace outflow::analysis {

// The name one registrant holds that `name` is at or below: "example.co.uk" of "a.example.co.uk".
// "" for a public suffix, for what has one label or an empty one, and for what is no DNS name, or
// is an address. A name in no list counts by its last two labels, as the list's own default rule.
[[nodiscard]] std::string registrable_domain(std::string_view name);

// Whether the list has a suffix below the name: part of what is there belongs to others, as
// "s3.amazonaws.com" below "amazonaws.com".
[[nodiscard]] bool has_suffixes_below(std::string_view name);

// Whether everything below the name is one owner's: it has a registrable domain, and neither is
// there a suffix below it.
[[nodiscard]] bool is_one_owners(std::string_view name);

// "public suffix list of 2023-02-09": the age of what libpsl carries.
[[nodiscard]] std::string suffix_list_text();

}  // namespace outflow::analysis
