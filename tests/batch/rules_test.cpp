// Rules, patterns, keys: values only.
#include "iqgate/batch/rules.hpp"

#include "iqgate/base/atomic_file.hpp"
#include "iqgate/base/error.hpp"
#include "iqgate/base/path_text.hpp"
#include "iqgate/batch/discovery.hpp"
#include "iqgate/batch/summary.hpp"
#include "support/support.hpp"

namespace iqgate::batch {
namespace {

TEST(Patterns, StarsAndQuestionMarks) {
  EXPECT_TRUE(matches("", ""));
  EXPECT_FALSE(matches("", "a"));
  EXPECT_TRUE(matches("*", ""));
  EXPECT_TRUE(matches("QA*phantom", "qa daily PHANTOM"));
  EXPECT_TRUE(matches("a*b*c", "a__b__b_c"));
  EXPECT_FALSE(matches("a*b*c", "a__c__b"));
  EXPECT_TRUE(matches("C?", "CT"));
  EXPECT_FALSE(matches("C?", "C"));
  EXPECT_TRUE(matches("[x]*", "[x] y")) << "brackets are letters";
  EXPECT_FALSE(matches(std::string(40, '*') + "b", std::string(4000, 'a'))) << "and it ends";
}

class RulesFile : public ::testing::Test {
 protected:
  test::TemporaryFolder folder;
  std::vector<Rule> read(const std::string& rules) {
    write_file_atomically(folder.path("r.json"), "{\"schema\": \"iqgate.rules/1\", \"rules\": [" + rules + "]}");
    return read_rules(folder.path("r.json"), {"KVP", "SeriesDescription"});
  }
  void expect_refused(const std::string& rules, const std::string& key) {
    try {
      read(rules);
      ADD_FAILURE() << rules;
    } catch (const UsageError& e) {
      EXPECT_NE(std::string(e.what()).find(key), std::string::npos) << e.what();
    }
  }
};

TEST_F(RulesFile, TheFirstMatchWins) {
  const auto rules = read(R"(
    {"name": "scout", "match": {"tags": {"SeriesDescription": "*scout*"}}, "action": "skip"},
    {"name": "low", "match": {"modality": "CT", "folder": "room_1/*", "tags": {"KVP": "80"}}, "action": "measure", "phantom": "catphan_504", "limits": ["a"]},
    {"name": "ct", "match": {"modality": "CT"}, "action": "measure", "metrics": ["noise"]})");
  const auto name = [&](ScanFacts facts) {
    const Rule* rule = first_match(rules, facts);
    return rule ? rule->name : "none";
  };
  EXPECT_EQ(name({"CT", "room_1/today", {{"KVP", "80"}}}), "low");
  EXPECT_EQ(name({"CT", "room_1/today", {{"KVP", "80"}, {"SeriesDescription", "Scout 1"}}}), "scout");
  EXPECT_EQ(name({"CT", "room_2", {{"KVP", "80"}}}), "ct");
  EXPECT_EQ(name({"CT", "room_1/today", {}}), "ct") << "a tag that is not there matches no text but the empty one";
  EXPECT_EQ(name({"MR", "", {}}), "none");
  EXPECT_EQ(rules[2].phantom, "auto");
  EXPECT_TRUE(rules[0].skip);
}

TEST_F(RulesFile, FaultsNameFileAndKey) {
  expect_refused(R"({"name": "a", "action": "mesure"})", "action");
  expect_refused(R"({"name": "a", "action": "measure", "phantm": "x"})", "phantm");
  expect_refused(R"({"name": "a", "action": "measure", "match": {"modlity": "CT"}})", "modlity");
  expect_refused(R"({"name": "a", "action": "measure", "match": {"tags": {"KPV": "80"}}})", "KPV");
  expect_refused(R"({"name": "a", "action": "measure", "match": {"tags": {"KVP": 80}}})", "KVP");
  expect_refused(R"({"name": "a", "action": "skip"}, {"name": "a", "action": "skip"})", "two rules");
  expect_refused("", "rules");
}

TEST(ScanKey, EachPartMakesAnotherKey) {
  const std::string key = scan_key("a", "b", "c");
  EXPECT_EQ(key, scan_key("a", "b", "c"));
  EXPECT_NE(key, scan_key("x", "b", "c"));
  EXPECT_NE(key, scan_key("a", "x", "c"));
  EXPECT_NE(key, scan_key("a", "b", "x")) << "another version of the program measures again";
}

TEST(Expectations, AreReadStrictly) {
  EXPECT_EQ(read_expectation("Aera 1@24h").hours, 24);
  EXPECT_EQ(read_expectation("a@b@7d").hours, 168);
  EXPECT_EQ(read_expectation("a@b@7d").scanner, "a@b");
  for (const char* wrong : {"", "x", "@24h", "x@", "x@h", "x@-1h", "x@nanh", "x@24", "x@24m", "x@1e400h"})
    EXPECT_THROW(read_expectation(wrong), UsageError) << wrong;
}

TEST(PlainText, NothingMovesTheCursorOrTurnsTheLine) {
  EXPECT_EQ(plain_text("a\x1b[31mb\r\n\tc\x7f"), "a?[31mb???c?");
  EXPECT_EQ(plain_text("\xC2\x9B"
                       "31m"),
            "?31m")
      << "C1";
  EXPECT_EQ(plain_text("\xE2\x80\xAE"
                       "abc\xE2\x81\xA6"),
            "?abc?")
      << "right to left";
  EXPECT_EQ(plain_text("Größe µ ≤ 日本"), "Größe µ ≤ 日本");
}

TEST(PathText, AnyBytesComeBack) {
  std::string all;
  for (int c = 1; c < 256; ++c) all += static_cast<char>(c);
  for (const std::string& path : {all, std::string("/a b/%41/%"), std::string("%4"), std::string("")}) {
    const std::string text = path_to_text(path);
    EXPECT_EQ(path_from_text(text), path);
    for (const char c : text) EXPECT_TRUE(c > ' ' && c < 0x7f);
  }
}

}  // namespace
}  // namespace iqgate::batch
