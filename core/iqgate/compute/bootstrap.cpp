#include "iqgate/compute/bootstrap.hpp"

#include <algorithm>
#include <stdexcept>

#include "iqgate/base/parallel_guard.hpp"
#include "iqgate/compute/clones.hpp"

namespace iqgate::compute {
namespace {

IQGATE_CLONES void add_scaled(double* __restrict to, const double* __restrict from, double by, std::size_t n) {
  for (std::size_t k = 0; k < n; ++k) to[k] += by * from[k];
}

}  // namespace

void check_bootstrap(const BootstrapJob& job) {
  if (job.blocks == 0 || job.curves.size() != job.blocks * job.points ||
      (!job.weights.empty() && job.weights.size() != job.blocks))
    throw std::logic_error("bootstrap: curves and blocks do not match");
}

std::vector<double> bootstrap_curves(const BootstrapJob& job) {
  check_bootstrap(job);
  std::vector<double> means(job.draws * job.points, 0.0);
  parallel_for(job.draws, [&](std::size_t d) {
    std::vector<int> times(job.blocks, 0);
    for (std::size_t k = 0; k < job.blocks; ++k) ++times[drawn_block(job.seed, d, k, job.blocks)];
    double* mean = means.data() + d * job.points;
    double total = 0;
    for (std::size_t b = 0; b < job.blocks; ++b) {
      if (times[b] == 0) continue;
      const double w = times[b] * (job.weights.empty() ? 1 : job.weights[b]);
      total += w;
      add_scaled(mean, job.curves.data() + b * job.points, w, job.points);
    }
    for (std::size_t k = 0; k < job.points; ++k) mean[k] /= total;
  });
  return means;
}

}  // namespace iqgate::compute
