#pragma once
// Control charts of individual values: Shewhart with the rules of Western Electric (1956) and Nelson (1984), CUSUM,
// EWMA.
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace iqgate::judge {

enum class ChartRule {
  beyond_3_sigma,      ///< one point
  two_of_three,        ///< 2 of 3 beyond 2 sigma on one side
  four_of_five,        ///< 4 of 5 beyond 1 sigma on one side
  eight_on_one_side,   ///< Western Electric
  nine_on_one_side,    ///< Nelson, in place of the one above
  six_trend,           ///< Nelson: 6 points steadily up or down
  fourteen_alternate,  ///< Nelson: 14 points up and down in turn
  fifteen_inside,      ///< Nelson: 15 points within 1 sigma
  eight_outside,       ///< Nelson: 8 points beyond 1 sigma, on either side
  cusum,
  ewma
};
std::string_view word(ChartRule rule);

enum class RuleSet { western_electric, nelson };

/// Looks at standardised points one by one; after a missing point the run rules begin anew.
class RunRules {
 public:
  explicit RunRules(RuleSet set) : set_(set) {}
  /// The rules that this point completes.
  std::vector<ChartRule> add(double z);
  void gap() { count_ = 0; }

 private:
  double back(std::size_t steps) const { return last_[(head_ + last_.size() - steps) % last_.size()]; }
  std::size_t on_one_side(std::size_t of, double beyond, double side) const;
  RuleSet set_;
  std::array<double, 16> last_{};
  std::size_t head_ = 0, count_ = 0;
};

/// Two-sided CUSUM: C = max(0, C + (|z| - k)) for each side, an alarm above h (k = 0.5, h = 5: run length 465 in
/// control).
struct Cusum {
  double k = 0.5, h = 5;
  double high = 0, low = 0;
  std::size_t high_since = 0, low_since = 0, count = 0;  ///< points since the sum was last 0: the change is there
  bool add(double z);
  bool alarm() const { return high > h || low > h; }
};

/// EWMA with its limits for a long run, L sqrt(lambda / (2 - lambda)) (lambda = 0.2, L = 2.962: run length 500 in
/// control).
struct Ewma {
  double lambda = 0.2, width = 2.962;
  double value = 0;
  bool add(double z);
  bool alarm() const;
};

struct Signal {
  std::size_t point = 0;
  ChartRule rule = ChartRule::beyond_3_sigma;
};

struct ControlChart {
  std::size_t baseline_points = 0;
  std::optional<double> centre, sigma;              ///< of the values, or of their logarithms
  std::vector<double> ewma, cusum_high, cusum_low;  ///< in sigma, one a point; empty without limits
  std::vector<Signal> signals;
  bool alarm = false;  ///< at the newest measured point a rule is completed, or CUSUM or EWMA lies beyond its limit
  std::optional<std::size_t> change_point;  ///< first point of the shift that the CUSUM's last alarm tells
  std::vector<std::string> flags;  ///< too_few_points, no_scatter, provisional, autocorrelated, baseline_unstable
};

struct ChartOptions {
  RuleSet rules = RuleSet::western_electric;
  std::size_t baseline = 20;  ///< points that centre and sigma come from, after `start`; at least 20
  std::size_t start = 0;      ///< the first point after the last service event
};

/// `values`: in order of time; a missing one is absent and keeps its place. Centre: mean of the baseline; sigma: mean
/// moving range / 1.128. Fewer than 20 baseline points: no limits; fewer than 50: provisional. Lag-1 autocorrelation
/// beyond 0.2 is flagged.
ControlChart control_chart(const std::vector<std::optional<double>>& values, const ChartOptions& options);

}  // namespace iqgate::judge
