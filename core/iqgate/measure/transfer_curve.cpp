#include "iqgate/measure/transfer_curve.hpp"

#include <algorithm>
#include <cmath>

namespace iqgate::measure {

std::optional<double> first_crossing(const std::vector<double>& x, const std::vector<double>& y, double level) {
  for (std::size_t k = 1; k < y.size(); ++k)
    if (y[k - 1] >= level && y[k] < level) return x[k - 1] + (y[k - 1] - level) / (y[k - 1] - y[k]) * (x[k] - x[k - 1]);
  return std::nullopt;
}

double interpolate(const std::vector<double>& x, const std::vector<double>& y, double at) {
  if (x.empty() || at < x.front() || at > x.back()) return NAN;
  const std::size_t k =
      std::min(static_cast<std::size_t>(std::upper_bound(x.begin(), x.end(), at) - x.begin()), x.size() - 1);
  if (k == 0) return y[0];
  return y[k - 1] + (at - x[k - 1]) / (x[k] - x[k - 1]) * (y[k] - y[k - 1]);
}

namespace {

// Standard error of the frequency at which the curve passes a level: that of the value there, over the slope.
double frequency_se(const TransferCurve& c, double f) {
  const double step = 4 * frequency_step_per_mm;
  const double slope = (interpolate(c.frequency_per_mm, c.value, f + step) -
                        interpolate(c.frequency_per_mm, c.value, std::max(0.0, f - step))) /
                       (step + std::min(step, f));
  return interpolate(c.frequency_per_mm, c.se, f) / std::abs(slope);
}

}  // namespace

TransferCurve add_transfer(const Job& job, Results& results, const ResponseNames& names, const std::string& where,
                           std::size_t blocks, const std::function<TransferCurve(const std::vector<int>&)>& evaluate,
                           double nyquist_per_mm, std::vector<std::string> flags) {
  const TransferCurve r = evaluate({});
  const std::string variant = "variant " + names.variant + ": ";
  if (!r.good) {
    results.skip(names.stem + "50_per_mm", where, variant + r.reason);
    return r;
  }
  flags.push_back("ci_scope=within_scan");
  const auto scalars = [&](const TransferCurve& q) {
    const auto crossing = [&](double level) {
      return first_crossing(q.frequency_per_mm, q.value, level).value_or(NAN);
    };
    return std::vector<double>{crossing(0.5),           crossing(0.1),
                               crossing(0.02),          interpolate(q.frequency_per_mm, q.value, nyquist_per_mm),
                               q.fwhm_mm.value_or(NAN), q.fwtm_mm.value_or(NAN)};
  };
  const std::vector<double> values = scalars(r);
  const std::size_t points = r.value.size();
  const BootstrapResult boot =
      bootstrap_blocks(blocks, job.settings.bootstrap_draws, job.settings.seed, [&](const std::vector<int>& times) {
        const TransferCurve q = evaluate(times);
        std::vector<double> out = q.good ? scalars(q) : std::vector<double>(values.size(), NAN);
        for (std::size_t k = 0; k < points; ++k) out.push_back(q.good && k < q.value.size() ? q.value[k] : NAN);
        return out;
      });
  const auto add = [&](const std::string& name, std::size_t index, const char* unit) {
    if (std::isnan(values[index]))
      return results.skip(name, where, variant + "the curve never falls to this level in the range it is known");
    Measurement m = measurement(name, names.variant, where, values[index], unit);
    if (!r.se.empty() && blocks < 2 && index < 4) {
      m.se = index == 3 ? interpolate(r.frequency_per_mm, r.se, nyquist_per_mm) : frequency_se(r, values[index]);
      m.ci95 = index == 3 ? symmetric_interval(m.value, *m.se) : log_interval(m.value, *m.se);
    } else if (!boot.se.empty() && std::isfinite(boot.se[index])) {
      m.se = boot.se[index];
      m.ci95 = log_interval(m.value, *m.se, double(boot.blocks) - 1);
      m.n_eff = double(boot.blocks);
    }
    m.method = names.method;
    m.standard = names.standard;
    m.flags = flags;
    results.add(std::move(m));
  };
  const char* suffixes[] = {"50_per_mm", "10_per_mm", "02_per_mm"};
  for (std::size_t k = 0; k < 3; ++k) add(names.stem + suffixes[k], k, "1/mm");
  add(names.stem + "_at_nyquist", 3, "1");
  if (r.fwhm_mm) add("fwhm_mm", 4, "mm");
  if (r.fwtm_mm) add("fwtm_mm", 5, "mm");
  const auto plain = [&](const std::string& name, double value, const char* unit, std::vector<std::string> own = {}) {
    Measurement m = measurement(name, names.variant, where, value, unit);
    m.method = names.method;
    m.flags = std::move(own);
    results.add(std::move(m));
  };
  // A ball has two curves of one variant, in the slice and along z: ttf_xy, ttf_z.
  const std::size_t direction = names.stem.find('_');
  Measurement limit = measurement(
      "f_nyquist_per_mm",
      direction == std::string::npos ? names.variant : names.stem.substr(direction + 1) + "_" + names.variant, where,
      nyquist_per_mm, "1/mm");
  limit.method = names.method;
  results.add(std::move(limit));
  const auto peak = std::max_element(r.value.begin(), r.value.end());
  if (*peak > 1.02) {
    plain(names.stem + "_peak", *peak, "1", {"edge_enhancement"});
    plain(names.stem + "_peak_f_per_mm", r.frequency_per_mm[static_cast<std::size_t>(peak - r.value.begin())], "1/mm");
  }
  Curve curve{.name = names.stem,
              .variant = names.variant,
              .where = where,
              .x = {"spatial frequency", "1/mm", r.frequency_per_mm},
              .y = {names.stem == "mtf" ? "MTF" : "TTF", "1", r.value}};
  for (std::size_t k = 0; k < points && !boot.sorted_draws.empty(); ++k) {
    const auto& draws = boot.sorted_draws[values.size() + k];
    if (draws.size() < 20) break;
    curve.ci95_lo.push_back(quantile(draws, 0.025));
    curve.ci95_hi.push_back(quantile(draws, 0.975));
  }
  if (!r.se.empty() && blocks < 2)
    for (std::size_t k = 0; k < points; ++k) {
      curve.ci95_lo.push_back(r.value[k] - normal_quantile(0.975) * r.se[k]);
      curve.ci95_hi.push_back(r.value[k] + normal_quantile(0.975) * r.se[k]);
    }
  if (curve.ci95_lo.size() != points) curve.ci95_lo.clear(), curve.ci95_hi.clear();
  results.curves.push_back(std::move(curve));
  return r;
}

}  // namespace iqgate::measure
