#pragma once
// The edge of a round body or ring in one slice: points on it along rays, and the circle through them.
#include <vector>

#include "iqgate/measure/slice_sampler.hpp"

namespace iqgate::measure {

struct RimPoint {
  double angle = 0, radius_mm = 0;  ///< rad, about the region's centre; 0 along in_plane, towards the second axis
};

/// Along rays about the region's centre, where the signal falls to half between what lies just inside and just outside
/// the edge, near `radius_mm` (within `reach_mm`). Rays on which the inside does not carry the usual signal (an insert
/// at the edge, air) give none.
std::vector<RimPoint> rim_points(const SliceSampler& slice, double radius_mm, double reach_mm, int rays);

struct RimCircle {
  double u_mm = 0, w_mm = 0, radius_mm = 0, rms_mm = 0;
  std::size_t points = 0;
};
/// Least squares with points beyond 3 robust SDs left out; none of fewer than `least` points.
std::optional<RimCircle> fit_circle(const std::vector<RimPoint>& points, std::size_t least);

}  // namespace iqgate::measure
