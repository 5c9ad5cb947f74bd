#include "iqgate/judge/chart.hpp"

#include <algorithm>
#include <cmath>

namespace iqgate::judge {
namespace {

constexpr double d2 = 1.128379167;  // mean range of two normal numbers, 2 / sqrt(pi)
constexpr std::size_t least_baseline = 20, sure_baseline = 50;

}  // namespace

std::string_view word(ChartRule rule) {
  static constexpr std::array words{"beyond_3_sigma",
                                    "two_of_three_beyond_2_sigma",
                                    "four_of_five_beyond_1_sigma",
                                    "eight_on_one_side",
                                    "nine_on_one_side",
                                    "six_points_trend",
                                    "fourteen_alternate",
                                    "fifteen_inside_1_sigma",
                                    "eight_outside_1_sigma",
                                    "cusum",
                                    "ewma"};
  return words[static_cast<std::size_t>(rule)];
}

std::size_t RunRules::on_one_side(std::size_t of, double beyond, double side) const {
  std::size_t n = 0;
  for (std::size_t k = 0; k < std::min(of, count_); ++k) n += side * back(k) > beyond;
  return n;
}

std::vector<ChartRule> RunRules::add(double z) {
  head_ = (head_ + 1) % last_.size();
  last_[head_] = z;
  count_ = std::min(count_ + 1, last_.size());
  std::vector<ChartRule> hits;
  const double side = z < 0 ? -1 : 1;
  const bool nelson = set_ == RuleSet::nelson;
  if (std::abs(z) > 3) hits.push_back(ChartRule::beyond_3_sigma);
  if (std::abs(z) > 2 && on_one_side(3, 2, side) >= 2) hits.push_back(ChartRule::two_of_three);
  if (std::abs(z) > 1 && on_one_side(5, 1, side) >= 4) hits.push_back(ChartRule::four_of_five);
  if (!nelson && on_one_side(8, 0, side) == 8) hits.push_back(ChartRule::eight_on_one_side);
  if (!nelson) return hits;
  if (on_one_side(9, 0, side) == 9) hits.push_back(ChartRule::nine_on_one_side);
  bool rising = count_ >= 6, falling = rising, alternate = count_ >= 14, inside = count_ >= 15, outside = count_ >= 8;
  for (std::size_t k = 0; k < 5; ++k)
    rising = rising && back(k) > back(k + 1), falling = falling && back(k) < back(k + 1);
  for (std::size_t k = 0; k < 12; ++k)
    alternate = alternate && (back(k) - back(k + 1)) * (back(k + 1) - back(k + 2)) < 0;
  for (std::size_t k = 0; k < 15; ++k) inside = inside && std::abs(back(k)) < 1;
  for (std::size_t k = 0; k < 8; ++k) outside = outside && std::abs(back(k)) > 1;
  if (rising || falling) hits.push_back(ChartRule::six_trend);
  if (alternate) hits.push_back(ChartRule::fourteen_alternate);
  if (inside) hits.push_back(ChartRule::fifteen_inside);
  if (outside) hits.push_back(ChartRule::eight_outside);
  return hits;
}

bool Cusum::add(double z) {
  ++count;
  high = std::max(0.0, high + z - k);
  low = std::max(0.0, low - z - k);
  high_since = high > 0 ? high_since + 1 : 0;
  low_since = low > 0 ? low_since + 1 : 0;
  return alarm();
}

bool Ewma::add(double z) {
  value = lambda * z + (1 - lambda) * value;
  return alarm();
}

bool Ewma::alarm() const { return std::abs(value) > width * std::sqrt(lambda / (2 - lambda)); }

ControlChart control_chart(const std::vector<std::optional<double>>& values, const ChartOptions& options) {
  ControlChart chart;
  const std::size_t wanted = std::max(options.baseline, least_baseline);
  double sum = 0, ranges = 0;
  std::size_t pairs = 0;
  std::vector<double> baseline;
  for (std::size_t k = options.start; k < values.size() && baseline.size() < wanted; ++k) {
    if (!values[k]) continue;
    if (k > options.start && values[k - 1]) ranges += std::abs(*values[k] - *values[k - 1]), ++pairs;
    baseline.push_back(*values[k]);
    sum += *values[k];
  }
  chart.baseline_points = baseline.size();
  if (baseline.size() < least_baseline || pairs < least_baseline / 2) {
    chart.flags.push_back("too_few_points");
    return chart;
  }
  if (!(ranges > 0)) {  // a number that never changed: any change is news
    chart.flags.push_back("no_scatter");
    for (const auto& value : values)
      if (value) chart.alarm = *value != baseline.front();
    return chart;
  }
  if (baseline.size() < sure_baseline) chart.flags.push_back("provisional");
  chart.centre = sum / double(baseline.size());
  chart.sigma = ranges / double(pairs) / d2;
  double product = 0, square = 0;
  for (std::size_t k = 0; k < baseline.size(); ++k) {
    const double x = baseline[k] - *chart.centre;
    square += x * x;
    if (k > 0) product += x * (baseline[k - 1] - *chart.centre);
  }
  if (std::abs(product / square) > 0.2) chart.flags.push_back("autocorrelated");
  RunRules rules(options.rules);
  Cusum cusum;
  Ewma ewma;
  std::size_t seen = 0;
  bool cusum_before = false, ewma_before = false;
  for (std::size_t k = 0; k < values.size(); ++k) {
    const bool counts = k >= options.start && values[k].has_value();
    if (counts) {
      const double z = (*values[k] - *chart.centre) / *chart.sigma;
      const std::size_t before = chart.signals.size();
      for (const ChartRule rule : rules.add(z)) chart.signals.push_back({k, rule});
      const bool cusum_now = cusum.add(z), ewma_now = ewma.add(z);
      if (cusum_now && !cusum_before) {
        chart.signals.push_back({k, ChartRule::cusum});
        // Back over as many measured points as the sum has grown for.
        std::size_t grown = cusum.high > cusum.h ? cusum.high_since : cusum.low_since, at = k;
        for (std::size_t j = k + 1; j-- > options.start && grown > 0;)
          if (values[j]) --grown, at = j;
        chart.change_point = at;
      }
      if (ewma_now && !ewma_before) chart.signals.push_back({k, ChartRule::ewma});
      cusum_before = cusum_now, ewma_before = ewma_now;
      chart.alarm = cusum_now || ewma_now || chart.signals.size() > before;
      if (++seen <= baseline.size() && chart.signals.size() > before &&
          std::find(chart.flags.begin(), chart.flags.end(), "baseline_unstable") == chart.flags.end())
        chart.flags.push_back("baseline_unstable");
    } else if (k >= options.start) {
      rules.gap();
    }
    chart.ewma.push_back(ewma.value), chart.cusum_high.push_back(cusum.high), chart.cusum_low.push_back(cusum.low);
  }
  return chart;
}

}  // namespace iqgate::judge
