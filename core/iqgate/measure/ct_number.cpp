// A12: CT numbers of materials, and how they lie on a line with their nominal values.
#include <algorithm>
#include <cmath>
#include <map>

#include "iqgate/measure/localisation.hpp"
#include "iqgate/measure/metrics.hpp"

namespace iqgate::measure {
namespace {

struct Insert {
  std::string name;
  double measured = 0, nominal = 0, se = 0;
  std::optional<double> attenuation_per_cm;
};

std::optional<double> nominal_of(const Region& region, const char* key) {
  const auto found = region.nominal.find(key);
  return found == region.nominal.end() ? std::nullopt : std::optional<double>(found->second);
}

struct Line {
  double slope = 0, intercept = 0, r2 = 0, worst = 0, slope_se = 0, intercept_se = 0;
};

Line fit_line(const std::vector<Insert>& inserts) {
  const double n = double(inserts.size());
  double mx = 0, my = 0, sxx = 0, sxy = 0, syy = 0;
  for (const Insert& i : inserts) mx += i.nominal / n, my += i.measured / n;
  for (const Insert& i : inserts) {
    const double x = i.nominal - mx, y = i.measured - my;
    sxx += x * x, sxy += x * y, syy += y * y;
  }
  Line line;
  line.slope = sxy / sxx;
  line.intercept = my - line.slope * mx;
  double rest = 0;
  for (const Insert& i : inserts) {
    const double r = i.measured - line.intercept - line.slope * i.nominal;
    rest += r * r;
    if (std::abs(r) > std::abs(line.worst)) line.worst = r;
  }
  line.r2 = syy > 0 ? 1 - rest / syy : 0;
  const double s2 = rest / (n - 2);
  line.slope_se = std::sqrt(s2 / sxx);
  line.intercept_se = std::sqrt(s2 * (1 / n + mx * mx / sxx));
  return line;
}

void linearity(const std::string& where, const std::vector<Insert>& inserts, Results& results) {
  std::vector<double> nominals;
  for (const Insert& i : inserts) nominals.push_back(i.nominal);
  std::sort(nominals.begin(), nominals.end());
  nominals.erase(std::unique(nominals.begin(), nominals.end()), nominals.end());
  if (nominals.size() < 3)
    return results.skip("hu_slope", where, "a line needs inserts of three nominal values at least");
  const Line line = fit_line(inserts);
  const double freedom = double(inserts.size()) - 2;
  const auto add = [&](const char* name, double value, const char* unit, std::optional<double> se) {
    Measurement m = measurement(name, "ols", where, value, unit);
    m.method = "least squares of measured against nominal CT numbers; error from the scatter about the line";
    m.standard = "definition A12";
    if (se) m.se = se, m.ci95 = symmetric_interval(value, *se, freedom);
    results.add(std::move(m));
  };
  add("hu_slope", line.slope, "1", line.slope_se);
  add("hu_intercept_hu", line.intercept, "HU", line.intercept_se);
  add("hu_r2", line.r2, "1", std::nullopt);
  add("hu_max_residual_hu", line.worst, "HU", std::nullopt);
  std::vector<Insert> sorted = inserts;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Insert& a, const Insert& b) { return a.nominal < b.nominal; });
  Curve curve{"ct_number_linearity", "", where, {"nominal", "HU", {}}, {"measured", "HU", {}}, {}, {}};
  for (const Insert& i : sorted) {
    curve.x.values.push_back(i.nominal);
    curve.y.values.push_back(i.measured);
    curve.ci95_lo.push_back(i.measured - 1.96 * i.se);
    curve.ci95_hi.push_back(i.measured + 1.96 * i.se);
  }
  results.curves.push_back(std::move(curve));
}

// (mu_water - mu_air) / (HU_water - HU_air), from the two materials whose attenuation is given.
void contrast_scale(const std::string& where, const std::vector<Insert>& inserts, Results& results) {
  const Insert *water = nullptr, *air = nullptr;
  for (const Insert& i : inserts) {
    if (!i.attenuation_per_cm) continue;
    (i.nominal < -500 ? air : water) = &i;
  }
  if (!water || !air || water->measured <= air->measured) return;
  const double span = water->measured - air->measured,
               value = (*water->attenuation_per_cm - *air->attenuation_per_cm) / span;
  Measurement m = measurement("contrast_scale_per_cm_per_hu", "", where, value, "1/(cm HU)");
  m.se = value * std::hypot(water->se, air->se) / span;
  m.ci95 = symmetric_interval(value, *m.se);
  m.method = "(mu_water - mu_air) / (HU_water - HU_air) with the attenuation given in the phantom file";
  m.flags = {"attenuation_given"};
  results.add(std::move(m));
}

void run(const Job& job, const std::vector<Region>& regions, Results& results) {
  if (job.unit() != "HU") return results.skip("ct_number_hu", "scan", "the values are not HU");
  for (std::size_t s = 0; s < job.scans.size(); ++s) {
    std::map<std::string, std::vector<Insert>> folders;
    for (const Region& region : regions) {
      const std::string where = job.prefix(s) + region.name;
      const RegionMean mean = region_mean(job, s, region);
      if (!mean.good()) {
        results.skip("ct_number_hu", where, mean.reason);
        continue;
      }
      Measurement m = measurement("ct_number_hu", "", where, mean.mean, "HU");
      m.se_localisation = mean.se_localisation;
      if (mean.many) {
        m.se = mean.se();
        m.ci95 = symmetric_interval(m.value, *m.se, mean.n_eff - 1);
        m.n_eff = mean.n_eff;
      }
      m.method = "mean of the voxels whose centres lie in the region; noise correlation from its own autocorrelation";
      m.standard = "ACR CT; IEC 61223-3-5";
      m.flags = mean.flags;
      m.flags.push_back("ci_scope=within_scan");
      const auto nominal = nominal_of(region, "ct_number_hu");
      if (nominal) {
        Measurement error = m;
        error.name = "ct_number_error_hu";
        error.value = m.value - *nominal;
        if (m.se) error.ci95 = symmetric_interval(error.value, *m.se, mean.n_eff - 1);
        error.method += "; minus the nominal value";
        results.add(std::move(error));
        folders[folder_of(region.name)].push_back(
            {region.name, m.value, *nominal, mean.se(), nominal_of(region, "attenuation_per_cm")});
      }
      results.add(std::move(m));
    }
    for (const auto& [folder, inserts] : folders) {
      const std::string where = job.prefix(s) + (folder.empty() ? "scan" : folder);
      linearity(where, inserts, results);
      contrast_scale(where, inserts, results);
    }
  }
}

}  // namespace

Metric ct_number_metric() {
  return {"ct_number",
          "CT number accuracy and linearity",
          "Mean CT number of each insert (60 to 80 % of its diameter), its difference from the nominal value, and over "
          "the inserts of one folder of names the least-squares line of measured against nominal values; contrast "
          "scale (mu_water - mu_air) / (HU_water - HU_air) where nominal attenuation_per_cm is given for both.",
          "ACR CT; IEC 61223-3-5; AAPM TG-66; definition A12",
          {"ct_number_hu", "ct_number_error_hu", "hu_slope", "hu_intercept_hu", "hu_r2", "hu_max_residual_hu",
           "contrast_scale_per_cm_per_hu"},
          {"ols"},
          {"insert_core"},
          {"CT"},
          run};
}

}  // namespace iqgate::measure
