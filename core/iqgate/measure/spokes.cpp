// A11, MR: low contrast discs in spokes of three. Every disc is tested by its template in a least-squares fit of the
// whole insert; how large such a number gets by chance is told by the same template where no disc lies.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "iqgate/measure/metrics.hpp"
#include "iqgate/measure/rim.hpp"
#include "iqgate/measure/spoke_fit.hpp"

namespace iqgate::measure {
namespace {

constexpr std::size_t least_pixels = 1000, sheets = 4;

// One sheet of discs: where its ring lies, and the pixels inside.
struct Sheet {
  const Region* region = nullptr;
  std::string where;
  std::optional<SliceSampler> slice;
  std::optional<RimCircle> ring;
  bool borrowed = false;  // the ring of other slices
  InsertPixels pixels;

  double first_angle() const { return region->nominal.at("first_angle_deg") * std::numbers::pi / 180; }
  double contrast() const {
    const auto found = region->nominal.find("contrast_pct");
    return found == region->nominal.end() ? 0 : found->second;
  }
};

// The sheets that can be measured; why not, of the others.
std::vector<Sheet> find_sheets(const Job& job, std::size_t s, const std::vector<Region>& regions, Results& results) {
  std::vector<Sheet> scanned;
  for (const Region& region : regions) {
    Sheet sheet{.region = &region, .where = job.prefix(s) + region.name};
    if (!region.nominal.count("first_angle_deg") || !(region.radius_mm >= 42 && region.radius_mm <= 60)) {
      results.skip("lcod_spokes", sheet.where,
                   "needs nominal first_angle_deg and a radius of 42 to 60 mm (the ring's inside)");
      continue;
    }
    sheet.slice = SliceSampler::of(job, s, region);
    if (!sheet.slice) {
      results.skip("lcod_spokes", sheet.where, not_sampled);
      continue;
    }
    sheet.ring = fit_circle(rim_points(*sheet.slice, region.radius_mm, 6, 180), 60);
    if (sheet.ring && std::abs(sheet.ring->radius_mm - region.radius_mm) > 2) sheet.ring.reset();
    scanned.push_back(std::move(sheet));
  }
  // The ring stands upright through all sheets: where one slice does not show it (its end), the others tell its place.
  RimCircle mean;
  double seen = 0;
  for (const Sheet& sheet : scanned)
    if (sheet.ring) mean.u_mm += sheet.ring->u_mm, mean.w_mm += sheet.ring->w_mm, seen += 1;
  std::vector<Sheet> good;
  for (Sheet& sheet : scanned) {
    sheet.borrowed = !sheet.ring;
    if (sheet.borrowed && seen == 0) {
      results.skip("lcod_spokes", sheet.where, "the ring around the discs is not seen");
      continue;
    }
    if (sheet.borrowed) sheet.ring = RimCircle{.u_mm = mean.u_mm / seen, .w_mm = mean.w_mm / seen};
    sheet.pixels = insert_pixels(*sheet.slice, sheet.ring->u_mm, sheet.ring->w_mm, sheet.region->radius_mm);
    if (sheet.pixels.u.size() >= least_pixels) good.push_back(std::move(sheet));
    else results.skip("lcod_spokes", sheet.where, "pixels too coarse for the discs: fewer than 1000 in the insert");
  }
  return good;
}

// Complete spokes of a sheet; none where it could not be measured.
std::optional<int> one_sheet(const Sheet& sheet, double turn, Results& results) {
  const SpokeFit fit = fit_spokes(sheet.pixels, sheet.first_angle() + turn);
  if (!(fit.noise > 0) || !(fit.level > 0)) {
    results.skip("lcod_spokes", sheet.where, "no noise or no signal in the insert");
    return std::nullopt;
  }
  const auto add = [&](const char* name, const std::string& at, double value, const char* unit, const char* method,
                       double se = NAN) {
    Measurement m = measurement(name, "", at, value, unit);
    if (std::isfinite(se)) {
      m.se = se;
      m.ci95 = symmetric_interval(value, se, 40);
    }
    m.method = method;
    m.standard = "ACR MRI QC manual; Golestani and Gee 2025";
    m.flags = {"ci_scope=within_scan"};
    if (sheet.borrowed) m.flags.push_back("ring_from_other_slices");
    results.add(std::move(m));
  };
  const std::vector<char> found = found_discs(fit);
  const int count = complete_spokes(found);
  add("lcod_spokes", sheet.where, count, "1",
      "complete spokes from the largest on: all three discs found at a false discovery rate of 1.25 % and brighter");
  add("lcod_discs_found", sheet.where, double(std::count(found.begin(), found.end(), 1)), "1",
      "discs of all thirty that are found, whatever their spokes");
  for (std::size_t i = 0; i < spokes; ++i) {
    double cnr = 0;
    for (std::size_t j = 0; j < discs; ++j) cnr += fit.beta[i * discs + j] / fit.noise / discs;
    add("lcod_cnr", sheet.where + "/spoke_" + std::to_string(i + 1), cnr, "1",
        "mean contrast of the spoke's discs over the SD of what the fit leaves");
  }
  double beta = 0, variance = 0;
  for (std::size_t k = 0; k < 3 * discs; ++k) {
    beta += fit.beta[k] / (3 * discs);
    variance += std::pow(fit.beta[k] / fit.t[k] / (3 * discs), 2);
  }
  add("lcod_contrast_pct", sheet.where, 100 * beta / fit.level, "%",
      "mean contrast of the discs of the three largest spokes / mean signal of the insert",
      100 * std::sqrt(variance) / fit.level);
  return count;
}

void one_scan(const Job& job, std::size_t s, const std::vector<Region>& regions, Results& results) {
  const std::vector<Sheet> found = find_sheets(job, s, regions, results);
  // How far all sheets are turned against the pose, by the one of highest contrast: one number for all of them, so that
  // it adds no chance finds to the others.
  const auto strongest = std::max_element(found.begin(), found.end(),
                                          [](const Sheet& a, const Sheet& b) { return a.contrast() < b.contrast(); });
  if (strongest == found.end()) return;
  const double turn = best_turn(strongest->pixels, strongest->first_angle());
  int total = 0;
  std::size_t measured = 0;
  for (const Sheet& sheet : found)
    if (const auto count = one_sheet(sheet, turn, results)) total += *count, ++measured;
  if (measured != sheets || regions.size() != sheets)
    return results.skip("lcod_total", job.prefix(s) + "scan", "needs all four slices of discs");
  Measurement m = measurement("lcod_total", "", job.prefix(s) + "scan", total, "1");
  m.method = "complete spokes of the four slices together";
  m.standard = "ACR MRI QC manual";
  m.flags = {"ci_scope=within_scan"};
  results.add(std::move(m));
}

void run(const Job& job, const std::vector<Region>& regions, Results& results) {
  for (std::size_t s = 0; s < job.scans.size(); ++s) one_scan(job, s, regions, results);
}

}  // namespace

Metric spokes_metric() {
  return {
      "spokes",
      "Low contrast discs in spokes",
      "Ten spokes of three discs (7.0 to 1.5 mm) in a ring that is found in each slice; nominal first_angle_deg. All "
      "30 discs in one least-squares fit on a background of order 4 and of rings about the middle; standard errors by "
      "what the same templates show at 40 places between the spokes; Benjamini and Hochberg over the discs at 1.25 %, "
      "so "
      "that of slices without discs 1.25 % at most show any. Complete spokes are counted from the largest on.",
      "ACR MRI QC manual; Golestani and Gee 2025",
      {"lcod_spokes", "lcod_total", "lcod_discs_found", "lcod_cnr", "lcod_contrast_pct"},
      {},
      {"spokes"},
      {"MR"},
      run};
}

}  // namespace iqgate::measure
