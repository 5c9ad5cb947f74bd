// The shipped JSON Schemas against what the program writes.
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "iqgate/base/atomic_file.hpp"
#include "support/batch_world.hpp"
#include "support/support.hpp"

namespace iqgate {
namespace {

nlohmann::json load(const std::string& path) {
  std::ifstream stream(path);
  return nlohmann::json::parse(stream);
}

// What is wrong with a document by a shipped schema; empty: nothing.
std::string faults(const std::string& schema_name, const nlohmann::json& document) {
  const nlohmann::json text = load(std::string(IQGATE_SOURCE_DIR) + "/phantoms/schema/" + schema_name + ".schema.json");
  valijson::Schema schema;
  valijson::SchemaParser parser(valijson::SchemaParser::kDraft7);
  parser.populateSchema(valijson::adapters::NlohmannJsonAdapter(text), schema);
  valijson::Validator validator;
  valijson::ValidationResults errors;
  if (validator.validate(schema, valijson::adapters::NlohmannJsonAdapter(document), &errors)) return {};
  std::string all = "not valid\n";
  for (valijson::ValidationResults::Error e; errors.popError(e);) all += e.description + "\n";
  return all;
}

TEST(Schema, ResultsFollowTheShippedSchema) {
  test::TemporaryFolder folder;
  ASSERT_EQ(test::run_program("phantoms render water_cylinder --size 160 160 8 --voxel 1.4 1.4 4 -q -o " +
                              folder.path("scan"))
                .code,
            0);
  ASSERT_EQ(
      test::run_program("check " + folder.path("scan") + " --phantom water_cylinder -q -o " + folder.path("out")).code,
      0);
  nlohmann::json result = load(folder.path("out/result.json"));
  EXPECT_EQ(faults("result", result), "");
  result["measurements"][0].erase("unit");
  EXPECT_NE(faults("result", result), "");
  result = load(folder.path("out/result.json"));
  result["overall"] = "good";
  EXPECT_NE(faults("result", result), "");
}

// Each line of a night with a good and a cut scan, its summary, and what the alarm is told, once of the night and once
// of a folder that is not there.
TEST(Schema, NightsFollowTheShippedSchemas) {
  test::TemporaryFolder folder;
  test::write_small_scan(folder.path("in/good"), 1);
  test::write_small_scan(folder.path("in/cut"), 2);
  for (const auto& file : std::filesystem::directory_iterator(folder.path("in/cut")))
    std::filesystem::resize_file(file.path(), std::filesystem::file_size(file.path()) / 2);
  write_file_atomically(folder.path("alarm.sh"), "cat > " + folder.path("alarm.json") + "\n");
  const auto night = [&](const std::string& root) {
    return test::run_program(
        "batch " + root + " --store " + folder.path("store") +
        " --phantom water_cylinder --metric roi_mean --json --expect nobody@24h --on-fail /bin/sh " +
        folder.path("alarm.sh"));
  };
  const test::Ran ran = night(folder.path("in"));
  EXPECT_EQ(ran.code, 4) << ran.err;
  std::map<std::string, int> seen;
  std::istringstream lines(ran.out);
  nlohmann::json document;
  for (std::string line; std::getline(lines, line);) {
    document = nlohmann::json::parse(line);
    const std::string name = document["schema"].get<std::string>();
    const std::string schema = name.substr(name.find('.') + 1, name.find('/') - name.find('.') - 1);
    EXPECT_EQ(faults(schema, document), "") << schema;
    ++seen[schema];
  }
  EXPECT_EQ(seen, (std::map<std::string, int>{{"batch", 1}, {"not_analysed", 4}, {"result", 1}}))
      << "each cut file alone";
  EXPECT_EQ(document, load(folder.path("store/summary.json")));
  document["found"] = -1;
  EXPECT_NE(faults("batch", document), "");
  nlohmann::json alarm = load(folder.path("alarm.json"));
  EXPECT_EQ(faults("alarm", alarm), "");
  EXPECT_EQ(faults("batch", alarm["summary"]), "");
  alarm["scans"][0].erase("code");
  EXPECT_NE(faults("alarm", alarm), "");
  EXPECT_EQ(night(folder.path("nowhere")).code, 3);
  alarm = load(folder.path("alarm.json"));
  EXPECT_EQ(faults("alarm", alarm), "");
  EXPECT_TRUE(alarm.contains("exit_code"));
}

}  // namespace
}  // namespace iqgate
