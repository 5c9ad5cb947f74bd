// B5: bar patterns: modulation, and the transfer function that it stands for.
#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>

#include "iqgate/measure/bar_group.hpp"
#include "iqgate/measure/metrics.hpp"
#include "iqgate/measure/transfer_curve.hpp"

namespace iqgate::measure {
namespace {

constexpr double pi = std::numbers::pi;
constexpr double visible_modulation = 0.1;

std::optional<double> at_level(const std::vector<double>& f, const std::vector<double>& y, double level) {
  return first_crossing(f, y, level);
}

// Between two groups the logarithm against the square of the frequency: straight for a Gaussian spread. Before the
// first group from 1 at zero.
struct Crossing {
  double f = 0, slope = 0;
  std::size_t after = 0;
};
std::optional<Crossing> mtf_crossing(const std::vector<double>& f, const std::vector<double>& y, double level) {
  double f0 = 0, y0 = 1;
  for (std::size_t k = 0; k < f.size(); ++k) {
    if (y[k] < level) {
      if (!(y[k] > 0)) return std::nullopt;
      const double t = (std::log(y0) - std::log(level)) / (std::log(y0) - std::log(y[k]));
      const double at = std::sqrt(f0 * f0 + t * (f[k] * f[k] - f0 * f0));
      const double slope = level * (std::log(y[k]) - std::log(y0)) / (f[k] * f[k] - f0 * f0) * 2 * at;
      return Crossing{at, slope, k};
    }
    f0 = f[k], y0 = std::min(y[k], 1.0);
  }
  return std::nullopt;
}

void curve_of(const std::string& where, const char* variant, const char* y_name, const std::vector<double>& f,
              const std::vector<double>& y, const std::vector<double>& se, Results& results) {
  Curve curve{y_name, variant, where, {"frequency", "1/mm", f}, {y_name, "1", y}, {}, {}};
  for (std::size_t k = 0; k < se.size(); ++k) {
    curve.ci95_lo.push_back(y[k] - 1.96 * se[k]);
    curve.ci95_hi.push_back(y[k] + 1.96 * se[k]);
  }
  results.curves.push_back(std::move(curve));
}

// Coltman's series for the sine response from the square-wave response C: sum over odd k without square factors.
double coltman(const std::vector<double>& f, const std::vector<double>& c, double at) {
  static constexpr struct {
    int k;
    double sign;
  } terms[] = {{1, 1}, {3, 1}, {5, -1}, {7, 1}, {11, 1}, {13, -1}, {15, -1}, {17, -1}, {19, 1}, {21, 1}};
  double sum = 0;
  for (const auto& t : terms)
    if (t.k * at <= f.back()) sum += t.sign * interpolate(f, c, t.k * at) / t.k;
  return 0.25 * pi * sum;
}

void folder_results(const std::string& where, std::vector<BarGroup> groups, double nyquist, Results& results) {
  std::sort(groups.begin(), groups.end(), [](const BarGroup& a, const BarGroup& b) { return a.f_per_mm < b.f_per_mm; });
  const auto scalar = [&](const std::string& name, const char* variant, double value, const char* unit,
                          const char* method, std::vector<std::string> flags) {
    Measurement m = measurement(name, variant, where, value, unit);
    m.method = method;
    m.standard = "definition B5";
    m.flags = std::move(flags);
    results.add(std::move(m));
  };
  // Relative modulation: by the difference of bars and gaps, and by the contrast of Michelson, which open code uses.
  std::vector<double> f, relative, michelson;
  const BarGroup& first = groups.front();
  const auto contrast = [](const BarGroup& g) { return (g.bar - g.gap) / (g.bar + g.gap); };
  const double lowest = first.bar - first.gap;
  if (!(lowest > 3 * first.modulation_se))
    return results.skip("rmtf50_per_mm", where, "the coarsest group does not stand out from the noise");
  for (const BarGroup& g : groups) {
    if (g.f_per_mm > nyquist) break;
    f.push_back(g.f_per_mm);
    relative.push_back(std::max(0.0, (g.bar - g.gap) / lowest));
    michelson.push_back(std::max(0.0, contrast(g) / contrast(first)));
  }
  if (f.size() >= 2) {
    curve_of(where, "lowest_group", "rmtf", f, relative, {}, results);
    // Its denominator must be far from zero: values relative to water only where all lie above it.
    const bool positive = std::all_of(groups.begin(), groups.begin() + std::ptrdiff_t(f.size()),
                                      [](const BarGroup& g) { return g.gap > 0 && g.bar > 0; });
    for (const int percent : {95, 90, 80, 70, 60, 50, 30, 10}) {
      const std::string name = "rmtf" + std::to_string(percent) + "_per_mm";
      if (const auto at = at_level(f, relative, percent / 100.0))
        scalar(name, "lowest_group", *at, "1/mm",
               "mean of the bars minus mean of the gaps, relative to the coarsest group: no MTF", {});
      if (const auto at = positive ? at_level(f, michelson, percent / 100.0) : std::nullopt)
        scalar(name, "michelson", *at, "1/mm",
               "(bars - gaps) / (bars + gaps) relative to the coarsest group; depends on the zero of the scale: no MTF",
               {});
    }
  }
  double seen = 0;
  for (const BarGroup& g : groups) {
    if (!g.resolved || (g.bar - g.gap) / lowest < visible_modulation || g.f_per_mm > nyquist) break;
    seen = 10 * g.f_per_mm;
  }
  scalar("visible_lp_per_cm", "", seen, "1/cm",
         "finest group up to which every gap stands below its bars by twice the noise and the modulation is a tenth of "
         "the coarsest group's at least",
         {"ordinal"});
  // Absolute: bars of five pixels and more show their own value, and that of their gaps.
  const double full = 0.5 * (first.bar_top - first.gap_bottom), pixel = 0.5 / nyquist;
  // Means within a half and within a quarter of a bar: a plateau has lost 4 % from one to the other where the blur is a
  // sixth of the bar (and M0 0.5 %), a mere wave 7.6 %.
  const bool plateau = full > 0 && (first.bar - first.gap) / (2 * full) > 0.955;
  if (0.5 * first.period_mm < 5 * pixel || !plateau)
    return results.skip(
        "mtf50_per_mm", where,
        "variants fundamental, droege_morin, coltman: no group is coarse enough to show the value of its "
        "bars");
  std::vector<double> sine, sine_se, droege, response;
  for (std::size_t k = 0; k < f.size(); ++k) {
    sine.push_back(0.25 * pi * groups[k].fundamental / full);
    sine_se.push_back(0.25 * pi * groups[k].fundamental_se / full);
    droege.push_back(pi * std::numbers::sqrt2 / 4 * std::sqrt(std::max(0.0, groups[k].m2 - groups[k].noise2)) / full);
    const bool wide = 0.5 * groups[k].period_mm >= 5 * pixel;
    const double depth = wide ? groups[k].bar_top - groups[k].gap_bottom : groups[k].crest_to_trough;
    response.push_back(std::max(0.0, 0.5 * depth / full));
  }
  // M^2 holds the odd harmonics of coarse groups: (MTF(kf) / k)^2 each; the finer groups tell them.
  std::vector<double> corrected = droege;
  for (int round = 0; round < 4; ++round)
    for (std::size_t k = 0; k < f.size(); ++k) {
      double harmonics = 0;
      for (const int odd : {3, 5, 7})
        if (odd * f[k] <= f.back()) harmonics += std::pow(interpolate(f, corrected, odd * f[k]) / odd, 2);
      corrected[k] = std::sqrt(std::max(0.0, droege[k] * droege[k] - harmonics));
    }
  std::vector<double> series;
  for (const double at : f) series.push_back(coltman(f, response, at));
  const auto report = [&](const char* variant, const std::vector<double>& y, const std::vector<double>& se,
                          const char* method) {
    curve_of(where, variant, "mtf", f, y, se, results);
    for (const int percent : {50, 10}) {
      const std::string name = "mtf" + std::to_string(percent) + "_per_mm";
      const auto at = mtf_crossing(f, y, percent / 100.0);
      if (!at) {
        results.skip(name, where, std::string("variant ") + variant + ": the groups do not reach it");
        continue;
      }
      Measurement m = measurement(name, variant, where, at->f, "1/mm");
      if (!se.empty()) {
        m.se = se[at->after] / std::abs(at->slope);
        m.ci95 = log_interval(m.value, *m.se);
      }
      m.method = method;
      m.standard = "definition B5";
      m.flags = {"between_groups=gaussian", "ci_scope=within_scan", "noise_taken_as_white"};
      results.add(std::move(m));
    }
  };
  report("fundamental", sine, sine_se,
         "pi / 4 of the amplitude of the bars' first harmonic over half the difference of bar and gap");
  report(
      "droege_morin", corrected, {},
      "pi sqrt 2 / 4 of the pixels' SD (less noise) over half the difference of bar and gap, odd harmonics taken out");
  report("coltman", series, {}, "Coltman's series of the square-wave response");
}

void run(const Job& job, const std::vector<Region>& regions, Results& results) {
  const Grid& grid = job.grid();
  const double pixel = std::max(grid.spacing_mm.x, grid.spacing_mm.y), nyquist = 1 / (2 * pixel);
  for (std::size_t s = 0; s < job.scans.size(); ++s) {
    std::map<std::string, std::vector<BarGroup>> folders;
    for (const Region& region : regions) {
      const std::string where = job.prefix(s) + region.name;
      BarGroup g;
      std::string reason;
      if (!measure_group(job, s, region, nyquist, g, reason)) {
        results.skip("modulation", where, reason);
        continue;
      }
      Measurement m =
          measurement(job.unit() == "HU" ? "modulation_hu" : "modulation", "", where, g.bar - g.gap, job.unit());
      m.se = g.modulation_se;
      m.ci95 = symmetric_interval(m.value, *m.se);
      m.method = "mean of the pixels within an eighth of a period of the bars' middles, minus that about the gaps'";
      m.standard = "definition B5";
      m.flags = {"noise_taken_as_white"};
      if (g.f_per_mm > nyquist) m.flags.push_back("beyond_nyquist");
      results.add(std::move(m));
      folders[folder_of(region.name)].push_back(std::move(g));
    }
    for (auto& [folder, groups] : folders)
      folder_results(job.prefix(s) + (folder.empty() ? "scan" : folder), std::move(groups), nyquist, results);
  }
}

}  // namespace

Metric line_pairs_metric() {
  return {
      "line_pairs",
      "Bar patterns",
      "Pixels of each group by their place across its bars, not interpolated; of a thin pattern the sum over the "
      "slices "
      "that share it, per mm of its thickness. modulation: about the middles of bars "
      "minus gaps. rmtf: that, relative to the coarsest group, or (variant michelson) over the sum of bars and gaps "
      "first; neither is an MTF. mtf, M0 half the difference of bar and gap in the coarsest group: variant "
      "fundamental, "
      "pi / 4 of the first harmonic (least squares) over M0; droege_morin, (pi sqrt 2 / 4) sqrt(M^2 - N^2) / M0, M the "
      "SD over a whole number of periods, N that about the harmonics, the odd harmonics of coarse groups taken out by "
      "the finer ones; coltman, pi/4 (C(f) + C(3f)/3 - C(5f)/5 + C(7f)/7 + ...), C the square-wave response. "
      "visible_lp_per_cm: the finest group with all gaps seen.",
      "Droege and Morin 1982; Coltman 1954; definition B5",
      {"modulation_hu", "modulation", "rmtf95_per_mm", "rmtf90_per_mm", "rmtf80_per_mm", "rmtf70_per_mm",
       "rmtf60_per_mm", "rmtf50_per_mm", "rmtf30_per_mm", "rmtf10_per_mm", "visible_lp_per_cm", "mtf50_per_mm",
       "mtf10_per_mm"},
      {"lowest_group", "michelson", "fundamental", "droege_morin", "coltman"},
      {"line_pairs"},
      {},
      run};
}

}  // namespace iqgate::measure