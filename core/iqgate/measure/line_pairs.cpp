// B5: bar patterns: modulation, and the transfer function that it stands for.
#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>

#include "iqgate/compute/resample.hpp"
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
  // Of the profile across the bars, over a whole number of periods:
  double m2 = 0;                     // variance within the bars
  double peaks = 0, valleys = 0;     // means of the tops and of the gaps between them
  bool resolved = false;             // every gap stands below its neighbours
  double noise2 = 0;                 // variance of the profile by noise
  double background = 0, inside = 0; // values beside the pattern; in the middle of its bars
};

struct Profile {
  std::vector<double> values;
  double step_mm = 0;
  double noise = 0;  // SD of a value, from the scatter across the bars
};

// Mean along the bars (and over the region's slices), at a tenth of a pixel across them.
bool profile_of(const Job& job, std::size_t s, const Region& region, Profile& profile, std::string& reason) {
  const Grid& grid = job.grid();
  const VolumeView v = job.scans[s].volume->host();
  if (!lies_in_slice(region, grid)) {
    reason = "the region's normal lies more than 10 degrees from the slice normal";
    return false;
  }
  const double pixel = std::min(grid.spacing_mm.x, grid.spacing_mm.y);
  profile.step_mm = 0.1 * pixel;
  const int count = static_cast<int>(region.size_mm.x / profile.step_mm) + 1;
  const int lines = std::max(3, static_cast<int>(region.size_mm.y / (0.5 * pixel)) + 1);
  const Vec3 normal = grid.direction.column(2);
  const double lean = dot(region.normal, normal), half = std::max(0.5 * region.size_mm.z, 0.5 * grid.spacing_mm.z);
  std::vector<double> sum(std::size_t(count), 0.0), squares(std::size_t(count), 0.0);
  // A thin pattern is in the slice nearest to it, with whatever it shares of its neighbours; a deep one in several.
  std::vector<std::size_t> slices;
  for (std::size_t z = 0; z < grid.size.z; ++z)
    if (std::abs(dot(grid.to_mm({0, 0, double(z)}) - region.center_mm, normal)) <= half + 1e-9) slices.push_back(z);
  if (slices.empty()) {
    const auto nearest = centre_slice(region, grid);
    if (!nearest) {
      reason = "not scanned: the region lies outside the scan";
      return false;
    }
    slices.push_back(*nearest);
  }
  if (region.size_mm.z <= 1.5 * grid.spacing_mm.z && slices.size() > 1) {
    // Two slices share it: the one that holds more of it.
    const auto nearest = centre_slice(region, grid);
    slices.assign(1, nearest.value_or(slices.front()));
  }
  double n = 0;
  for (const std::size_t z : slices) {
    const double off = dot(grid.to_mm({0, 0, double(z)}) - region.center_mm, normal);
    const Vec3 middle = region.center_mm + (off / lean) * region.normal;
    for (int j = 0; j < lines; ++j) {
      const double across = region.size_mm.y * ((j + 0.5) / lines - 0.5);
      n += 1;
      for (int i = 0; i < count; ++i) {
        Vec3 at = grid.to_index(middle + ((i - count / 2) * profile.step_mm) * region.in_plane +
                                across * region.second_axis());
        at.z = double(z);
        const double value = compute::linear_value(v, at, NAN);
        if (std::isnan(value)) {
          reason = "the region reaches outside the scan";
          return false;
        }
        sum[std::size_t(i)] += value;
        squares[std::size_t(i)] += value * value;
      }
    }
  }
  profile.values.resize(std::size_t(count));
  std::vector<double> scatter;
  for (int i = 0; i < count; ++i) {
    const double mean = sum[std::size_t(i)] / n;
    profile.values[std::size_t(i)] = mean;
    scatter.push_back(std::max(0.0, squares[std::size_t(i)] / n - mean * mean));
  }
  std::sort(scatter.begin(), scatter.end());
  // Lines half a pixel apart share pixels: about two of them make one value.
  profile.noise = std::sqrt(quantile(scatter, 0.25) * 2 / n);
  return true;
}

double value_at(const Profile& p, double x_mm) {
  const double at = x_mm / p.step_mm + double(p.values.size() / 2);
  const double bounded = std::clamp(at, 0.0, double(p.values.size()) - 1.001);
  const std::size_t k = static_cast<std::size_t>(bounded);
  return p.values[k] + (bounded - double(k)) * (p.values[k + 1] - p.values[k]);
}

// Best shift of the pattern against the profile, within a quarter of a period or the pixel.
double phase_of(const Profile& p, const Group& g, double most_mm) {
  double best = -INFINITY, at = 0;
  for (double shift = -most_mm; shift <= most_mm; shift += p.step_mm) {
    double sum = 0;
    for (int b = 0; b < g.bars; ++b) {
      const double x = (b - 0.5 * (g.bars - 1)) * g.period_mm + shift;
      sum += value_at(p, x);
      if (b + 1 < g.bars) sum -= value_at(p, x + 0.5 * g.period_mm) * double(g.bars) / (g.bars - 1);
    }
    if (sum > best) best = sum, at = shift;
  }
  return at;
}

void analyse(const Profile& p, double pixel_mm, Group& g) {
  const double shift = phase_of(p, g, std::min(0.25 * g.period_mm, std::max(pixel_mm, 0.1 * g.period_mm)));
  g.resolved = true;
  std::vector<double> tops, gaps;
  for (int b = 0; b < g.bars; ++b) {
    const double x = (b - 0.5 * (g.bars - 1)) * g.period_mm + shift;
    tops.push_back(value_at(p, x));
    if (b + 1 < g.bars) gaps.push_back(value_at(p, x + 0.5 * g.period_mm));
  }
  for (std::size_t k = 0; k < gaps.size(); ++k)
    g.resolved = g.resolved && gaps[k] < std::min(tops[k], tops[k + 1]) - 2 * p.noise;
  for (const double t : tops) g.peaks += t / double(tops.size());
  for (const double t : gaps) g.valleys += t / double(gaps.size());
  // From the middle of the first bar to that of the last: a whole number of periods, inside the pattern.
  const double length = (g.bars - 1) * g.period_mm;
  const int n = std::max(8, static_cast<int>(length / p.step_mm));
  double mean = 0, squares = 0;
  for (int k = 0; k < n; ++k) mean += value_at(p, shift - 0.5 * length + length * (k + 0.5) / n) / n;
  for (int k = 0; k < n; ++k)
    squares += std::pow(value_at(p, shift - 0.5 * length + length * (k + 0.5) / n) - mean, 2) / n;
  g.m2 = squares;
  g.noise2 = p.noise * p.noise;
  g.inside = *std::max_element(tops.begin(), tops.end());
  g.background = *std::min_element(p.values.begin(), p.values.end());
}

std::optional<double> at_level(const std::vector<double>& f, const std::vector<double>& y, double level) {
  return first_crossing(f, y, level);
}

void curve_of(const std::string& where, const char* variant, const char* y_name, const std::vector<double>& f,
              const std::vector<double>& y, Results& results) {
  results.curves.push_back({y_name, variant, where, {"frequency", "1/mm", f}, {y_name, "1", y}, {}, {}});
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
  const auto contrast = [](const Group& g) { return (g.peaks - g.valleys) / (g.peaks + g.valleys); };
  const double lowest = groups.front().peaks - groups.front().valleys;
  for (const Group& g : groups) {
    if (g.f_per_mm > nyquist) break;
    f.push_back(g.f_per_mm);
    relative.push_back(std::max(0.0, (g.peaks - g.valleys) / lowest));
    michelson.push_back(std::max(0.0, contrast(g) / contrast(groups.front())));
  }
  if (lowest > 0 && f.size() >= 2) {
    curve_of(where, "lowest_group", "rmtf", f, relative, results);
    for (const int percent : {95, 90, 80, 70, 60, 50, 30, 10})
      if (const auto at = at_level(f, relative, percent / 100.0))
        scalar("rmtf" + std::to_string(percent) + "_per_mm", "lowest_group", *at, "1/mm",
               "mean of the bars minus mean of the gaps, relative to the coarsest group: no MTF", {});
    // Its denominator must be far from zero: values relative to water only where all lie above it.
    const bool positive = std::all_of(groups.begin(), groups.begin() + std::ptrdiff_t(f.size()),
                                      [](const Group& g) { return g.valleys > 0 && g.peaks > 0; });
    for (const int percent : {95, 90, 80, 70, 60, 50, 30, 10})
      if (const auto at = positive ? at_level(f, michelson, percent / 100.0) : std::nullopt)
        scalar("rmtf" + std::to_string(percent) + "_per_mm", "michelson", *at, "1/mm",
               "(bars - gaps) / (bars + gaps) relative to the coarsest group; depends on the zero of the scale: no MTF",
               {});
  }
  double seen = 0;
  for (const Group& g : groups) {
    if (!g.resolved || lowest <= 0 || (g.peaks - g.valleys) / lowest < visible_modulation || g.f_per_mm > nyquist) break;
    seen = 10 * g.f_per_mm;
  }
  scalar("visible_lp_per_cm", "", seen, "1/cm",
         "finest group up to which every gap stands below its bars by twice the noise and the modulation is a tenth of "
         "the coarsest group's at least",
         {"ordinal"});
  // Absolute: bars wide enough to show their own value tell the full modulation. Five times the pixel and more.
  const Group& first = groups.front();
  const double full = 0.5 * (first.inside - first.background);
  if (0.5 * first.period_mm < 2.5 * (0.5 / nyquist) * 2 || !(full > 0))
    return results.skip("mtf50_per_mm", where,
                        "variants droege_morin, coltman: no group is coarse enough to show the value of its bars");
  std::vector<double> fd, droege, response;
  for (const Group& g : groups) {
    if (g.f_per_mm > nyquist) break;
    fd.push_back(g.f_per_mm);
    droege.push_back(pi * std::numbers::sqrt2 / 4 * std::sqrt(std::max(0.0, g.m2 - g.noise2)) / full);
    response.push_back(std::max(0.0, 0.5 * (g.peaks - g.valleys) / full));
  }
  // Valid from a third of the frequency where the MTF has gone: below, the third harmonic counts in. It is taken out
  // where the group of three times the frequency (or between two) tells it: variance = sum of (4 M0 / (pi k) MTF(kf))^2 / 2.
  std::vector<double> corrected = droege;
  for (int round = 0; round < 4; ++round)
    for (std::size_t k = 0; k < fd.size(); ++k) {
      double harmonics = 0;
      for (const int odd : {3, 5, 7})
        if (odd * fd[k] <= fd.back()) harmonics += std::pow(interpolate(fd, corrected, odd * fd[k]) / odd, 2);
      corrected[k] = std::sqrt(std::max(0.0, droege[k] * droege[k] - harmonics));
    }
  std::vector<double> sine;
  for (const double at : fd) sine.push_back(coltman(fd, response, at));
  const auto report = [&](const char* variant, const std::vector<double>& y, const char* method) {
    curve_of(where, variant, "mtf", fd, y, results);
    for (const int percent : {50, 10})
      if (const auto at = at_level(fd, y, percent / 100.0))
        scalar("mtf" + std::to_string(percent) + "_per_mm", variant, *at, "1/mm", method, {"between_groups=linear"});
      else
        results.skip("mtf" + std::to_string(percent) + "_per_mm", where,
                     std::string("variant ") + variant + ": the groups do not reach it");
  };
  report("droege_morin", corrected,
         "pi sqrt 2 / 4 of the bars' SD over half the difference of bar and background, odd harmonics taken out");
  report("coltman", sine, "Coltman's series of the square-wave response");
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
          region.shape != RegionShape::box) {
        results.skip("modulation", where, "a pattern's region must be a box with nominal line_pairs_per_cm and bars");
        continue;
      }
      Group g;
      g.name = region.name;
      g.f_per_mm = lp->second / 10;
      g.period_mm = 1 / g.f_per_mm;
      g.bars = static_cast<int>(bars->second);
      Profile profile;
      std::string reason;
      if (!profile_of(job, s, region, profile, reason)) {
        results.skip("modulation", where, reason);
        continue;
      }
      analyse(profile, pixel, g);
      Measurement m = measurement(job.unit() == "HU" ? "modulation_hu" : "modulation", "", where, g.peaks - g.valleys,
                                  job.unit());
      m.se = profile.noise * std::sqrt(1.0 / g.bars + 1.0 / (g.bars - 1));
      m.ci95 = symmetric_interval(m.value, *m.se);
      m.method = "mean of the bars minus mean of the gaps between them, on the profile across the bars";
      m.standard = "definition B5";
      if (g.f_per_mm > nyquist) m.flags = {"beyond_nyquist"};
      results.add(std::move(m));
      const std::size_t slash = region.name.rfind('/');
      folders[slash == std::string::npos ? "" : region.name.substr(0, slash)].push_back(std::move(g));
    }
    for (auto& [folder, groups] : folders)
      folder_results(job.prefix(s) + (folder.empty() ? "scan" : folder), std::move(groups), nyquist, results);
  }
}

}  // namespace

Metric line_pairs_metric() {
  return {"line_pairs",
          "Bar patterns",
          "Profile across the bars of each group, mean along them. modulation: bars minus gaps. rmtf: that, relative to "
          "the coarsest group, or (variant michelson) over the sum of bars and gaps first (neither is an MTF). mtf, variant droege_morin: (pi sqrt 2 / 4) sqrt(M^2 - N^2) / M0, M the SD "
          "over a whole number of periods, N its noise, M0 half the difference of bar and background in the coarsest "
          "group; the odd harmonics of coarse groups are taken out by the finer ones. Variant coltman: pi/4 (C(f) + "
          "C(3f)/3 - C(5f)/5 + C(7f)/7 + ...), C the square-wave response. visible_lp_per_cm: the finest group with all "
          "gaps seen.",
          "Droege and Morin 1982; Coltman 1954; definition B5",
          {"modulation_hu", "modulation", "rmtf95_per_mm", "rmtf90_per_mm", "rmtf80_per_mm", "rmtf70_per_mm",
           "rmtf60_per_mm", "rmtf50_per_mm", "rmtf30_per_mm", "rmtf10_per_mm", "visible_lp_per_cm", "mtf50_per_mm",
           "mtf10_per_mm"},
          {"lowest_group", "michelson", "droege_morin", "coltman"},
          {"line_pairs"},
          {},
          run};
}

}  // namespace iqgate::measure
