// B5: bar patterns: modulation, and the transfer function that it stands for.
#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>

#include "iqgate/measure/metrics.hpp"
#include "iqgate/measure/transfer_curve.hpp"

namespace iqgate::measure {
namespace {

constexpr double pi = std::numbers::pi;
constexpr double visible_modulation = 0.1;

struct Group {
  std::string name;
  double f_per_mm = 0, period_mm = 0;
  int bars = 0;
  double m2 = 0, noise2 = 0;                   // variance of the pixels within the bars; of their noise
  double fundamental = 0, fundamental_se = 0;  // amplitude of the first harmonic
  double bar = 0, gap = 0, modulation_se = 0;  // means about the middles of the bars, and of the gaps
  double bar_top = 0, gap_bottom = 0;          // the same closer to the middles: plateaus of wide bars
  double crest_to_trough = 0;                  // of the harmonics, at the middles themselves
  bool resolved = false;                       // every gap stands below its neighbours
};

// A pixel of the pattern: its place across the bars, from the middle.
struct Pixel {
  double x_mm, value;
};

// A thin pattern is shared by neighbouring slices, and in a tilted phantom each group by others: what all of them hold
// of it together is the same for every group. Each pixel is the sum over them, per mm of the pattern's thickness, at
// the place where the line through it meets the pattern's plane.
constexpr double beyond_mm = 2;
bool sums_of_thin(const VolumeView& v, const Region& region, const Grid& grid, double thickness_mm,
                  std::vector<Pixel>& pixels, std::string& reason) {
  const Vec3 normal = grid.direction.column(2);
  const double lean = dot(region.normal, normal);
  const double reach = 0.5 * thickness_mm + beyond_mm + grid.spacing_mm.z;
  const double middle = grid.to_index(region.center_mm).z;
  const long first = long(std::ceil(middle - reach / grid.spacing_mm.z)),
             last = long(std::floor(middle + reach / grid.spacing_mm.z));
  if (first < 0 || last >= long(v.size.z)) {
    reason = last < 0 || first >= long(v.size.z)
                 ? "not scanned: the region lies outside the scan"
                 : "not scanned: some slices that share the pattern lie outside the scan";
    return false;
  }
  const Vec3 centre = grid.to_index(region.center_mm);
  const double radius = 0.5 * std::hypot(region.size_mm.x, region.size_mm.y) + 2;
  const long x0 = long(centre.x - radius / grid.spacing_mm.x), x1 = long(centre.x + radius / grid.spacing_mm.x) + 1,
             y0 = long(centre.y - radius / grid.spacing_mm.y), y1 = long(centre.y + radius / grid.spacing_mm.y) + 1;
  if (x0 < 0 || y0 < 0 || x1 >= long(v.size.x) || y1 >= long(v.size.y)) {
    reason = "the region reaches outside the scan";
    return false;
  }
  for (long y = y0; y <= y1; ++y)
    for (long x = x0; x <= x1; ++x) {
      const Vec3 mm = grid.to_mm({double(x), double(y), middle});
      const Vec3 met = mm - (dot(mm - region.center_mm, region.normal) / lean) * normal, p = region.local(met);
      if (std::abs(p.x) > 0.5 * region.size_mm.x || std::abs(p.y) > 0.5 * region.size_mm.y) continue;
      double sum = 0;
      for (long z = first; z <= last; ++z) sum += v(std::size_t(x), std::size_t(y), std::size_t(z));
      pixels.push_back({p.x, sum * grid.spacing_mm.z / thickness_mm});
    }
  return true;
}

// The pixels of the region, as they are: interpolation between them would take modulation away.
bool pixels_of(const Job& job, std::size_t s, const Region& region, std::vector<Pixel>& pixels, std::string& reason) {
  const Grid& grid = job.grid();
  if (!lies_in_slice(region, grid)) {
    reason = "the region's normal lies more than 10 degrees from the slice normal";
    return false;
  }
  const VolumeView v = job.scans[s].volume->host();
  if (const auto thin = region.nominal.find("pattern_thickness_mm"); thin != region.nominal.end() && thin->second > 0)
    return sums_of_thin(v, region, grid, thin->second, pixels, reason);
  const RegionVoxels voxels = region_voxels(region, grid);
  if (!voxels.good()) {
    reason = voxels.reason;
    return false;
  }
  for (const std::size_t o : voxels.mask.offsets)
    pixels.push_back({region
                          .local(grid.to_mm({double(o % v.size.x), double(o / v.size.x % v.size.y),
                                             double(o / (v.size.x * v.size.y))}))
                          .x,
                      v.values[o]});
  return true;
}

struct Mean {
  double value = 0, n = 0;
};
Mean mean_near(const std::vector<Pixel>& pixels, const std::vector<double>& places, double reach_mm) {
  Mean m;
  for (const Pixel& p : pixels)
    for (const double at : places)
      if (std::abs(p.x_mm - at) <= reach_mm) m.value += p.value, m.n += 1;
  if (m.n > 0) m.value /= m.n;
  return m;
}

// Harmonics of the bars by least squares, from the middle of the first bar to that of the last: a whole number of
// periods. The first one's phase tells where the bars lie.
bool analyse(const std::vector<Pixel>& all, double nyquist, Group& g, std::string& reason) {
  const double half = 0.5 * (g.bars - 1) * g.period_mm;
  std::vector<Pixel> inside;
  for (const Pixel& p : all)
    if (std::abs(p.x_mm) <= half) inside.push_back(p);
  int harmonics = 1;
  while (harmonics < 4 && (2 * harmonics + 1) * g.f_per_mm < nyquist) ++harmonics;
  const long columns = 1 + 2 * harmonics, n = long(inside.size());
  if (n < 2 * columns + 4) {
    reason = "fewer than " + std::to_string(2 * columns + 4) + " pixels lie within the bars";
    return false;
  }
  Eigen::MatrixXd basis(n, columns);
  Eigen::VectorXd values(n);
  double mean = 0;
  for (long k = 0; k < n; ++k) {
    const Pixel& p = inside[std::size_t(k)];
    basis(k, 0) = 1;
    for (int h = 0; h < harmonics; ++h) {
      const double phase = 2 * pi * (2 * h + 1) * p.x_mm / g.period_mm;
      basis(k, 1 + 2 * h) = std::cos(phase);
      basis(k, 2 + 2 * h) = std::sin(phase);
    }
    values[k] = p.value;
    mean += p.value / double(n);
  }
  const Eigen::MatrixXd normal = basis.transpose() * basis;
  const Eigen::LDLT<Eigen::MatrixXd> solver(normal);
  const Eigen::VectorXd fit = solver.solve(basis.transpose() * values);
  const Eigen::MatrixXd inverse = solver.solve(Eigen::MatrixXd::Identity(columns, columns));
  if (!fit.allFinite() || !(inverse(1, 1) > 0) || inverse(1, 1) * double(n) > 50) {
    reason = "the pixels sample too few phases of the bars";
    return false;
  }
  g.noise2 = (values - basis * fit).squaredNorm() / double(n - columns);
  for (const Pixel& p : inside) g.m2 += (p.value - mean) * (p.value - mean) / double(n - 1);
  g.fundamental = std::hypot(fit[1], fit[2]);
  g.fundamental_se = std::sqrt(g.noise2 * 0.5 * (inverse(1, 1) + inverse(2, 2)));
  // Bars lie on the crests next to their nominal places (an odd number of bars: at 0; an even one: half a period off),
  // where there is a wave to tell.
  double shift = 0;
  if (g.fundamental > 3 * g.fundamental_se) {
    const double crest = std::atan2(fit[2], fit[1]) / (2 * pi) * g.period_mm;
    shift = std::remainder(crest - (g.bars % 2 ? 0 : 0.5 * g.period_mm), g.period_mm);
  }
  for (int h = 0; h < harmonics; ++h) {
    const double phase = 2 * pi * (2 * h + 1) * (shift + (g.bars % 2 ? 0 : 0.5 * g.period_mm)) / g.period_mm;
    g.crest_to_trough += 2 * (fit[1 + 2 * h] * std::cos(phase) + fit[2 + 2 * h] * std::sin(phase));
  }
  std::vector<double> bars, gaps;
  for (int b = 0; b < g.bars; ++b) bars.push_back((b - 0.5 * (g.bars - 1)) * g.period_mm + shift);
  for (int b = 0; b + 1 < g.bars; ++b) gaps.push_back(bars[std::size_t(b)] + 0.5 * g.period_mm);
  const double reach = g.period_mm / 8;
  const Mean bar = mean_near(all, bars, reach), gap = mean_near(all, gaps, reach);
  if (bar.n < 2 || gap.n < 2) {
    reason = "no pixel lies on the bars or between them";
    return false;
  }
  g.bar = bar.value, g.gap = gap.value;
  g.modulation_se = std::sqrt(g.noise2 * (1 / bar.n + 1 / gap.n));
  const Mean top = mean_near(all, bars, 0.5 * reach), bottom = mean_near(all, gaps, 0.5 * reach);
  g.bar_top = top.n > 0 ? top.value : bar.value;
  g.gap_bottom = bottom.n > 0 ? bottom.value : gap.value;
  g.resolved = true;
  for (std::size_t k = 0; k < gaps.size(); ++k) {
    const Mean left = mean_near(all, {bars[k]}, reach), here = mean_near(all, {gaps[k]}, reach),
               right = mean_near(all, {bars[k + 1]}, reach);
    const double noise =
        std::sqrt(g.noise2 * (1 / std::max(here.n, 1.0) + 1 / std::max(std::min(left.n, right.n), 1.0)));
    g.resolved = g.resolved && here.n > 0 && left.n > 0 && right.n > 0 &&
                 here.value < std::min(left.value, right.value) - 2 * noise;
  }
  return true;
}

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

void folder_results(const std::string& where, std::vector<Group> groups, double nyquist, Results& results) {
  std::sort(groups.begin(), groups.end(), [](const Group& a, const Group& b) { return a.f_per_mm < b.f_per_mm; });
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
  const Group& first = groups.front();
  const auto contrast = [](const Group& g) { return (g.bar - g.gap) / (g.bar + g.gap); };
  const double lowest = first.bar - first.gap;
  if (!(lowest > 3 * first.modulation_se))
    return results.skip("rmtf50_per_mm", where, "the coarsest group does not stand out from the noise");
  for (const Group& g : groups) {
    if (g.f_per_mm > nyquist) break;
    f.push_back(g.f_per_mm);
    relative.push_back(std::max(0.0, (g.bar - g.gap) / lowest));
    michelson.push_back(std::max(0.0, contrast(g) / contrast(first)));
  }
  if (f.size() >= 2) {
    curve_of(where, "lowest_group", "rmtf", f, relative, {}, results);
    // Its denominator must be far from zero: values relative to water only where all lie above it.
    const bool positive = std::all_of(groups.begin(), groups.begin() + std::ptrdiff_t(f.size()),
                                      [](const Group& g) { return g.gap > 0 && g.bar > 0; });
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
  for (const Group& g : groups) {
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
    std::map<std::string, std::vector<Group>> folders;
    for (const Region& region : regions) {
      const std::string where = job.prefix(s) + region.name;
      const auto lp = region.nominal.find("line_pairs_per_cm"), bars = region.nominal.find("bars");
      if (lp == region.nominal.end() || bars == region.nominal.end() || !(lp->second > 0) || !(bars->second >= 2) ||
          bars->second > 100 || std::floor(bars->second) != bars->second ||
          (bars->second - 1) * 10 / lp->second > region.size_mm.x || region.shape != RegionShape::box) {
        results.skip(
            "modulation", where,
            "a pattern's region must be a box that holds it, with nominal line_pairs_per_cm and bars (2 to 100)");
        continue;
      }
      Group g;
      g.name = region.name;
      g.f_per_mm = lp->second / 10;
      g.period_mm = 1 / g.f_per_mm;
      g.bars = static_cast<int>(bars->second);
      std::vector<Pixel> pixels;
      std::string reason;
      if (!pixels_of(job, s, region, pixels, reason) || !analyse(pixels, nyquist, g, reason)) {
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
