// The program as a stranger meets it: exit codes, streams, words.
#include <fstream>
#include <iterator>

#include "iqgate/base/atomic_file.hpp"
#include "iqgate/base/json.hpp"
#include "support/support.hpp"

namespace iqgate {
namespace {

using test::Ran;

class Program : public ::testing::Test {
 protected:
  test::TemporaryFolder folder;
  Ran run(const std::string& arguments, const std::string& environment = {}) {
    return test::run_program(arguments, environment);
  }
  std::string water() {
    const std::string to = folder.path("water");
    if (!std::filesystem::exists(to))
      EXPECT_EQ(run("phantoms render water_cylinder --size 160 160 8 --voxel 1.4 1.4 4 -o " + to).code, 0);
    return to;
  }
};

TEST_F(Program, HelpOpensWithExamples) {
  const Ran r = run("--help");
  EXPECT_EQ(r.code, 0);
  EXPECT_LT(r.out.find("Examples"),
            r.out.find("OPTIONS") == std::string::npos ? r.out.find("Options") : r.out.find("OPTIONS"));
  for (const char* verb :
       {"inspect", "measure", "check", "report", "phantoms", "metrics", "selftest", "bench", "devices"}) {
    const Ran v = run(std::string(verb) + " --help");
    EXPECT_EQ(v.code, 0) << verb;
    EXPECT_NE(v.out.find("Examples"), std::string::npos) << verb;
  }
  EXPECT_EQ(run("--version").code, 0);
}

TEST_F(Program, WrongUseIsTwoAndSaysWhatIsNear) {
  EXPECT_EQ(run("").code, 2);
  const Ran verb = run("mesure x");
  EXPECT_EQ(verb.code, 2);
  EXPECT_NE(verb.err.find("measure"), std::string::npos);
  EXPECT_TRUE(verb.out.empty());
  const Ran option = run("measure " + water() + " --phantm wire");
  EXPECT_EQ(option.code, 2);
  EXPECT_NE(option.err.find("--phantom"), std::string::npos);
  const Ran name = run("measure " + water() + " --phantom watercylinder");
  EXPECT_EQ(name.code, 2);
  EXPECT_NE(name.err.find("water_cylinder"), std::string::npos);
  EXPECT_EQ(run("measure").code, 2);
  EXPECT_EQ(run("measure " + water()).code, 2);
  EXPECT_EQ(run("measure " + water() + " --phantom wire --backend tpu").code, 2);
  EXPECT_EQ(run("measure " + water() + " --phantom wire --max-memory lots").code, 2);
  EXPECT_EQ(run("check " + water() + " --phantom water_cylinder --limits nothing").code, 2);
}

TEST_F(Program, CheckPassesFailsAndLeavesVerdicts) {
  const Ran pass = run("check " + water() + " --phantom water_cylinder -o " + folder.path("out"));
  EXPECT_EQ(pass.code, 0) << pass.err;
  EXPECT_NE(pass.out.find("overall: pass"), std::string::npos);
  EXPECT_EQ(pass.out.find("\x1b["), std::string::npos);  // a pipe gets no colour
  write_file_atomically(
      folder.path("l.json"),
      R"({"schema": "iqgate.limits/1", "name": "l", "source": "s", "edition": "1", "limits": [{"name": "noise_sd_hu", "unit": "HU", "act": [null, 2], "source": "x"}]})");
  EXPECT_EQ(run("check " + water() + " --phantom water_cylinder --limits " + folder.path("l.json")).code, 1);
  const std::string before = folder.path("out/report.html");
  std::filesystem::remove(before);
  EXPECT_EQ(run("report " + folder.path("out")).code, 0);
  EXPECT_TRUE(std::filesystem::exists(before));
}

TEST_F(Program, JsonIsOneDocumentOnStdout) {
  for (const std::string& arguments :
       {"measure " + water() + " --phantom water_cylinder --metric noise --json", "inspect " + water() + " --json",
        std::string("metrics --json"), std::string("devices --json"), std::string("phantoms list --json")}) {
    const Ran r = run(arguments);
    EXPECT_EQ(r.code, 0) << r.err;
    EXPECT_NO_THROW(json::parse(r.out, "stdout", ErrorKind::input)) << arguments;
  }
  const Ran quiet = run("measure " + water() + " --phantom water_cylinder --metric noise -q");
  EXPECT_TRUE(quiet.err.empty()) << quiet.err;
}

TEST_F(Program, BadInputIsThreeAndLeavesNothingBehind) {
  const std::string out = folder.path("never");
  EXPECT_EQ(run("measure /nonexistent --phantom wire -o " + out).code, 3);
  EXPECT_EQ(run("measure " + folder.path() + " --phantom wire -o " + out).code, 3);
  const std::string first = water() + "/slice_0004.dcm";
  std::filesystem::resize_file(first, 3000);
  const Ran cut = run("check " + water() + " --phantom water_cylinder -o " + out);
  EXPECT_EQ(cut.code, 3);
  EXPECT_NE(cut.err.find("[truncated]"), std::string::npos) << cut.err;
  EXPECT_NE(cut.err.find("what to do"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(out));
  EXPECT_EQ(run("inspect " + water()).code, 3);
  EXPECT_EQ(run("report " + folder.path("absent")).code, 3);
}

TEST_F(Program, AMissingDeviceIsSixOnlyWhenDemanded) {
  EXPECT_EQ(run("measure " + water() + " --phantom water_cylinder --metric noise --backend cuda").code, 6);
  const Ran fallback = run("measure " + water() + " --phantom water_cylinder --metric noise --json");
  EXPECT_EQ(fallback.code, 0);
  EXPECT_NE(fallback.out.find("cuda not used"), std::string::npos);
  EXPECT_EQ(run("measure " + water() + " --phantom water_cylinder --metric noise", "IQGATE_BACKEND=cuda").code, 6);
}

TEST_F(Program, OutputThatCannotBeWrittenIsFive) {
  write_file_atomically(folder.path("file"), "x");
  EXPECT_EQ(run("measure " + water() + " --phantom water_cylinder --metric noise -o " + folder.path("file/sub")).code,
            5);
}

TEST_F(Program, ConfigKeysAreOptionsAndUnknownOnesAreErrors) {
  write_file_atomically(folder.path("c.json"), R"({"phantom": "water_cylinder", "metric": ["noise"], "quiet": true})");
  const Ran r = run("measure -c " + folder.path("c.json") + " " + water());
  EXPECT_EQ(r.code, 0) << r.err;
  EXPECT_TRUE(r.err.empty());
  write_file_atomically(folder.path("c.json"), R"({"phantm": "water_cylinder"})");
  EXPECT_EQ(run("measure -c " + folder.path("c.json") + " " + water()).code, 2);
}

TEST_F(Program, DryRunMeasuresNothing) {
  const Ran r = run("check " + water() + " --phantom water_cylinder -n -o " + folder.path("dry"));
  EXPECT_EQ(r.code, 0);
  EXPECT_NE(r.out.find("would check"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(folder.path("dry")));
}

TEST_F(Program, SelftestPasses) {
  const Ran r = run("selftest -o " + folder.path("evidence"));
  EXPECT_EQ(r.code, 0) << r.out;
  EXPECT_NE(r.out.find(" 0 failed"), std::string::npos);
  EXPECT_TRUE(std::filesystem::exists(folder.path("evidence/selftest.json")));
}

TEST_F(Program, TimeoutIsSix) { EXPECT_EQ(run("selftest --timeout 0.05").code, 6); }

TEST_F(Program, RenderedPhantomsAreReadInEveryFormat) {
  for (const char* format : {"dicom", "nifti", "metaimage", "hdf5"}) {
    const std::string to = folder.path(format);
    ASSERT_EQ(
        run(std::string("phantoms render wire --size 60 60 3 --voxel 2 2 2 --format ") + format + " -o " + to).code, 0);
    const Ran r = run("inspect --json " + to);
    EXPECT_EQ(r.code, 0) << format << r.out;
    EXPECT_NE(r.out.find("\"status\": \"ok\""), std::string::npos);
  }
  EXPECT_EQ(run("phantoms render uniform_cylinder --modality MR --enhanced --size 60 60 3 --voxel 5 5 5 -o " +
                folder.path("mr"))
                .code,
            0);
  EXPECT_EQ(run("inspect " + folder.path("mr")).code, 0);
  EXPECT_EQ(run("phantoms render wire --size 0 1 1 -o " + folder.path("no")).code, 2);
  EXPECT_EQ(run("phantoms render wire --modality MR -o " + folder.path("no")).code, 2);
}

TEST_F(Program, InspectGuessesThePhantom) {
  const auto inspected = [&](const std::string& name, const std::string& option) {
    const std::string to = folder.path(name);
    EXPECT_EQ(
        run("phantoms render " + name + " --size 110 110 30 --voxel 2.2 2.2 5 --modality CT --format hdf5 -o " + to)
            .code,
        0);
    return run("inspect --json " + option + to).out;
  };
  EXPECT_NE(inspected("insert_discs", "").find("\"phantom\": \"insert_discs\""), std::string::npos);
  const std::string alike = inspected("water_cylinder", "");  // a uniform cylinder of any radius is a phantom too
  EXPECT_NE(alike.find("\"phantom\": null"), std::string::npos);
  EXPECT_NE(alike.find("\"water_cylinder\""), std::string::npos);
  EXPECT_EQ(alike.find("\"insert_discs\""), std::string::npos);
  EXPECT_NE(alike.find("several phantoms"), std::string::npos);
  EXPECT_NE(inspected("insert_discs", "--headers-only ").find("--headers-only"), std::string::npos);
}

TEST_F(Program, BenchChecksTheTruthThenTimes) {
  const Ran all = run("bench --size 32 --repetitions 1 --json -o " + folder.path("speed"));
  EXPECT_EQ(all.code, 0) << all.out;
  const json::Value document = json::parse(all.out, "bench", ErrorKind::input);
  ASSERT_TRUE(document.find("not_timed") && document.find("benchmarks"));
  EXPECT_TRUE(document.find("not_timed")->array()->empty());
  EXPECT_GT(document.find("benchmarks")->array()->size(), 15u);
  for (const json::Value& entry : *document.find("benchmarks")->array()) {
    EXPECT_GT(entry.find("real_time")->number().value_or(0), 0);
    EXPECT_EQ(*entry.find("time_unit")->string(), "ms");
  }
  EXPECT_TRUE(std::filesystem::exists(folder.path("speed/bench.json")));
  EXPECT_EQ(run("bench --operation median_4").code, 2);
  EXPECT_NE(run("bench --dry-run").out.find("local_maps_15"), std::string::npos);
  EXPECT_EQ(run("bench --size 512 --max-memory 64M").code, 6);
}

TEST_F(Program, BenchGoesThroughAScanUnderItsMemoryLimit) {
  const std::string to = folder.path("scan");
  ASSERT_EQ(run("phantoms render uniform_cylinder --size 64 64 60 --voxel 4 4 4 --format metaimage -o " + to).code, 0);
  const Ran small = run("bench --json --max-memory 1M " + to), large = run("bench --json " + to);
  EXPECT_EQ(small.code, 0) << small.err;
  for (const char* key : {"\"mean\"", "\"sd\"", "\"local_sd_mean\""}) {  // the same digits
    const auto line = [&](const std::string& text) {
      const std::size_t at = text.find(key);
      return text.substr(at, text.find('\n', at) - at);
    };
    EXPECT_EQ(line(small.out), line(large.out));
    EXPECT_GT(line(small.out).size(), 8u);
  }
  EXPECT_EQ(run("bench --max-memory 100K " + to).code, 6);
  EXPECT_EQ(run("bench " + folder.path("nothing")).code, 3);
}

}  // namespace
}  // namespace iqgate
