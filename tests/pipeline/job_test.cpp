// From files to a judged document: the thin line whole.
#include "iqgate/pipeline/job.hpp"

#include <omp.h>

#include <set>

#include "iqgate/base/atomic_file.hpp"
#include "iqgate/base/error.hpp"
#include "iqgate/pipeline/data_files.hpp"
#include "iqgate/pipeline/truth.hpp"
#include "iqgate/report/volume_writer.hpp"
#include "support/support.hpp"

namespace iqgate::pipeline {
namespace {

compute::RenderJob water_job(std::size_t slices = 12) {
  compute::RenderJob job;
  job.grid = test::centred_grid({200, 200, slices}, {1.15, 1.15, 3});
  job.psf_sigma_mm = {0.8, 0.8, 1};
  job.pose.translation_mm = {2, -3, 1};
  job.noise = {.kind = compute::NoiseKind::white, .sd = 8, .seed = 5};
  return job;
}

class WaterScan : public ::testing::Test {
 protected:
  test::TemporaryFolder folder;
  void SetUp() override {
    report::write_volume(test::ct_scan(test::shipped("water_cylinder"), water_job()), report::VolumeFormat::dicom,
                         folder.path("scan"), "s", {.uid_seed = "w", .tags = {{"KVP", "120"}}});
  }
  Request request(bool judge = true) {
    Request r;
    r.paths = {folder.path("scan")};
    r.phantom = "water_cylinder";
    r.judge = judge;
    r.backend = compute::BackendChoice::cpu;
    r.settings.bootstrap_draws = 100;
    return r;
  }
  static report::Document run(const Request& r) { return run_job(r, choose_scans(r).groups.at(0)); }
};

TEST_F(WaterScan, IsMeasuredJudgedAndWritten) {
  const Request r = request();
  report::Document d = run(r);
  EXPECT_EQ(d.judgement.overall, judge::Overall::pass);
  EXPECT_EQ(exit_code(d, true), 0);
  EXPECT_NEAR(d.results.find("noise_sd_hu")->value, 8, 0.2);
  ASSERT_TRUE(d.placement.has_value());
  EXPECT_NEAR(d.placement->translation_mm.x, 2, 0.1);
  write_results(d, folder.path("out"));
  for (const char* f : {"result.json", "result.h5", "measurements.csv", "curves.csv", "report.html"})
    EXPECT_GT(std::filesystem::file_size(folder.path(std::string("out/") + f)), 100u) << f;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path("out")))
    EXPECT_EQ(entry.path().string().find(".tmp."), std::string::npos);
}

TEST_F(WaterScan, SameBytesAtAnyThreadCount) {
  setenv("SOURCE_DATE_EPOCH", "1577836800", 1);
  const int before = omp_get_max_threads();
  std::string first;
  for (const int threads : {1, 2, 4}) {
    omp_set_num_threads(threads);
    const std::string text = json::write(report::document_json(run(request())));
    if (first.empty()) first = text;
    EXPECT_EQ(text, first) << threads;
  }
  omp_set_num_threads(before);
  unsetenv("SOURCE_DATE_EPOCH");
}

TEST_F(WaterScan, ABrokenLimitFailsAndAnUndecidedOneIsNoVerdict) {
  const auto limits = [&](const char* bounds, const char* decision) {
    write_file_atomically(
        folder.path("site.json"),
        std::string(
            R"({"schema": "iqgate.limits/1", "name": "site", "source": "s", "edition": "1", "limits": [{"name": "noise_sd_hu", "unit": "HU", "act": )") +
            bounds + R"(, "decision": ")" + decision + R"(", "source": "site"}]})");
    Request r = request();
    r.limits = {folder.path("site.json")};
    return run(r);
  };
  EXPECT_EQ(exit_code(limits("[null, 7]", "interval"), true), 1);
  EXPECT_EQ(exit_code(limits("[null, 9]", "interval"), true), 0);
  const report::Document measured = limits("[null, 9]", "interval");
  const double value = measured.results.find("noise_sd_hu")->value;
  EXPECT_EQ(exit_code(limits(("[null, " + std::to_string(value) + "1]").c_str(), "interval"), true), 3);
}

TEST_F(WaterScan, LimitsNoneAndMetricNarrow) {
  Request none = request();
  none.limits = {"none"};
  EXPECT_EQ(run(none).judgement.overall, judge::Overall::no_limit);
  Request one = request();
  one.metrics = {"uniformity_hu"};
  const report::Document d = run(one);
  EXPECT_EQ(d.results.measurements.size(), 1u);
  EXPECT_EQ(d.judgement.verdicts.size(), 1u);  // the limit on roi_mean is narrowed away, not "not measured"
  EXPECT_EQ(d.judgement.overall, judge::Overall::pass);
  Request bad = request();
  bad.metrics = {"sharpness"};
  EXPECT_THROW(run(bad), UsageError);
}

TEST_F(WaterScan, WrongPhantomsAndModalitiesAreRefused) {
  Request wire = request(false);
  wire.phantom = "wire";
  try {
    run(wire);
    FAIL();
  } catch (const InputError& error) {
    EXPECT_EQ(error.code, "wrong_phantom");
  }
  Request typo = request(false);
  typo.phantom = "water_cylindre";
  try {
    run(typo);
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_NE(error.advice.find("water_cylinder"), std::string::npos);
  }
}

TEST_F(WaterScan, SeveralScansAreNeverChosenBetween) {
  report::write_volume(test::ct_scan(test::shipped("water_cylinder"), water_job(5)), report::VolumeFormat::dicom,
                       folder.path("scan"), "other", {.uid_seed = "o"});
  try {
    choose_scans(request());
    FAIL();
  } catch (const InputError& error) {
    EXPECT_EQ(error.code, "several_scans");
  }
  Request all = request();
  all.series = "all";
  EXPECT_EQ(choose_scans(all).groups.size(), 2u);
  Request one = request();
  one.series = choose_scans(all).groups[1][0].id;
  ASSERT_EQ(choose_scans(one).groups.size(), 1u);
  EXPECT_EQ(choose_scans(one).groups[0][0].id, one.series);
  EXPECT_TRUE(choose_scans(all).refused.empty());
  // A scan with a hole: never dropped without a word.
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path("scan")))
    if (entry.path().filename().string().rfind("other", 0) == 0) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  ASSERT_GE(files.size(), 5u);
  std::filesystem::remove(files[files.size() / 2]);
  ASSERT_EQ(choose_scans(all).refused.size(), 1u);
  EXPECT_EQ(choose_scans(all).refused[0].code, "missing_slices");
  EXPECT_EQ(choose_scans(all).groups.size(), 1u);
}

TEST_F(WaterScan, RegionsOnAnyVolume) {
  write_file_atomically(
      folder.path("r.json"),
      R"({"schema": "iqgate.roi/1", "frame": "volume", "regions": [{"name": "a", "kind": "uniform", "shape": "cylinder", "center_mm": [2, -3, 0], "radius_mm": 40, "length_mm": 12, "metrics": ["roi", "noise_sd_hu"]}]})");
  Request r = request(false);
  r.phantom.clear();
  r.roi_file = folder.path("r.json");
  const report::Document d = run(r);
  EXPECT_NEAR(d.results.find("noise_sd_hu")->value, 8, 0.2);
  EXPECT_FALSE(d.placement.has_value());
  EXPECT_EQ(exit_code(d, false), 0);
}

TEST_F(WaterScan, VolumesWithoutSpacingAreRefusedUntilItIsGiven) {
  write_file_atomically(
      folder.path("v.mha"),
      "ObjectType = Image\nNDims = 2\nDimSize = 64 64\nElementType = MET_UCHAR\nElementDataFile = LOCAL\n" +
          std::string(4096, 'x'));
  write_file_atomically(
      folder.path("r.json"),
      R"({"schema": "iqgate.roi/1", "frame": "volume", "regions": [{"name": "a", "kind": "uniform", "shape": "disc", "center_mm": [0, 0, 0], "radius_mm": 5}]})");
  Request r = request(false);
  r.paths = {folder.path("v.mha")};
  r.phantom.clear();
  r.roi_file = folder.path("r.json");
  EXPECT_THROW(run(r), InputError);
  r.spacing_mm = Vec3{0.5, 0.5, 1};
  EXPECT_NEAR(run(r).results.find("roi_mean")->value, 'x', 1e-9);
}

TEST_F(WaterScan, ContextAndBaseline) {
  report::Document d = run(request());
  write_results(d, folder.path("base"));
  write_file_atomically(folder.path("c.json"), R"({"schema": "iqgate.context/1", "site": "Ward 7", "baseline": ")" +
                                                   folder.path("base/result.json") + R"("})");
  write_file_atomically(
      folder.path("l.json"),
      R"({"schema": "iqgate.limits/1", "name": "b", "source": "s", "edition": "1", "limits": [{"name": "noise_sd_hu", "unit": "%", "act": [-10, 10], "relative_to": "baseline", "source": "site: within 10 % of the baseline"}]})");
  Request r = request();
  r.context_file = folder.path("c.json");
  r.limits = {folder.path("l.json")};
  const report::Document again = run(r);
  EXPECT_EQ(again.context.at("site"), "Ward 7");
  EXPECT_EQ(again.judgement.overall, judge::Overall::pass);
  write_file_atomically(folder.path("c.json"), R"({"schema": "iqgate.context/1", "sight": "Ward 7"})");
  EXPECT_THROW(run(r), UsageError);
}

TEST(Truths, EveryPhantomRendersAndMeasuresToItsTruth) {
  struct Case {
    const char *name, *modality;
    Size3 size;
    Vec3 voxel, psf;
  };
  for (const Case& c : {Case{"insert_discs", "CT", {320, 320, 8}, {0.7, 0.7, 2.5}, {0.6, 0.6, 0.9}},
                        Case{"edge_block", "CT", {320, 320, 6}, {0.65, 0.65, 2.5}, {0.55, 0.55, 0.9}},
                        Case{"wire", "CT", {280, 280, 6}, {0.4, 0.4, 2}, {0.5, 0.5, 0.8}},
                        Case{"bead", "CT", {280, 280, 12}, {0.4, 0.4, 1}, {0.5, 0.5, 0.6}}}) {
    const phantom::Model model = test::shipped(c.name);
    compute::RenderJob job;
    job.grid = test::centred_grid(c.size, c.voxel);
    job.psf_sigma_mm = c.psf;
    job.pose.translation_mm = {1.1, -0.6, 0.3};
    test::TemporaryFolder folder;
    report::write_volume(test::ct_scan(model, job), report::VolumeFormat::nifti, folder.path(), "v", {});
    // A NIfTI tells no modality: HU is not known, and what needs HU is left out by name.
    report::write_volume(test::ct_scan(model, job), report::VolumeFormat::hdf5, folder.path(), "v", {});
    Request r;
    r.paths = {folder.path("v.h5")};
    r.phantom = c.name;
    r.backend = compute::BackendChoice::cpu;
    r.settings.bootstrap_draws = 50;
    const report::Document d = run_job(r, choose_scans(r).groups.at(0));
    const auto list = truths(model, job, c.modality);
    EXPECT_FALSE(list.empty());
    for (const Truth& t : list) {
      const Measurement* m = d.results.find(t.name, t.variant, t.where);
      ASSERT_NE(m, nullptr) << c.name << " " << t.name << " " << t.where;
      EXPECT_NEAR(m->value, t.value, t.tolerance * std::abs(t.value) + 1e-3)
          << c.name << " " << t.name << " " << t.where;
    }
  }
}

// (name, variant, where) is the key of a number, every name is in the catalogue, and a family asked for by its id gives
// what it gives in the whole run.
TEST(Catalogue, KeysAreUniqueKnownAndTheSameAlone) {
  for (const std::string& name : shipped_phantoms()) {
    const phantom::Model model = test::shipped(name);
    compute::RenderJob job;
    job.grid = test::centred_grid({200, 200, 40}, {1.2, 1.2, 1.2});
    job.psf_sigma_mm = {1, 1, 1};
    job.noise = {.kind = compute::NoiseKind::white, .sd = 4, .seed = 3};
    if (std::find(model.modalities.begin(), model.modalities.end(), "CT") == model.modalities.end()) continue;
    const std::vector<Scan> scans{test::ct_scan(model, job)};
    Placement placement;
    placement.radius_mm = model.body.radius_mm;
    measure::Job whole = test::make_job(scans, phantom::place_features(model, placement, "CT"));
    whole.settings.bootstrap_draws = 50;
    const Results all = measure::measure_all(whole, {});
    std::set<std::string> keys;
    for (const Measurement& m : all.measurements) {
      EXPECT_TRUE(keys.insert(m.name + "|" + m.variant + "|" + m.where).second)
          << name << ": " << m.name << " " << m.variant << " " << m.where << " stands twice";
      EXPECT_NE(measure::find_metric(m.name), nullptr) << name << ": " << m.name << " is not in the catalogue";
    }
    for (const Curve& c : all.curves)
      EXPECT_TRUE(keys.insert("curve " + c.name + "|" + c.variant + "|" + c.where).second)
          << name << ": curve " << c.name << " " << c.variant << " " << c.where << " stands twice";
    std::size_t parts = 0;
    for (const measure::Metric& metric : measure::catalogue()) {
      const Results own = measure::measure_all(whole, {metric.id});
      parts += own.measurements.size();
      for (const Measurement& m : own.measurements) {
        EXPECT_TRUE(measure::gives(metric.id, m.name)) << metric.id << " does not list " << m.name;
        EXPECT_TRUE(std::find(metric.variants.begin(), metric.variants.end(), m.variant) != metric.variants.end() ||
                    m.variant.empty())
            << metric.id << " does not list variant " << m.variant;
      }
    }
    EXPECT_EQ(parts, all.measurements.size()) << name;
  }
}

TEST(DataFiles, NearestNames) {
  EXPECT_EQ(nearest_name("mesure", {"measure", "metrics"}), "measure");
  EXPECT_EQ(nearest_name("zzzzzz", {"measure", "metrics"}), "");
}

}  // namespace
}  // namespace iqgate::pipeline
