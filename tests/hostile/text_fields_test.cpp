// The JSON documents, tables, logs and texts that are read, made wrong key by key and cell by cell.
#include <functional>

#include "hostile/corpus.hpp"
#include "iqgate/base/json.hpp"

namespace iqgate::test {
namespace {

using json::Value;

const std::vector<Value>& other_values() {
  static const std::vector<Value> values{nullptr,
                                         true,
                                         -1,
                                         0,
                                         1e308,
                                         -1e-308,
                                         1e15,
                                         std::int64_t{INT64_MAX},
                                         "",
                                         "x",
                                         std::string(5000, 'y'),
                                         "../../x",
                                         "%s%n",
                                         "\xff\xfe",
                                         json::Array{},
                                         json::Array{nullptr},
                                         json::Array{1e308, 1e308, 1e308},
                                         json::Array{0, 0, 0},
                                         json::Array{1, 2},
                                         json::Object{},
                                         json::Object{{"schema", 1}}};
  return values;
}

// Every value of a document, in turn, made another; every key left out, renamed or doubled.
void spoil(const Value& value, const std::function<void(const Value&)>& use) {
  for (const Value& other : other_values()) use(other);
  if (const json::Object* object = value.object()) {
    for (std::size_t k = 0; k < object->size(); ++k) {
      json::Object less = *object, renamed = *object, twice = *object;
      less.erase(less.begin() + static_cast<std::ptrdiff_t>(k));
      renamed[k].key += "_";
      twice.push_back((*object)[k]);
      use(less), use(renamed), use(twice);
      spoil((*object)[k].value, [&](const Value& other) {
        json::Object changed = *object;
        changed[k].value = other;
        use(changed);
      });
    }
  } else if (const json::Array* array = value.array()) {
    // The first and the last stand for all.
    for (const std::size_t k : {std::size_t{0}, array->size() - 1}) {
      if (k >= array->size() || (k > 0 && array->size() == 1)) continue;
      spoil((*array)[k], [&](const Value& other) {
        json::Array changed = *array;
        changed[k] = other;
        use(changed);
      });
    }
  }
}

std::size_t spoil_documents(Corpus& corpus, std::size_t one_in) {
  std::size_t count = 0;
  for (const Seed& seed : seeds_of("documents"))
    spoil(json::parse(seed.bytes, seed.name, ErrorKind::input), [&](const Value& document) {
      if (count++ % one_in == 0)
        corpus.send("documents", json::write(document, 0), seed.name + " " + std::to_string(count));
    });
  return count;
}

TEST(HostileFields, KeysOfDocuments) {
  Corpus corpus("documents, one in ten");
  spoil_documents(corpus, 10);
}

TEST(HostileFieldsLong, EveryKeyOfDocuments) {
  Corpus corpus("documents");
  EXPECT_GT(spoil_documents(corpus, 1), 3000u);
}

TEST(HostileFields, EveryCellOfTables) {
  Corpus corpus("tables");
  for (const Seed& seed : seeds_of("tables")) {
    std::vector<std::size_t> ends;
    for (std::size_t k = 0; k < seed.bytes.size(); ++k)
      if (seed.bytes[k] == ',' || seed.bytes[k] == '\n') ends.push_back(k);
    for (std::size_t k = 0; k + 1 < ends.size(); ++k)
      for (const char* cell : {"", "nan", "inf", "-1", "0", "1e308", "1e-320", "99999", "x", "\"", ",", "\n", "\r",
                               "=1+1", "../x", "\xff", "0x10", "body", "p0"}) {
        std::string bytes = seed.bytes;
        corpus.send("tables", bytes.replace(ends[k] + 1, ends[k + 1] - ends[k] - 1, cell), seed.name + " cell " + cell);
      }
    corpus.refuse("tables", std::string((1 << 20) + 1, 'x'), "too long");
  }
}

TEST(HostileFields, NumbersAndTimes) {
  Corpus corpus("texts");
  for (const char* text : {"",
                           "nan",
                           "inf",
                           "-inf",
                           "1e999",
                           "1e-999",
                           "0x1p3",
                           "1,5",
                           " 1",
                           "1 ",
                           "+1",
                           "--1",
                           "1e",
                           ".",
                           "2026-11-24T14:30:00",
                           "9999999999-01-01T00:00:00",
                           "2026-13-45T99:99:99",
                           "-1-01-01T00:00:00",
                           "2147485547-12-31T23:59:59",
                           "x=nan",
                           "x=1,x=1",
                           "x=",
                           "=1",
                           ",",
                           "x=1,,",
                           "roll=1e308"})
    corpus.send("texts", text, text);
  for (int depth : {10, 63, 64, 65, 10000, 1000000})
    for (const char* open : {"[", "{\"a\":", "[[{\"a\":["}) {
      std::string text;
      for (int k = 0; k < depth; ++k) text += open;
      corpus.refuse("json", text, "nested " + std::to_string(depth));
    }
  for (const char* text : {"{\"a\":1,\"a\":2}", "[1e999]", "[NaN]", "[01]", "[1.]", "\"\xff\"", "\"\\ud800\"",
                           "{\"a\"}", "[1,]", "// only", "\xef\xbb\xbf[1", "1 2", "'a'"})
    corpus.refuse("json", text, text);
}

}  // namespace
}  // namespace iqgate::test
