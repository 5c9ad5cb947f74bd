#include "iqgate/judge/power.hpp"

#include <algorithm>
#include <cmath>

#include "iqgate/base/random.hpp"
#include "iqgate/judge/margin_test.hpp"

namespace iqgate::judge {
namespace {

constexpr double wanted_power = 0.8;
constexpr std::size_t search_draws = 2000, final_draws = 10000, most_drawn = 100;

using Matrix = std::vector<std::vector<double>>;

// Lower triangle L with L L' = C. A sample correlation of few scans may not be definite: then it is drawn towards none.
Matrix cholesky(const Matrix& correlation, std::size_t n) {
  for (int tenths = 10; tenths > 0; --tenths) {
    Matrix l(n, std::vector<double>(n, 0));
    bool good = true;
    for (std::size_t i = 0; i < n && good; ++i)
      for (std::size_t j = 0; j <= i; ++j) {
        double c = i == j ? 1 : correlation.empty() ? 0 : 0.1 * tenths * correlation[i][j];
        for (std::size_t k = 0; k < j; ++k) c -= l[i][k] * l[j][k];
        if (i == j) {
          good = c > 1e-9;
          l[i][i] = std::sqrt(std::max(c, 0.0));
        } else {
          l[i][j] = c / l[j][j];
        }
      }
    if (good) return l;
  }
  return cholesky({}, n);
}

// One number after the other of a seeded stream.
class Normals {
 public:
  Normals(std::uint64_t seed, std::uint64_t stream) : seed_(seed), stream_(stream) {}
  double next() {
    if (have_) return have_ = false, second_;
    const NormalPair pair = normal_pair(seed_, stream_, counter_++);
    have_ = true, second_ = pair.second;
    return pair.first;
  }

 private:
  std::uint64_t seed_, stream_, counter_ = 0;
  double second_ = 0;
  bool have_ = false;
};

struct Sums {
  double sum = 0, square = 0;
};

// Mean and SD of `n` scans for each metric, correlated within each scan.
std::vector<Sample> draw_samples(std::size_t n, const Matrix& l, Normals& normals) {
  const std::size_t m = l.size();
  std::vector<Sums> sums(m);
  std::vector<double> z(m);
  for (std::size_t scan = 0; scan < n; ++scan) {
    for (double& v : z) v = normals.next();
    for (std::size_t i = 0; i < m; ++i) {
      double y = 0;
      for (std::size_t k = 0; k <= i; ++k) y += l[i][k] * z[k];
      sums[i].sum += y, sums[i].square += y * y;
    }
  }
  std::vector<Sample> samples;
  for (const Sums& s : sums) {
    const double mean = s.sum / double(n);
    const double variance = n > 1 ? std::max(0.0, s.square - double(n) * mean * mean) / double(n - 1) : 0;
    samples.push_back({n, mean, std::sqrt(variance)});
  }
  return samples;
}

}  // namespace

std::optional<double> go_power(const Profile& profile, const Outlook& outlook, std::size_t n_site,
                               std::size_t n_reference, std::size_t draws, std::uint64_t seed) {
  const std::vector<const ProfileMetric*> gates = profile.gates();
  if (gates.empty()) return std::nullopt;
  std::vector<ReferenceStatistics> references;
  std::vector<double> site_sd;
  for (std::size_t i = 0; i < gates.size(); ++i) {
    references.push_back(reference_statistics(*gates[i], profile));
    site_sd.push_back(outlook.sd.empty() ? references[i].sample.sd : outlook.sd[i]);
    if (!(site_sd.back() > 0)) return std::nullopt;
  }
  const ErrorRules rules{profile.fixed, profile.claim, profile.content};
  const double alpha = profile.alpha_go / double(profile.looks);
  const Matrix l = cholesky(profile.correlation, gates.size());
  Normals normals(seed, n_site);
  std::size_t passed = 0;
  for (std::size_t draw = 0; draw < draws; ++draw) {
    const std::vector<Sample> site = draw_samples(n_site, l, normals);
    const std::size_t count = std::max<std::size_t>(n_reference > 0 ? n_reference : references.front().sample.n, 2);
    // Of a large reference so many are drawn for its SD; the error of its mean is that of all.
    const std::vector<Sample> reference = draw_samples(std::min(count, most_drawn), l, normals);
    const double thinner = std::sqrt(double(std::min(count, most_drawn)) / double(count));
    bool go = true;
    for (std::size_t i = 0; i < gates.size() && go; ++i) {
      ReferenceStatistics r = references[i];
      const double sd = r.sample.sd, mean = r.sample.mean;
      if (!profile.fixed && r.dof > 0) {
        r.dof = n_reference > 0 ? double(n_reference - 1) : r.dof;
        r.sample = {count, mean + sd * thinner * reference[i].mean, sd * reference[i].sd};
      }
      const double difference = outlook.difference.empty() ? 0 : outlook.difference[i];
      const Sample s{n_site, mean + difference + site_sd[i] * site[i].mean, site_sd[i] * site[i].sd};
      const auto test = gates[i]->limit ? test_limit(*gates[i], s, r, rules) : test_margin(*gates[i], s, r, rules);
      go = test && p_noninferior(*gates[i], *test) <= alpha;
    }
    passed += go;
  }
  return double(passed) / double(draws);
}

ScansNeeded scans_needed(const Profile& profile, const Outlook& outlook, std::uint64_t seed, std::size_t most) {
  ScansNeeded needed;
  const auto enough = [&](std::size_t n_site, std::size_t n_reference) {
    return go_power(profile, outlook, n_site, n_reference, search_draws, seed).value_or(0) >= wanted_power;
  };
  // The smallest of a range whose end is known to be enough.
  const auto smallest = [](std::size_t low, std::size_t high, const auto& good) {
    while (low < high) {
      const std::size_t middle = (low + high) / 2;
      if (good(middle)) high = middle;
      else low = middle + 1;
    }
    return high;
  };
  const std::size_t least = std::max<std::size_t>(profile.n_min, 2);
  if (!go_power(profile, outlook, least, 0, 10, seed)) return needed;
  if (enough(most, 0)) {
    needed.site = smallest(least, most, [&](std::size_t n) { return enough(n, 0); });
    // The search was coarse: what is promised is looked at closely.
    for (;; ++*needed.site) {
      needed.power = go_power(profile, outlook, *needed.site, 0, final_draws, seed);
      if (*needed.power >= wanted_power || *needed.site >= most) break;
    }
  } else if (!profile.fixed && enough(most, most)) {
    needed.reference = smallest(5, most, [&](std::size_t n) { return enough(most, n); });
  } else {
    needed.never = true;
  }
  return needed;
}

}  // namespace iqgate::judge
