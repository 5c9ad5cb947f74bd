// What lies beside a phantom is no part of it: an image that is wider, or higher, by air gives the same numbers.
#include <cmath>
#include <set>

#include "iqgate/measure/catalogue.hpp"
#include "iqgate/pipeline/data_files.hpp"
#include "support/support.hpp"

namespace iqgate::pipeline {
namespace {

Results measured_in(const phantom::Model& model, const std::string& modality, Size3 size) {
  compute::RenderJob job;
  job.grid = test::centred_grid(size, {1.5, 1.5, 2});  // exact in binary: the same places of voxels in each
  job.psf_sigma_mm = {0.9, 0.9, 1};
  job.quantity = modality == "MR" ? "mr_signal" : modality == "PT" ? "activity_bq_ml" : "ct_number_hu";
  Scan scan = test::ct_scan(model, job);
  scan.modality = modality;
  scan.value_unit = modality == "CT" ? "HU" : "1";
  const std::vector<Scan> scans{scan};
  Placement placement;
  placement.radius_mm = model.body.radius_mm;
  measure::Job all = test::make_job(scans, phantom::place_features(model, placement, modality));
  all.placement = placement;
  all.settings.bootstrap_draws = 20;
  return measure::measure_all(all, {});
}

TEST(FieldOfViewSlow, WiderOrHigherImagesGiveTheSameNumbers) {
  for (const std::string& name : shipped_phantoms()) {
    const phantom::Model model = test::shipped(name);
    const std::string modality = model.modalities.empty() ? "CT" : model.modalities.front();
    const Results square = measured_in(model, modality, {168, 168, 24});
    for (const Size3 size : {Size3{200, 168, 24}, Size3{168, 200, 24}}) {
      const Results other = measured_in(model, modality, size);
      EXPECT_EQ(other.measurements.size(), square.measurements.size()) << name;
      for (const Measurement& m : square.measurements) {
        const Measurement* same = other.find(m.name, m.variant, m.where);
        ASSERT_NE(same, nullptr) << name << ' ' << m.name << ' ' << m.where;
        EXPECT_NEAR(same->value, m.value, 1e-6 * std::abs(m.value) + 1e-6)
            << name << ' ' << m.name << ' ' << m.variant << ' ' << m.where << ' ' << size.x;
      }
    }
  }
}

}  // namespace
}  // namespace iqgate::pipeline
