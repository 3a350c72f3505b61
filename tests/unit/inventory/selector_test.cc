#include "aggregator/inventory/selector.h"

#include <random>

#include "tests/support/catch.h"

namespace outflow::inventory {
namespace {

LabelSelector selector(std::string_view text) {
  auto parsed = LabelSelector::parse(text);
  INFO(text << ": " << (parsed ? "" : parsed.error().what));
  REQUIRE(parsed);
  return *parsed;
}

std::string error_of(std::string_view text) {
  const auto parsed = LabelSelector::parse(text);
  return parsed ? "" : parsed.error().what;
}

TEST_CASE("the empty selector matches everything", "[selector]") {
  for (const char* text : {"", "  ", "\t"}) {
    CHECK(selector(text).matches_everything());
    CHECK(selector(text).matches({}));
    CHECK(selector(text).matches({{"a", "b"}}));
  }
  CHECK(LabelSelector().matches_everything());
  CHECK_FALSE(selector("a").matches_everything());
}

TEST_CASE("each operator means what Kubernetes means by it", "[selector]") {
  const Labels x{{"a", "x"}};
  const Labels y{{"a", "y"}};
  const Labels empty{{"a", ""}};
  const Labels none{{"b", "x"}};
  struct Row {
    const char* text;
    bool of_x, of_y, of_empty, of_none;
  };
  for (const Row& row :
       {Row{"a=x", true, false, false, false}, Row{"a==x", true, false, false, false},
        Row{"a!=x", false, true, true, true}, Row{"a in (x,z)", true, false, false, false},
        Row{"a notin (x,z)", false, true, true, true}, Row{"a", true, true, true, false},
        Row{"!a", false, false, false, true}, Row{"a=", false, false, true, false},
        Row{"a!=", true, true, false, true}, Row{"a in ()", false, false, true, false},
        Row{"a in (,x)", true, false, true, false}}) {
    INFO(row.text);
    CHECK(selector(row.text).matches(x) == row.of_x);
    CHECK(selector(row.text).matches(y) == row.of_y);
    CHECK(selector(row.text).matches(empty) == row.of_empty);
    CHECK(selector(row.text).matches(none) == row.of_none);
  }
}

TEST_CASE("all requirements must hold", "[selector]") {
  const LabelSelector wanted = selector("a=b,c!=d,e in (x,y),f notin (z),g,!h");

  CHECK(wanted.matches({{"a", "b"}, {"e", "y"}, {"g", ""}}));
  CHECK_FALSE(wanted.matches({{"a", "b"}, {"c", "d"}, {"e", "y"}, {"g", ""}}));
  CHECK_FALSE(wanted.matches({{"a", "b"}, {"e", "z"}, {"g", ""}}));
  CHECK_FALSE(wanted.matches({{"a", "b"}, {"e", "y"}, {"f", "z"}, {"g", ""}}));
  CHECK_FALSE(wanted.matches({{"a", "b"}, {"e", "y"}}));
  CHECK_FALSE(wanted.matches({{"a", "b"}, {"e", "y"}, {"g", ""}, {"h", ""}}));
}

TEST_CASE("spaces, prefixes and words that look like operators are read", "[selector]") {
  CHECK(selector("  tier  in ( 3-edge , 4-aux ) , app.kubernetes.io/name != x ")
            .matches({{"tier", "4-aux"}}));
  CHECK(selector("tier in(3-edge)").matches({{"tier", "3-edge"}}));
  CHECK(selector("in in (in,notin)").matches({{"in", "notin"}}));
  CHECK(selector("! a").matches({}));
}

TEST_CASE("an error says where and what", "[selector]") {
  struct Row {
    const char* text;
    const char* says;
  };
  for (const Row& row :
       {Row{"a=b,", "position 5"}, Row{",a", "position 1"}, Row{"a=b c", "position 5"},
        Row{"a in x", "position 6"}, Row{"a in (x", "position 8"},
        Row{"a within (x)", "position 3"}, Row{"!a=b", "position 3"}, Row{"!!a", "position 2"},
        Row{"a=b,,c", "position 5"}, Row{"a>5", "position 2"}, Row{"a=\"b\"", "position 3"},
        Row{"=b", "position 1"}, Row{"a=b=c", "position 4"}, Row{"a in (x))", "position 9"}}) {
    INFO(row.text << " -> " << error_of(row.text));
    CHECK_THAT(error_of(row.text), Catch::Matchers::Contains(row.says));
  }
}

TEST_CASE("what can be no label is refused instead of matching nothing", "[selector]") {
  const std::string long_name(64, 'x');
  for (const std::string& text :
       {std::string("-a"), std::string("a-"), std::string("a/b/c"), std::string("/a"),
        std::string("a/"), std::string("a=-x"), std::string("a=x."), std::string("a=b/c"),
        std::string("a in (x,_)"), long_name, "a=" + long_name, std::string(254, 'x') + "/a",
        std::string("a_b/c"), std::string("a=b\nc"), std::string("a=b\0", 4)}) {
    INFO(text);
    CHECK_FALSE(error_of(text).empty());
  }
  CHECK(error_of(std::string(63, 'x') + "=" + std::string(63, 'x')).empty());
}

// Selectors of every form over few names and values, so that they often match.
class Generator {
 public:
  explicit Generator(unsigned seed) : random_(seed) {}

  std::size_t below(std::size_t limit) { return random_() % limit; }
  std::string space() { return std::string(below(3), ' '); }
  std::string key() {
    static const char* const keys[] = {"a", "b", "in", "x.io/notin", "A-1"};
    return keys[below(5)];
  }
  std::string value() {
    static const char* const values[] = {"", "x", "y", "in", "3-edge"};
    return values[below(5)];
  }

  Labels labels() {
    Labels made;
    for (std::size_t n = below(4); n > 0; --n) made[key()] = value();
    return made;
  }

  // A requirement, and whether the labels meet it, by the words of the documentation.
  std::string requirement(const Labels& labels, bool& met) {
    const std::string name = key();
    const auto label = labels.find(name);
    const bool present = label != labels.end();
    const std::size_t form = below(6);
    if (form == 0) return met = met && present, name;
    if (form == 1) return met = met && !present, "!" + space() + name;
    std::string text = value();
    bool listed = present && label->second == text;
    if (form == 2 || form == 3) {
      const bool equal = form == 2;
      met = met && (equal ? listed : !listed);
      const char* const equals = below(2) == 0 ? "=" : "==";
      return name + space() + (equal ? equals : "!=") + space() + text;
    }
    for (std::size_t n = below(3); n > 0; --n) {
      const std::string more = value();
      listed = listed || (present && label->second == more);
      text += space() + "," + space() + more;
    }
    met = met && (form == 4 ? listed : !listed);
    return name + (form == 4 ? " in" : " notin") + space() + "(" + space() + text + space() + ")";
  }

 private:
  std::mt19937 random_;
};

TEST_CASE("any selector matches by the rules, and reads back from its own text", "[selector]") {
  Generator random(20260518);
  int matched = 0;
  for (int round = 0; round < 5000; ++round) {
    const Labels labels = random.labels();
    bool met = true;
    std::string text = random.space();
    for (std::size_t n = random.below(4), first = n; n > 0; --n) {
      if (n != first) text += "," + random.space();
      text += random.requirement(labels, met) + random.space();
    }
    INFO("round " << round << ": " << text);
    const LabelSelector parsed = selector(text);
    REQUIRE(parsed.matches(labels) == met);
    REQUIRE(selector(parsed.to_string()) == parsed);
    matched += met ? 1 : 0;
  }
  CHECK(matched > 500);
  CHECK(matched < 4500);
}

}  // namespace
}  // namespace outflow::inventory
