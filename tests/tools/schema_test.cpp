// The shipped JSON Schema against what the program writes.
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

#include <fstream>

#include "support/support.hpp"

namespace iqgate {
namespace {

nlohmann::json load(const std::string& path) {
  std::ifstream stream(path);
  return nlohmann::json::parse(stream);
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
  const nlohmann::json document = load(std::string(IQGATE_SOURCE_DIR) + "/phantoms/schema/result.schema.json");
  valijson::Schema schema;
  valijson::SchemaParser parser(valijson::SchemaParser::kDraft7);
  parser.populateSchema(valijson::adapters::NlohmannJsonAdapter(document), schema);
  const auto valid = [&](const nlohmann::json& result) {
    valijson::Validator validator;
    valijson::ValidationResults errors;
    const bool good = validator.validate(schema, valijson::adapters::NlohmannJsonAdapter(result), &errors);
    std::string text;
    for (valijson::ValidationResults::Error e; errors.popError(e);) text += e.description + "\n";
    return std::pair{good, text};
  };
  nlohmann::json result = load(folder.path("out/result.json"));
  EXPECT_TRUE(valid(result).first) << valid(result).second;
  result["measurements"][0].erase("unit");
  EXPECT_FALSE(valid(result).first);
  result = load(folder.path("out/result.json"));
  result["overall"] = "good";
  EXPECT_FALSE(valid(result).first);
}

}  // namespace
}  // namespace iqgate
