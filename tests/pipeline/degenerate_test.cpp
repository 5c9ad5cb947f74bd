// Every metric on every phantom, over volumes that no scanner gives: whatever comes out is a number, and none of it
// passes.
#include <cmath>
#include <limits>

#include "iqgate/base/error.hpp"
#include "iqgate/judge/limits.hpp"
#include "iqgate/locate/given_pose.hpp"
#include "iqgate/measure/catalogue.hpp"
#include "iqgate/pipeline/data_files.hpp"
#include "support/support.hpp"

namespace iqgate::pipeline {
namespace {

struct Odd {
  const char* name;
  Size3 size;
  float (*value)(std::size_t index);
};

const Odd odd_volumes[] = {
    {"zero", {96, 96, 12}, [](std::size_t) { return 0.0f; }},
    {"minus zero", {96, 96, 12}, [](std::size_t) { return -0.0f; }},
    {"constant", {96, 96, 12}, [](std::size_t) { return 37.0f; }},
    {"saturated", {96, 96, 12}, [](std::size_t) { return 32767.0f; }},
    {"subnormal", {96, 96, 12}, [](std::size_t) { return std::numeric_limits<float>::denorm_min(); }},
    {"subnormal steps",
     {96, 96, 12},
     [](std::size_t k) { return float(k % 3) * std::numeric_limits<float>::denorm_min(); }},
    {"largest", {96, 96, 12}, [](std::size_t k) { return k % 2 ? 3e38f : -3e38f; }},
    {"one voxel", {96, 96, 12}, [](std::size_t k) { return k == 55344 ? 1000.0f : 0.0f; }},
    {"two values", {96, 96, 12}, [](std::size_t k) { return k / 7 % 2 ? 1.0f : 0.0f; }},
    {"a slice of zeros", {96, 96, 1}, [](std::size_t) { return 0.0f; }},
    {"one slice", {96, 96, 1}, [](std::size_t k) { return float(k * 2654435761u % 97); }},
    {"a row", {96, 1, 1}, [](std::size_t k) { return float(k); }},
    {"one by one", {1, 1, 1}, [](std::size_t) { return 5.0f; }},
    {"two by two", {2, 2, 2}, [](std::size_t k) { return float(k); }},
};

void expect_numbers(const Results& results, const std::string& what) {
  for (const Measurement& m : results.measurements) {
    const std::string where = what + ": " + m.name + " " + m.variant + " " + m.where;
    EXPECT_TRUE(std::isfinite(m.value)) << where;
    EXPECT_TRUE(!m.se || (std::isfinite(*m.se) && *m.se >= 0)) << where;
    EXPECT_TRUE(!m.ci95 || (std::isfinite(m.ci95->low) && std::isfinite(m.ci95->high) && m.ci95->low <= m.ci95->high))
        << where;
    EXPECT_TRUE(!m.n_eff || std::isfinite(*m.n_eff)) << where;
  }
  for (const Curve& c : results.curves)
    for (const std::vector<double>* column : {&c.x.values, &c.y.values, &c.ci95_lo, &c.ci95_hi})
      for (const double v : *column) ASSERT_TRUE(std::isfinite(v)) << what << ": curve " << c.name << ' ' << c.where;
  for (const Map& map : results.maps)
    for (const float v : map.values) ASSERT_TRUE(std::isfinite(v)) << what << ": map " << map.name;
}

TEST(Degenerate, EveryMetricOnEveryPhantom) {
  for (const std::string& name : shipped_phantoms()) {
    const phantom::Model model = test::shipped(name);
    const std::string modality = model.modalities.empty() ? "CT" : model.modalities.front();
    Placement placement;
    placement.radius_mm = model.body.radius_mm;
    for (const Odd& odd : odd_volumes) {
      Scan scan{.id = "odd", .modality = modality, .value_unit = modality == "CT" ? "HU" : "1"};
      scan.volume.grid = test::centred_grid(odd.size, {2.4, 2.4, 5});
      scan.volume.values.resize(odd.size.x * odd.size.y * odd.size.z);
      for (std::size_t k = 0; k < scan.volume.values.size(); ++k) scan.volume.values[k] = odd.value(k);
      const std::vector<Scan> scans{scan};
      measure::Job job = test::make_job(scans, phantom::place_features(model, placement, modality));
      job.placement = placement;
      job.settings.bootstrap_draws = 20;
      const std::string what = name + " over " + odd.name;
      const Results results = measure::measure_all(job, {});
      expect_numbers(results, what);
      // A pose that was given by hand is looked at first: water measures 0 HU, and so does nothing.
      try {
        locate::check_given_pose(scan, model, placement);
      } catch (const InputError& refused) {
        EXPECT_EQ(refused.code, "phantom_not_found");
        continue;
      }
      if (model.limits.empty()) continue;
      judge::Reference reference;
      reference.conditions = {{"field_strength_t", 1.5}, {"tube_voltage_kv", 120}};
      reference.regions = results.regions;
      const judge::Judgement verdict =
          judge::judge(results, {judge::read_limits(find_limits(model.limits))}, reference);
      EXPECT_NE(verdict.overall, judge::Overall::pass) << what;
    }
  }
}

}  // namespace
}  // namespace iqgate::pipeline
