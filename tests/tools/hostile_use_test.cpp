// Use that must not end in a number, a crash or a lie: values out of range, mixed folders, holes in a folder, config
// files.
#include "iqgate/base/atomic_file.hpp"
#include "support/support.hpp"

namespace iqgate {
namespace {

class Use : public ::testing::Test {
 protected:
  test::TemporaryFolder folder;
  std::string error;
  int run(const std::string& arguments, const std::string& environment = {}) {
    const test::Ran ran = test::run_program(arguments, environment);
    error = ran.err;
    return ran.code;
  }
  std::string water(const std::string& name = "water", const std::string& more = {}) {
    const std::string to = folder.path(name);
    EXPECT_EQ(run("phantoms render water_cylinder --size 160 160 8 --voxel 1.4 1.4 4 " + more + " -o " + to), 0)
        << error;
    return to;
  }
};

TEST_F(Use, NumbersOutOfRangeAreWrongUse) {
  const std::string scan = water();
  for (const char* spacing : {"nan nan nan", "0 0 0", "1e308 1 1", "inf 1 1", "1e-300 1 1", "-1 1 1"})
    EXPECT_EQ(run("measure " + scan + " --phantom water_cylinder --spacing " + spacing), 2) << spacing;
  for (const char* option : {"--pose nan 0 0", "--shift nan 0 0", "--noise inf", "--noise nan", "--noise-tau nan",
                             "--cupping nan", "--size 0 1 1", "--seed 99999999999999999999999"}) {
    EXPECT_EQ(run("phantoms render wire -o " + folder.path("x") + " " + option), 2) << option;
    EXPECT_FALSE(std::filesystem::exists(folder.path("x"))) << option;
  }
}

// Longer than a file may be named: what cannot be looked at is not there, and no fault of the program.
TEST_F(Use, NamesThatAreTooLong) {
  const std::string name(300, 'a');
  for (const std::string& arguments :
       {"verify " + name, "report " + name, "export " + name + " --to json", "inspect " + name,
        "measure " + name + " --phantom water_cylinder", "batch " + name + " --store " + folder.path("store"),
        "batch " + folder.path() + " --store " + name, "watch " + name + " --store " + folder.path("store"),
        "check " + water() + " --phantom " + name, "check " + water() + " --phantom water_cylinder --limits " + name,
        "check " + water() + " --phantom water_cylinder -o " + name, "compare " + name + " --reference " + name,
        "measure " + water() + " --roi " + name, "phantoms render water_cylinder -o " + name, "bench " + name}) {
    const int code = run(arguments);
    EXPECT_TRUE(code == 2 || code == 3 || code == 5) << code << ' ' << arguments.substr(0, 60) << ": " << error;
  }
}

// What people open is put aside for a link that leads nowhere: that is not the result as it was written.
TEST_F(Use, ALinkToNowhereIsNotUnchanged) {
  const std::string result = folder.path("result");
  ASSERT_EQ(run("measure " + water() + " --phantom water_cylinder --metric roi -o " + result), 0) << error;
  ASSERT_EQ(run("report " + result), 0) << error;
  ASSERT_EQ(run("verify " + result), 0) << error;
  for (const char* name : {"report.html", "measurements.csv", "result.h5"}) {
    const std::string file = result + "/" + name, aside = folder.path("aside");
    ASSERT_TRUE(std::filesystem::exists(file)) << name;
    std::filesystem::rename(file, aside);
    std::filesystem::create_symlink(name, file);
    EXPECT_NE(run("verify " + result), 0) << name;
    std::filesystem::remove(file);
    std::filesystem::rename(aside, file);
  }
  EXPECT_EQ(run("verify " + result), 0) << error;
}

TEST_F(Use, AMisspelledMetricAndABadContextComeBeforeAnyScan) {
  EXPECT_EQ(run("measure /nonexistent --phantom water_cylinder --metric roi_men"), 2);
  EXPECT_EQ(run("measure /nonexistent --phantom water_cylinder --context /nonexistent.json"), 2);
}

TEST_F(Use, AMissingDataFolderCostsInspectItsGuessOnly) {
  const std::string scan = water();
  ::setenv("IQGATE_DATA_DIR", "/nonexistent", 1);
  EXPECT_EQ(run("inspect " + scan), 0) << error;
  ::unsetenv("IQGATE_DATA_DIR");
}

TEST_F(Use, APolygonThatCrossesItselfIsRefused) {
  write_file_atomically(folder.path("r.json"), R"({"schema": "iqgate.roi/1", "frame": "patient", "regions": [
    {"name": "star", "kind": "uniform", "shape": "polygon", "points_mm": [[0, 20, 0], [12, -16, 0], [-19, 6, 0], [19, 6, 0], [-12, -16, 0]]}]})");
  EXPECT_EQ(run("measure " + water() + " --roi " + folder.path("r.json")), 2);
  EXPECT_NE(error.find("crosses itself"), std::string::npos) << error;
}

TEST_F(Use, APhantomWithoutModalitiesIsRefused) {
  write_file_atomically(folder.path("p.json"),
                        R"({"schema": "iqgate.phantom/1", "name": "p", "title": "p", "source": "test", "modalities": [],
    "background": "air", "body": {"kind": "none"}, "materials": [{"name": "air", "ct_number_hu": -1000, "source": "x"}],
    "shapes": [], "features": []})");
  EXPECT_EQ(run("phantoms render " + folder.path("p.json") + " -o " + folder.path("x")), 2);
}

TEST_F(Use, ReportRefusesAFolderOfTwoRuns) {
  const std::string a = folder.path("a"), b = folder.path("b");
  ASSERT_EQ(run("measure " + water() + " --phantom water_cylinder -o " + a), 0) << error;
  ASSERT_EQ(run("measure " + water("second", "--seed 2 --noise 9") + " --phantom water_cylinder -o " + b), 0) << error;
  EXPECT_EQ(run("report " + a), 0) << error;
  std::filesystem::copy_file(b + "/result.h5", a + "/result.h5", std::filesystem::copy_options::overwrite_existing);
  EXPECT_EQ(run("report " + a), 3);
  EXPECT_NE(error.find("mixed_results"), std::string::npos) << error;
}

TEST_F(Use, ALinkToAFileThatIsGoneIsAHole) {
  const std::string scan = water();
  std::filesystem::create_symlink("/nonexistent/slice.dcm", scan + "/slice_9999.dcm");
  EXPECT_EQ(run("measure " + scan + " --phantom water_cylinder"), 3);
  EXPECT_NE(error.find("cannot_read"), std::string::npos) << error;
}

TEST_F(Use, ConfigFilesAreReadInEverySpelling) {
  const std::string scan = water(), config = folder.path("c.json");
  write_file_atomically(config, R"({"phantom": "water_cylinder", "metric": ["roi_mean", "noise_sd_hu"], "draws": 60,
                                   "dry-run": true})");
  for (const std::string& spelling : {"-c " + config, "--config=" + config, "-c" + config, "--config " + config})
    EXPECT_EQ(run("measure " + scan + " " + spelling), 0) << spelling << error;
  EXPECT_EQ(run("measure " + scan + " -c " + config + " --phantom=wire -q"), 0) << error;
  write_file_atomically(config, R"({"size": [40, 40, 4], "voxel": [6, 6, 10], "output": "/nonexistent/x"})");
  EXPECT_EQ(run("phantoms render water_cylinder -c " + config + " -o " + folder.path("small")), 0) << error;
  EXPECT_TRUE(std::filesystem::exists(folder.path("small/truth.json")));
  write_file_atomically(config, R"({"help": true})");
  EXPECT_EQ(run("check " + scan + " --phantom water_cylinder -c " + config), 2);
}

// Two scans, each refused for the same wrong use: not a success.
TEST_F(Use, WrongUseInEveryGroupIsWrongUse) {
  const std::string root = folder.path("root");
  water("root/a");
  EXPECT_EQ(run("phantoms render water_cylinder --size 128 128 6 --voxel 1.7 1.7 4 -o " + root + "/b"), 0) << error;
  write_file_atomically(folder.path("roi.json"), R"({"schema": "iqgate.roi/1", "frame": "patient", "regions": [
    {"name": "r", "kind": "uniform", "shape": "disc", "center_mm": [0, 0, 0], "radius_mm": 20}]})");
  const std::string asked = root + " --series all --roi " + folder.path("roi.json");
  EXPECT_EQ(run("measure " + asked + " -q"), 0) << error;
  EXPECT_EQ(run("check " + asked), 2) << error;
  EXPECT_NE(error.find("no_limits"), std::string::npos) << error;
  EXPECT_EQ(run("measure " + asked + " -o " + folder.path("out")), 0) << error;
  EXPECT_NE(error.find("results lie in"), std::string::npos) << error;
}

TEST_F(Use, AFolderNamedReportIsNoFormat) {
  EXPECT_EQ(run("phantoms render wire --size 40 40 2 --voxel 1 1 2 -o " + folder.path("report")), 0) << error;
}

TEST_F(Use, DataFolderThatIsGoneIsSaid) { EXPECT_EQ(run("phantoms list", "IQGATE_DATA_DIR=/nonexistent"), 2); }

}  // namespace
}  // namespace iqgate
