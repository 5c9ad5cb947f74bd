#include "iqgate/measure/edge_response.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <map>
#include <mutex>
#include <numbers>

#include "iqgate/compute/fft.hpp"

namespace iqgate::measure {
namespace {

constexpr double pi = std::numbers::pi;

double sinc(double x) { return std::abs(x) < 1e-12 ? 1 : std::sin(pi * x) / (pi * x); }

// Pool adjacent violators: the closest non-decreasing (or non-increasing) sequence.
void make_monotone(std::vector<double>& v, bool rising) {
  std::vector<std::pair<double, double>> pools;  // sum, count
  for (const double value : v) {
    pools.emplace_back(rising ? value : -value, 1);
    while (pools.size() > 1 &&
           pools[pools.size() - 2].first / pools[pools.size() - 2].second > pools.back().first / pools.back().second) {
      pools[pools.size() - 2].first += pools.back().first;
      pools[pools.size() - 2].second += pools.back().second;
      pools.pop_back();
    }
  }
  std::size_t k = 0;
  for (const auto& [sum, count] : pools)
    for (int i = 0; i < static_cast<int>(count); ++i) v[k++] = (rising ? 1 : -1) * sum / count;
}

// Position where the ESF passes a level, sought outwards from the half-level crossing nearest to the profile's middle,
// so that noise on the plateaus does not count.
double level_position(const Response& r, double fraction) {
  const double level = r.low + fraction * (r.high - r.low);
  const bool rising = r.high > r.low;
  std::size_t middle = 0;
  double best = INFINITY;
  for (std::size_t k = 0; k + 1 < r.esf.size(); ++k) {
    const double half = 0.5 * (r.low + r.high);
    if ((r.esf[k] - half) * (r.esf[k + 1] - half) <= 0 && r.esf[k] != r.esf[k + 1]) {
      const double from_middle = std::abs(double(k) - 0.5 * double(r.esf.size()));
      if (from_middle < best) best = from_middle, middle = k;
    }
  }
  const auto above = [&](std::size_t k) { return rising ? r.esf[k] >= level : r.esf[k] <= level; };
  std::size_t k = middle;
  if (fraction < 0.5)
    while (k > 0 && above(k)) --k;
  else
    while (k + 1 < r.esf.size() && !above(k + 1)) ++k;
  if (k + 1 >= r.esf.size() || r.esf[k + 1] == r.esf[k]) return r.distance_mm[k];
  const double t = std::clamp((level - r.esf[k]) / (r.esf[k + 1] - r.esf[k]), 0.0, 1.0);
  return r.distance_mm[k] + t * (r.distance_mm[k + 1] - r.distance_mm[k]);
}

double window_value(Window window, double u) {  // u: distance from the centre over half the width
  u = std::abs(u);
  if (window == Window::none) return 1;
  if (u >= 1) return 0;
  switch (window) {
    case Window::hann: return 0.5 + 0.5 * std::cos(pi * u);
    case Window::tukey: return u <= 0.5 ? 1 : 0.5 + 0.5 * std::cos(2 * pi * (u - 0.5));
    case Window::none: break;
  }
  return 1;
}

// Replaces each side beyond 1 % of the peak by the exponential that fits between 4 % and 1 %, out to 5 decades. (From
// 10 % on, as is usual, the Gaussian core still counts: an error of 0.02 in the MTF for a glare of 20 %.)
// False when noise hides the tails or a side shows no decay.
bool extend_tails(Response& r, double bin_mm) {
  const std::size_t peak = static_cast<std::size_t>(std::max_element(r.lsf.begin(), r.lsf.end()) - r.lsf.begin());
  const double top = r.lsf[peak];
  const std::size_t sixth = r.lsf.size() / 6;
  double square = 0;
  for (std::size_t k = 1; k + 1 < sixth; ++k) {
    const double left = r.lsf[k + 1] - r.lsf[k], right = r.lsf[r.lsf.size() - k - 1] - r.lsf[r.lsf.size() - k - 2];
    square += left * left + right * right;
  }
  if (sixth < 4 || std::sqrt(square / (4 * double(sixth - 2))) > 0.005 * top) {
    r.reason = "the noise of the line spread hides its tails";
    return false;
  }
  std::vector<double> sides[2];
  for (int side = 0; side < 2; ++side) {
    const long step = side == 0 ? -1 : 1;
    double s = 0, sx = 0, sy = 0, sxx = 0, sxy = 0;
    long k = long(peak), n = long(r.lsf.size()), from = -1, to = -1;
    while (k >= 0 && k < n && r.lsf[std::size_t(k)] > 0.04 * top) k += step;
    from = k;
    while (k >= 0 && k < n && r.lsf[std::size_t(k)] > 0.01 * top) k += step;
    to = k;
    for (long j = from; j != to; j += step) {
      const double x = std::abs(double(j - from)) * bin_mm, y = std::log(r.lsf[std::size_t(j)] / top);
      s += 1, sx += x, sy += y, sxx += x * x, sxy += x * y;
    }
    if (s < 4 || to < 0 || to >= n) {
      r.reason = "the line spread does not fall from 4 to 1 % of its peak inside the region";
      return false;
    }
    const double slope = (s * sxy - sx * sy) / (s * sxx - sx * sx), start = (sy - slope * sx) / s;
    if (!(slope < 0)) {
      r.reason = "the tail of the line spread does not decay";
      return false;
    }
    for (long j = to;; j += step) {
      const double value = top * std::exp(start + slope * std::abs(double(j - from)) * bin_mm);
      if (value < 1e-5 * top || std::abs(j - to) > 4 * n) break;
      if (j >= 0 && j < n) {
        r.lsf[std::size_t(j)] = value;
      } else {
        sides[side].push_back(value);
      }
    }
    for (long j = to; j >= 0 && j < n; j += step)
      if (top * std::exp(start + slope * std::abs(double(j - from)) * bin_mm) < 1e-5 * top) r.lsf[std::size_t(j)] = 0;
  }
  double added = 0, total = 0;
  for (const auto& side : sides)
    for (const double v : side) added += v;
  std::vector<double> whole(sides[0].rbegin(), sides[0].rend());
  whole.insert(whole.end(), r.lsf.begin(), r.lsf.end());
  whole.insert(whole.end(), sides[1].begin(), sides[1].end());
  for (const double v : whole) total += v;
  r.lsf = std::move(whole);
  r.tail_fraction = total > 0 ? added / total : 0;
  return true;
}

std::size_t transform_size(double bin_mm, std::size_t least) {
  std::size_t n = 64;
  while (1 / (double(n) * bin_mm) > frequency_step_per_mm || n < least) n *= 2;
  return n;
}

// Plans are kept by size: making one takes longer than running it.
const compute::Fft& transform_of(std::size_t n) {
  static std::mutex mutex;
  static std::map<std::size_t, std::unique_ptr<compute::Fft>> plans;
  const std::lock_guard lock(mutex);
  auto& plan = plans[n];
  if (!plan) plan = std::make_unique<compute::Fft>(Size3{n, 1, 1}, true);
  return *plan;
}

std::optional<double> width_at(const std::vector<double>& lsf, double bin_mm, double fraction) {
  const std::size_t peak = static_cast<std::size_t>(std::max_element(lsf.begin(), lsf.end()) - lsf.begin());
  const double level = fraction * lsf[peak];
  double left = -1, right = -1;
  for (std::size_t k = peak; k > 0; --k)
    if (lsf[k - 1] < level) {
      left = double(k) - (lsf[k] - level) / (lsf[k] - lsf[k - 1]);
      break;
    }
  for (std::size_t k = peak; k + 1 < lsf.size(); ++k)
    if (lsf[k + 1] < level) {
      right = double(k) + (lsf[k] - level) / (lsf[k] - lsf[k + 1]);
      break;
    }
  if (left < 0 || right < 0) return std::nullopt;
  return (right - left) * bin_mm;
}

}  // namespace

BlockedProfile blocked(const compute::EdgeProfile& profile, const compute::EdgeProfileJob& job, BlockBy by) {
  BlockedProfile b{.first_mm = job.first_mm, .bin_mm = job.bin_mm, .bins = std::size_t(profile.bins)};
  const std::size_t sectors = std::size_t(profile.sectors);
  b.blocks = by == BlockBy::sector ? sectors : sectors * profile.slices;
  b.sums.assign(b.blocks * b.bins, 0);
  b.counts.assign(b.blocks * b.bins, 0);
  b.offsets.assign(b.blocks * b.bins, 0);
  for (std::size_t z = 0; z < profile.slices; ++z)
    for (std::size_t s = 0; s < sectors; ++s) {
      const std::size_t block = by == BlockBy::sector ? s : z * sectors + s;
      for (std::size_t k = 0; k < b.bins; ++k) {
        const std::size_t from = (z * sectors + s) * b.bins + k;
        b.sums[block * b.bins + k] += double(profile.sums[from]) / profile.scale;
        b.counts[block * b.bins + k] += double(profile.counts[from]);
        b.offsets[block * b.bins + k] += double(profile.offsets[from]) / compute::offset_scale;
      }
    }
  return b;
}

namespace {

// Values at the mean positions of their bins, brought to the middles by the slope between the neighbours.
void centre_bins(std::vector<double>& esf, const std::vector<double>& offsets) {
  std::vector<double> moved = esf;
  for (std::size_t k = 1; k + 1 < esf.size(); ++k) {
    const double run = 2 + offsets[k + 1] - offsets[k - 1];
    moved[k] -= (esf[k + 1] - esf[k - 1]) / run * offsets[k];
  }
  esf = std::move(moved);
}

void fill_gaps(std::vector<double>& esf) {
  const std::size_t n = esf.size();
  for (std::size_t k = 0; k < n; ++k) {
    if (!std::isnan(esf[k])) continue;
    std::size_t next = k;
    while (next < n && std::isnan(esf[next])) ++next;
    for (std::size_t j = k; j < next; ++j)
      esf[j] = k == 0      ? esf[next]
               : next == n ? esf[k - 1]
                           : esf[k - 1] + (esf[next] - esf[k - 1]) * double(j - k + 1) / double(next - k + 1);
    k = next;
  }
}

}  // namespace

bool mean_profile(const BlockedProfile& profile, const std::vector<int>& times, std::vector<double>& esf) {
  std::vector<double> sums(profile.bins, 0.0), counts(profile.bins, 0.0), offsets(profile.bins, 0.0);
  for (std::size_t b = 0; b < profile.blocks; ++b) {
    const double w = times.empty() ? 1 : times[b];
    if (w == 0) continue;
    for (std::size_t k = 0; k < profile.bins; ++k) {
      const std::size_t at = b * profile.bins + k;
      sums[k] += w * profile.sums[at];
      counts[k] += w * profile.counts[at];
      if (!profile.offsets.empty()) offsets[k] += w * profile.offsets[at];
    }
  }
  esf.assign(profile.bins, NAN);
  std::size_t empty = 0;
  for (std::size_t k = 0; k < profile.bins; ++k)
    if (counts[k] > 0) esf[k] = sums[k] / counts[k], offsets[k] /= counts[k];
    else ++empty;
  if (4 * empty > profile.bins) return false;
  fill_gaps(esf);
  centre_bins(esf, offsets);
  return true;
}

Response edge_response(const BlockedProfile& profile, const std::vector<int>& times, const Conditioning& options,
                       double f_limit_per_mm) {
  Response r;
  const double bin = profile.bin_mm;
  if (profile.bins < 24 || !mean_profile(profile, times, r.esf)) {
    r.reason = "too few voxels for the bins of the edge profile";
    return r;
  }
  const std::size_t n = profile.bins, sixth = n / 6;
  for (std::size_t k = 0; k < n; ++k) r.distance_mm.push_back(profile.first_mm + (double(k) + 0.5) * bin);
  for (std::size_t k = 0; k < sixth; ++k) r.low += r.esf[k] / double(sixth), r.high += r.esf[n - 1 - k] / double(sixth);
  if (r.high == r.low) {
    r.reason = "the edge has no contrast";
    return r;
  }
  if (options.monotone) make_monotone(r.esf, r.high > r.low);
  r.centre_mm = level_position(r, 0.5);
  r.rise_15_85_mm = level_position(r, 0.85) - level_position(r, 0.15);
  const double sign = r.high > r.low ? 1 : -1;
  r.lsf.assign(n, 0);
  for (std::size_t k = 1; k + 1 < n; ++k) r.lsf[k] = sign * (r.esf[k + 1] - r.esf[k - 1]) / (2 * bin);
  if (options.tail == Tail::exponential && !extend_tails(r, bin)) return r;
  if (options.window != Window::none) {
    const double width =
        options.window_width_mm > 0 ? options.window_width_mm : 15 * std::max(r.rise_15_85_mm, 2 * bin);
    for (std::size_t k = 0; k < n; ++k)
      r.lsf[k] *= window_value(options.window, 2 * (r.distance_mm[k] - r.centre_mm) / width);
  }
  const std::size_t size = transform_size(bin, r.lsf.size());
  const compute::Fft::Buffer data = compute::Fft::buffer(size);
  for (std::size_t k = 0; k < size; ++k) data[k] = k < r.lsf.size() ? r.lsf[k] : 0.0;
  transform_of(size).run(data.get());
  const double zero = data[0].real();
  if (!(zero > 0)) {
    r.reason = "the line spread has no positive area";
    return r;
  }
  for (std::size_t k = 0; k <= size / 2; ++k) {
    const double f = double(k) / (double(size) * bin);
    if (f > f_limit_per_mm || f * bin > 0.4) break;
    const double factor = sinc(2 * f * bin) * sinc(f * bin);
    r.frequency_per_mm.push_back(f);
    r.mtf.push_back(std::abs(data[k]) / zero * std::min(1 / factor, options.largest_correction));
  }
  r.f50 = first_crossing(r.frequency_per_mm, r.mtf, 0.5);
  r.fwhm_mm = width_at(r.lsf, bin, 0.5);
  r.fwtm_mm = width_at(r.lsf, bin, 0.1);
  r.good = true;
  return r;
}

void set_box(compute::EdgeProfileJob& job, const Grid& grid, Vec3 centre_mm, double reach_mm, int dimensions) {
  const std::size_t size[3] = {grid.size.x, grid.size.y, grid.size.z};
  for (int d = 0; d < dimensions; ++d) {
    const double centre = centre_mm[d] / grid.spacing_mm[d], half = reach_mm / grid.spacing_mm[d] + 1;
    job.low[d] = static_cast<std::size_t>(std::clamp(std::floor(centre - half), 0.0, double(size[d] - 1)));
    job.high[d] = static_cast<std::size_t>(std::clamp(std::ceil(centre + half) + 1, 1.0, double(size[d])));
  }
}

void add_response(const Job& job, Results& results, const ResponseNames& names, const std::string& where,
                  const BlockedProfile& profile, const Conditioning& options, double nyquist_per_mm,
                  std::vector<std::string> flags) {
  const auto curve_of = [&](const Response& r) {
    TransferCurve c{r.good, r.reason, r.frequency_per_mm, r.mtf, {}, {}, {}};
    if (names.with_widths) c.fwhm_mm = r.fwhm_mm, c.fwtm_mm = r.fwtm_mm;
    return c;
  };
  const Response whole = edge_response(profile, {}, options, 2 * nyquist_per_mm);
  const bool tail = options.tail == Tail::exponential;
  if (tail && !whole.good)
    return results.skip("lsf_tail_fraction", where, "variant " + names.variant + ": " + whole.reason);
  if (tail) {
    Measurement m = measurement("lsf_tail_fraction", names.variant, where, whole.tail_fraction, "1");
    m.method = names.method;
    results.add(std::move(m));
  }
  if (whole.tail_fraction > 0.02) flags.push_back("lsf_tail_extrapolated");
  const TransferCurve c = add_transfer(
      job, results, names, where, profile.blocks,
      [&](const std::vector<int>& times) {
        return curve_of(edge_response(profile, times, options, 2 * nyquist_per_mm));
      },
      nyquist_per_mm, std::move(flags));
  if (c.good && !tail)
    results.curves.push_back({.name = "esf",
                              .variant = names.variant,
                              .where = where,
                              .x = {"distance", "mm", whole.distance_mm},
                              .y = {"edge spread", job.unit(), whole.esf}});
}

}  // namespace iqgate::measure
