#include "aggregator/cli/writer.h"

#include <cstdlib>
#include <fstream>
#include <functional>
#include <sstream>

#include <nlohmann/json.hpp>
#include <yaml-cpp/yaml.h>

#include "outflow/v1/query.pb.h"
#include "tests/support/catch.h"
#include "tests/unit/cli/samples.h"

namespace outflow::cli {
namespace {

using MakeWriter = std::function<std::unique_ptr<AnswerWriter>(std::ostream&)>;

std::string written(const MakeWriter& make,
                    const std::vector<const google::protobuf::Message*>& parts) {
  std::ostringstream out;
  const auto writer = make(out);
  for (const auto* part : parts) writer->add(*part);
  writer->finish();
  return out.str();
}

MakeWriter json(const std::string& kind) {
  return [kind](std::ostream& out) { return make_json_writer(out, kind); };
}
MakeWriter yaml(const std::string& kind) {
  return [kind](std::ostream& out) { return make_yaml_writer(out, kind); };
}
MakeWriter csv() {
  return [](std::ostream& out) { return make_csv_writer(out, true); };
}

// With OUTFLOW_UPDATE_GOLDEN=1 the file is rewritten; the review reads the difference.
void check_golden(const std::string& name, const std::string& text) {
  const std::string path = std::string(OUTFLOW_SOURCE_DIR) + "/tests/unit/cli/golden/" + name;
  if (std::getenv("OUTFLOW_UPDATE_GOLDEN") != nullptr)
    std::ofstream(path, std::ios::binary) << text;
  std::ifstream file(path, std::ios::binary);
  const std::string golden((std::istreambuf_iterator<char>(file)),
                           std::istreambuf_iterator<char>());
  INFO(path << " (OUTFLOW_UPDATE_GOLDEN=1 rewrites it)");
  CHECK(text == golden);
}

template <class Answer>
void check_keys(const std::string& kind) {
  Answer answer;
  fill(answer);
  check_golden(kind + ".json", written(json(kind), {&answer}));
}

}  // namespace

TEST_CASE("the JSON keys of every answer are those of its golden file", "[writer]") {
  check_keys<v1::StatusAnswer>("Status");
  check_keys<v1::CoverageAnswer>("CoverageList");
  check_keys<v1::FanoutAnswer>("FanoutList");
  check_keys<v1::TiersAnswer>("TierList");
  check_keys<v1::FlowsAnswer>("FlowList");
  check_keys<v1::ExplainAnswer>("Explanation");
  check_keys<v1::PolicyAnswer>("PolicyList");
  check_keys<v1::BaselineAnswer>("BaselineList");
  check_keys<v1::NewAnswer>("NewList");
  check_keys<v1::PlanAnswer>("Plan");
  check_keys<v1::ImportAnswer>("Import");
  check_keys<v1::DoctorAnswer>("Doctor");
  check_keys<v1::SetsAnswer>("NetworkSetList");
}

TEST_CASE("zero, false, empty and unset fields are present in JSON", "[writer]") {
  v1::FanoutAnswer answer;
  answer.add_items();

  check_golden("FanoutList-zeros.json", written(json("FanoutList"), {&answer}));
}

TEST_CASE("YAML and CSV say what JSON says", "[writer]") {
  v1::FanoutAnswer answer;
  fill(answer);

  check_golden("FanoutList.yaml", written(yaml("FanoutList"), {&answer}));
  check_golden("FanoutList.csv", written(csv(), {&answer}));
}

TEST_CASE("an answer in parts is the same document as in one piece", "[writer]") {
  v1::FlowsAnswer head;
  head.mutable_context()->set_to("2026-05-18T12:00:00Z");
  v1::FlowsAnswer rows;
  rows.add_items()->set_port(443);
  rows.add_items()->set_port(53);
  v1::FlowsAnswer whole = head;
  whole.MergeFrom(rows);

  for (const auto& make : {json("FlowList"), yaml("FlowList"), csv()}) {
    CHECK(written(make, {&head, &rows}) == written(make, {&whole}));
  }
}

TEST_CASE("a list without items is valid JSON and YAML", "[writer]") {
  const v1::FlowsAnswer empty;

  CHECK(nlohmann::json::parse(written(json("FlowList"), {&empty})).at("items").empty());
  CHECK(YAML::Load(written(yaml("FlowList"), {&empty}))["items"].size() == 0);
}

TEST_CASE("every text survives JSON and YAML, whatever it looks like", "[writer]") {
  const std::vector<std::string> texts{
      "",           "true",     "No",          "null",   "~",     "1e5",     "0x1f",        "12:30",
      "2026-05-18", "- a",      "a: b",        "#x",     " lead", "@",       "line\nbreak", "tab\t",
      "quote\"'",   "\x1b[31m", "é",           "{a: 1}", "*x",    "&anchor", "!tag",        "%",
      "inf",        ".nan",     "back\\slash", "y",      "---"};
  v1::FlowsAnswer answer;
  for (const auto& text : texts) answer.add_items()->set_peer(text);

  const auto parsed = nlohmann::json::parse(written(json("FlowList"), {&answer}));
  const auto loaded = YAML::Load(written(yaml("FlowList"), {&answer}));

  for (std::size_t i = 0; i < texts.size(); ++i) {
    CHECK(parsed["items"][i]["peer"].get<std::string>() == texts[i]);
    CHECK(loaded["items"][i]["peer"].as<std::string>() == texts[i]);
    const bool plain = loaded["items"][i]["peer"].Tag() == "?";
    CHECK_FALSE(plain);  // "!" is the tag of a quoted one
  }
}

TEST_CASE("a CSV field is quoted when it must be, as RFC 4180 has it", "[writer]") {
  CHECK(csv_field("plain") == "plain");
  CHECK(csv_field("a,b") == "\"a,b\"");
  CHECK(csv_field("say \"x\"") == "\"say \"\"x\"\"\"");
  CHECK(csv_field("line\nbreak") == "\"line\nbreak\"");
}

TEST_CASE("every CSV row has as many fields as the header", "[writer]") {
  v1::FanoutAnswer answer;
  answer.add_items();  // an empty first field, an empty last one

  const std::string text = written(csv(), {&answer});
  const std::size_t end = text.find("\r\n");
  const auto commas = [](const std::string& line) {
    return std::count(line.begin(), line.end(), ',');
  };

  CHECK(commas(text.substr(0, end)) == commas(text.substr(end)));
  CHECK(commas(text.substr(0, end)) > 10);
}

}  // namespace outflow::cli
