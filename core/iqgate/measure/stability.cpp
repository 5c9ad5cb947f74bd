// E1 to E3: stability of a time series of volumes (Friedman and Glover 2006): signal, fluctuation, drift,
// decorrelation.
#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>

#include "iqgate/compute/temporal.hpp"
#include "iqgate/measure/metrics.hpp"
#include "iqgate/measure/noise_correlation.hpp"
#include "iqgate/measure/series_images.hpp"
#include "iqgate/measure/time_series.hpp"

namespace iqgate::measure {
namespace {

constexpr std::size_t least_volumes = 20, usual_side = 21;
constexpr const char* source = "Friedman and Glover, JMRI 2006 (fBIRN)";

// What is taken off each series, and what its variance is divided by: n - lost.
struct Convention {
  const char* name;
  int order;
  double lost;
  const char* text;
};
constexpr Convention conventions[] = {
    {"fbirn", 2, 3, "polynomial of order 2, N - 3 degrees of freedom"},
    {"friedman_n1", 2, 1, "polynomial of order 2, N - 1 degrees of freedom: low by sqrt((N - 3) / (N - 1))"},
    {"order3_n1", 3, 1, "polynomial of order 3, N - 1 degrees of freedom"}};

// The square of pixels and its series.
struct Square {
  std::size_t slice = 0, x = 0, y = 0, side = usual_side;  // x, y: middle pixel
  std::vector<std::vector<double>> pixel;                  // [row * side + column][time]
  std::vector<double> mean;                                // over the square
};

bool cut(const VolumeSeries& series, Square& square) {
  const std::size_t below = (square.side - 1) / 2;
  if (square.x < below || square.y < below || square.x - below + square.side > series.size.x ||
      square.y - below + square.side > series.size.y)
    return false;
  const std::size_t n = series.frames.size();
  square.pixel.assign(square.side * square.side, std::vector<double>(n));
  square.mean.assign(n, 0.0);
  for (std::size_t t = 0; t < n; ++t) {
    const float* slice = series.frames[t] + square.slice * series.size.x * series.size.y;
    for (std::size_t j = 0; j < square.side; ++j)
      for (std::size_t i = 0; i < square.side; ++i) {
        const double v = slice[(square.y - below + j) * series.size.x + square.x - below + i];
        square.pixel[j * square.side + i][t] = v;
        square.mean[t] += v / double(square.pixel.size());
      }
  }
  return true;
}

// SD of residuals at the kept times, for a fit that takes `lost` of all degrees of freedom.
double sd_of(const std::vector<double>& rest, double lost, const std::vector<char>& kept) {
  double square = 0, n = 0;
  for (std::size_t t = 0; t < rest.size(); ++t)
    if (kept[t]) square += rest[t] * rest[t], n += 1;
  return std::sqrt(square / (n * (1 - lost / double(rest.size()))));
}

class Report {
 public:
  Report(const std::string& where, const VolumeSeries& series, Results& results)
      : where_(where), flags_(series.flags), results_(results) {
    flags_.push_back("ci_scope=within_scan");
  }
  void add(const char* name, const char* variant, double value, const char* unit, std::string method, double se = NAN,
           double freedom = 1e9) {
    Measurement m = measurement(name, variant, where_, value, unit);
    if (std::isfinite(se) && value > 0) {
      m.se = se;
      m.ci95 = log_interval(value, se, freedom);
    }
    m.method = std::move(method);
    m.standard = source;
    m.flags = flags_;
    results_.add(std::move(m));
  }

 private:
  std::string where_;
  std::vector<std::string> flags_;
  Results& results_;
};

void add_convention(const Square& square, const Convention& c, Report& report) {
  const std::size_t n = square.mean.size();
  const std::vector<double> polynomials = compute::time_polynomials(n, c.order);
  std::vector<std::vector<double>> rest;
  std::vector<double> means;
  for (const auto& series : square.pixel) {
    rest.push_back(residuals(series, polynomials, c.order));
    means.push_back(mean_of(series));
  }
  const std::vector<double> square_rest = residuals(square.mean, polynomials, c.order);
  const double mean = mean_of(square.mean);
  const std::size_t middle = (square.side - 1) / 2 * (square.side + 1);
  const auto sfnr = [&](const std::vector<char>& kept) {
    double sum = 0;
    for (std::size_t p = 0; p < rest.size(); ++p) sum += means[p] / sd_of(rest[p], c.lost, kept);
    return sum / double(rest.size());
  };
  const auto fluctuation = [&](const std::vector<char>& kept) { return 100 * sd_of(square_rest, c.lost, kept) / mean; };
  const auto one_voxel = [&](const std::vector<char>& kept) {
    return sd_of(rest[middle], c.lost, kept) / means[middle] / sd_of(square_rest, c.lost, kept) * mean;
  };
  const auto all_voxels = [&](const std::vector<char>& kept) {
    double sum = 0;
    for (std::size_t p = 0; p < rest.size(); ++p) sum += std::pow(sd_of(rest[p], c.lost, kept) / means[p], 2);
    return std::sqrt(sum / double(rest.size())) / sd_of(square_rest, c.lost, kept) * mean;
  };
  const std::vector<char> all(n, 1);
  const std::string text = c.text;
  const auto add = [&](const char* name, const char* unit, const auto& number, const std::string& method) {
    const JackknifeError error = block_jackknife(n, number);
    report.add(name, c.name, number(all), unit, method + "; " + text, error.se, error.freedom);
  };
  add("sfnr", "1", sfnr, "mean over the square of mean / SD in time of each pixel");
  add("percent_fluctuation_pct", "%", fluctuation, "100 SD / mean of the mean over the square");
  add("rdc_px", "px", one_voxel, "F(1) of the middle pixel over F of the whole square (Weisskoff)");
  add("rdc_avg_px", "px", all_voxels, "as rdc_px, F(1) the root mean square over the pixels");
}

void add_drift(const Square& square, Report& report) {
  const std::size_t n = square.mean.size();
  const std::vector<double> polynomials = compute::time_polynomials(n, 3);
  const double mean = mean_of(square.mean);
  const auto spread = [&](const std::vector<double>& values) {
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    return 100 * (*high - *low) / mean;
  };
  for (const int order : {2, 3}) {
    std::vector<double> fit = residuals(square.mean, polynomials, order);
    for (std::size_t t = 0; t < n; ++t) fit[t] = square.mean[t] - fit[t];
    report.add("drift_pct", order == 2 ? "fbirn" : "order3", spread(fit), "%",
               "100 (max - min) / mean of the fitted polynomial of order " + std::to_string(order));
  }
  report.add("drift_pct", "raw", spread(square.mean), "%", "100 (max - min) / mean of the series as it is");
  double slope = 0;
  for (std::size_t t = 0; t < n; ++t) slope += square.mean[t] * polynomials[n + t];
  const double rise = slope * (polynomials[2 * n - 1] - polynomials[n]);
  report.add("drift_pct", "linear_signed", 100 * rise / mean, "%", "100 slope (N - 1) / mean of the fitted line");
}

// Of the mean's residuals about order 2: where the largest amplitude lies, and how far it stands out.
void add_spectrum(const VolumeSeries& series, const Square& square, const std::string& where, Report& report,
                  Results& results) {
  const std::size_t n = square.mean.size();
  const double mean = mean_of(square.mean);
  const std::vector<double> rest = residuals(square.mean, compute::time_polynomials(n, 2), 2);
  std::vector<double> amplitude;
  for (std::size_t k = 1; k <= n / 2; ++k) {
    std::complex<double> sum = 0;
    for (std::size_t t = 0; t < n; ++t)
      sum += rest[t] * std::polar(1.0, -2 * std::numbers::pi * double(k * t % n) / double(n));
    amplitude.push_back(std::abs(sum) / mean);
  }
  const auto top = std::max_element(amplitude.begin(), amplitude.end());
  std::vector<double> distances;
  for (const double a : amplitude) distances.push_back(std::abs(a - median_of(amplitude)));
  report.add("spectrum_peak_ratio", "peak_over_mad", *top / median_of(distances), "1",
             "largest amplitude / median distance of the amplitudes from their median");
  report.add("spectrum_peak_ratio", "robust_sd", (*top - median_of(amplitude)) / robust_sd(amplitude), "1",
             "(largest amplitude - median) / (1.4826 median distance from it), frequencies 1 / (N TR) to 1 / (2 TR)");
  if (!series.interval_s)
    return results.skip("spectrum_peak_hz", where,
                        "the time from volume to volume is not known (none is told, or one below 50 ms); give it with "
                        "--repetition-time");
  const double step = 1 / (double(n) * *series.interval_s);
  report.add("spectrum_peak_hz", "", step * double(top - amplitude.begin() + 1), "Hz",
             "frequency of the largest amplitude of the mean's residuals");
  Curve curve{.name = "fluctuation_spectrum", .variant = "fbirn", .where = where};
  curve.x = {"frequency", "Hz", {}};
  curve.y = {"relative_amplitude", "1", amplitude};
  for (std::size_t k = 0; k < amplitude.size(); ++k) curve.x.values.push_back(step * double(k + 1));
  results.curves.push_back(std::move(curve));
}

void add_weisskoff(const VolumeSeries& series, const Square& square, const std::string& where, Results& results) {
  const compute::SquareSeries squares = compute::square_series(
      {.frames = series.frames, .size = series.size, .order = 2}, square.slice, square.x, square.y, square.side);
  Curve curve{.name = "weisskoff", .variant = "fbirn", .where = where};
  curve.x = {"side", "px", {}};
  curve.y = {"coefficient_of_variation", "%", {}};
  Curve white = curve;
  white.variant = "white_noise";
  for (std::size_t k = 0; k < squares.cv.size(); ++k) {
    curve.x.values.push_back(double(k + 1));
    curve.y.values.push_back(100 * squares.cv[k]);
    white.y.values.push_back(100 * squares.cv_one_voxel_rms / double(k + 1));
  }
  white.x = curve.x;
  results.curves.push_back(std::move(curve));
  results.curves.push_back(std::move(white));
  Curve time{.name = "signal_in_time", .variant = "", .where = where};
  time.x = {series.interval_s ? "time" : "volume", series.interval_s ? "s" : "1", {}};
  time.y = {"mean_signal", "1", square.mean};
  for (std::size_t t = 0; t < square.mean.size(); ++t)
    time.x.values.push_back(double(t) * series.interval_s.value_or(1));
  results.curves.push_back(std::move(time));
}

void add_plain(const Job& job, const VolumeSeries& series, const Square& square, Report& report) {
  const std::size_t n = square.mean.size(), pixels = square.pixel.size();
  const double mean = mean_of(square.mean);
  report.add("signal_mean", "fbirn", mean, "1", "mean over the square and over time");
  double tsnr = 0;
  for (const auto& pixel : square.pixel) {
    const double own = mean_of(pixel);
    double sum = 0;
    for (const double v : pixel) sum += (v - own) * (v - own);
    tsnr += own / std::sqrt(sum / (double(n) - 1)) / double(pixels);
  }
  report.add("tsnr", "", tsnr, "1", "as sfnr, nothing taken off the series");
  // Odd less even volumes: what is left is noise without drift.
  Volume difference{job.grid(), Voxels(square.side * square.side)};
  difference.grid.size = {square.side, square.side, 1};
  compute::Mask mask;
  double sum = 0, squares = 0;
  for (std::size_t p = 0; p < pixels; ++p) {
    double d = 0;
    for (std::size_t t = 0; t < n; ++t) d += t % 2 == 0 ? square.pixel[p][t] : -square.pixel[p][t];
    difference.values[p] = float(d);
    mask.offsets.push_back(p);
    sum += d;
    squares += d * d;
  }
  const double variance = (squares - sum * sum / double(pixels)) / (double(pixels) - 1);
  if (variance > 0) {
    const double snr = mean / std::sqrt(variance / double(n)),
                 freedom = noise_correlation(difference.view(), mask).n_eff_variance(double(pixels)) - 1;
    report.add("snr_static", "fbirn", snr, "1", "mean / sqrt(variance of (odd less even volumes) over the square / N)",
               snr / std::sqrt(2 * std::max(freedom, 1.0)), freedom);
  }
  const auto outlier = [&](const std::vector<double>& values, int order) {
    const std::vector<double> rest = residuals(values, compute::time_polynomials(n, order), order);
    double largest = 0;
    for (const double r : rest) largest = std::max(largest, std::abs(r));
    return largest / robust_sd(rest);
  };
  report.add("series_outlier", "fbirn", outlier(square.mean, 2), "1",
             "largest residual of the square's mean about order 2, in robust SDs");
  std::vector<double> whole(n, 0.0);
  const std::size_t plane = series.size.x * series.size.y;
  for (std::size_t t = 0; t < n; ++t) {
    const float* slice = series.frames[t] + square.slice * plane;
    for (std::size_t k = 0; k < plane; ++k) whole[t] += slice[k] / double(plane);
  }
  report.add("series_outlier", "whole_slice_order3", outlier(whole, 3), "1",
             "as above of the whole slice's mean, about order 3");
}

void one_region(const Job& job, const VolumeSeries& series, const Region& region, Results& results) {
  const auto slice = centre_slice(region, job.grid());
  if (!slice) return results.skip("sfnr", region.name, "the region lies outside the scan");
  Square square;
  square.slice = *slice;
  if (const auto side = region.nominal.find("side_px"); side != region.nominal.end()) {
    if (!(side->second >= 3 && side->second <= 101 && side->second == std::floor(side->second)))
      return results.skip("sfnr", region.name, "side_px is not a whole number from 3 to 101");
    square.side = static_cast<std::size_t>(side->second);
  }
  const Vec3 centre = job.grid().to_index(region.center_mm);
  if (!(centre.x > -0.5 && centre.y > -0.5))
    return results.skip("sfnr", region.name, "the region lies outside the scan");
  square.x = static_cast<std::size_t>(std::lround(centre.x));
  square.y = static_cast<std::size_t>(std::lround(centre.y));
  if (!cut(series, square))
    return results.skip("sfnr", region.name,
                        "the square of " + std::to_string(square.side) + " pixels does not lie in the image");
  if (!(mean_of(square.mean) > 0)) return results.skip("sfnr", region.name, "the mean signal is not positive");
  for (const auto& pixel : square.pixel)
    if (*std::min_element(pixel.begin(), pixel.end()) == *std::max_element(pixel.begin(), pixel.end()))
      return results.skip("sfnr", region.name, "a pixel of the square does not change in time");
  Report report(region.name, series, results);
  add_plain(job, series, square, report);
  for (const Convention& c : conventions) add_convention(square, c, report);
  add_drift(square, report);
  add_spectrum(series, square, region.name, report, results);
  add_weisskoff(series, square, region.name, results);
  add_series_images(job, series, square.slice, square.x, square.y, square.side, region.name, results);
}

void run_stability(const Job& job, const std::vector<Region>& regions, Results& results) {
  const VolumeSeries series = volume_series(job, least_volumes);
  for (const Region& region : regions) {
    if (!series.good()) results.skip("sfnr", region.name, series.reason);
    else one_region(job, series, region, results);
  }
}

}  // namespace

Metric stability_metric() {
  return {"stability",
          "Stability of a time series (fBIRN)",
          "In a square of 21 x 21 pixels about the middle of the region (nominal side_px: another side), the first "
          "volumes left out, an even number kept: SFNR, static SNR, per cent fluctuation, drift, spectrum, Weisskoff "
          "curve and radius of decorrelation; over the phantom ghosts (N / 2 along phase encoding), smoothness of the "
          "residuals (Forman) and spikes. Standard errors of SFNR, fluctuation and decorrelation by leaving out blocks "
          "of time.",
          source,
          {"sfnr", "tsnr", "snr_static", "signal_mean", "percent_fluctuation_pct", "drift_pct", "rdc_px", "rdc_avg_px",
           "spectrum_peak_hz", "spectrum_peak_ratio", "series_outlier", "ghost_mean_pct", "ghost_top10_pct",
           "fwhm_x_mm", "fwhm_y_mm", "fwhm_z_mm", "n_spikes"},
          {"fbirn", "friedman_n1", "order3_n1", "raw", "order3", "linear_signed", "whole_slice_order3",
           "background_subtracted", "pooled", "peak_over_mad", "robust_sd", "robust_sd5", "mad5"},
          {"time_series"},
          {"MR"},
          run_stability};
}

}  // namespace iqgate::measure
