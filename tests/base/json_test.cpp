#include "iqgate/base/json.hpp"

#include "support/support.hpp"

namespace iqgate {
namespace {

json::Value parse(const std::string& text) { return json::parse(text, "file.json", ErrorKind::usage); }

TEST(Json, KeepsOrderAndTypes) {
  const auto v = parse(R"({"b": 1, "a": [true, null, "x", 2.5], "c": {"d": -3}} // a comment)");
  EXPECT_EQ(json::write(v, 0), R"({"b": 1, "a": [true, null, "x", 2.5], "c": {"d": -3}})");
}

TEST(Json, RefusesEqualKeysAndRubbish) {
  for (const char* text :
       {R"({"a": 1, "a": 2})", R"({"a": 1)", "", "{} {}", R"({"a": NaN})", R"({"a": 1e999})", R"({'a': 1})"})
    EXPECT_THROW(parse(text), UsageError) << text;
  EXPECT_THROW(parse(std::string(100, '[') + std::string(100, ']')), UsageError);
}

TEST(Json, NumbersReadBackTheSame) {
  for (const double d : {0.1, 1.0 / 3, 1e-300, -123456789.125, 5e-324})
    EXPECT_EQ(*parse(json::number_text(d)).number(), d);
  EXPECT_THROW(json::number_text(NAN), std::logic_error);
  EXPECT_THROW(json::number_text(INFINITY), std::logic_error);
  // Its text must not change when it is read and written again: entries of the decision log are compared as text.
  EXPECT_EQ(json::number_text(-0.0), "-0.0");
  EXPECT_EQ(json::write(parse("-0.0"), 0), "-0.0");
}

TEST(Json, StringsAreAlwaysValid) {
  const std::string hostile("a\"\\\n\x01\xff\xc3\xa9\xed\xa0\x80", 12);
  const std::string text = json::write(json::Value(hostile), 0);
  const auto back = parse(text);
  EXPECT_EQ(back.string()->substr(0, 5), std::string("a\"\\\n\x01"));
  EXPECT_NE(back.string()->find("\xc3\xa9"), std::string::npos);
}

TEST(Json, FieldsNameFileAndKeyOfAFault) {
  const auto v = parse(R"({"known": 1, "mistyped": 2})");
  json::Fields fields(v, "limits.json", "", ErrorKind::usage);
  EXPECT_EQ(fields.number("known"), 1);
  try {
    fields.done();
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_NE(std::string(error.what()).find("limits.json"), std::string::npos);
    EXPECT_NE(std::string(error.what()).find("mistyped"), std::string::npos);
    EXPECT_EQ(error.code, "unknown_key");
  }
  EXPECT_THROW(fields.text("known"), UsageError);
  EXPECT_THROW(fields.number("absent"), UsageError);
}

}  // namespace
}  // namespace iqgate
