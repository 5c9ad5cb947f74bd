#pragma once
// What the disc search is made of, for every backend: rows of the disc, where its centre may lie, the best of a row.
#include <cmath>
#include <utility>

#include "iqgate/compute/operations.hpp"

namespace iqgate::compute {

/// A row of the disc: pixels [-whole, whole] are covered entirely, those of `edge` in part.
struct DiscRow {
  long dy = 0, whole = -1;
  std::vector<std::pair<long, double>> edge;
};
/// Rows of a disc whose centre lies on a pixel's, from the top; adds its area to `pixels`.
std::vector<DiscRow> disc_rows(double sx, double sy, double radius, double& pixels);

/// Columns [x0, x1] where the centre may lie in row y; none: x1 < x0. Those of them outside the large disc do not
/// count.
struct DiscSpan {
  long x0 = 0, x1 = -1;
};
DiscSpan disc_span(const VolumeView& volume, const DiscSearchJob& job, const std::vector<DiscRow>& rows, long y);

struct DiscBest {
  double high = -INFINITY, low = INFINITY;
  std::size_t high_x = 0, low_x = 0, count = 0;
};
/// Of the sums of the disc at the columns of a span.
DiscBest best_of_row(const VolumeView& volume, const DiscSearchJob& job, DiscSpan span, long y, const double* sums,
                     double pixels);
DiscSearch best_of_rows(const std::vector<DiscBest>& rows, double pixels);

/// Throws std::logic_error or InputError (not_finite) for a job that cannot be done.
void check_disc_search(const VolumeView& volume, const DiscSearchJob& job);

}  // namespace iqgate::compute
