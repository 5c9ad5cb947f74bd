#include "iqgate/measure/nps_stationarity.hpp"

#include <cmath>
#include <cstdlib>

#include "iqgate/base/distributions.hpp"

namespace iqgate::measure {

Stationarity stationarity(const Boxes& boxes, const std::vector<double>& box_variance, double sum_rho_squared_z,
                          double sum_rho_squared_xy) {
  struct Place {
    Size3 corner;
    double sum = 0, slices = 0;
  };
  std::vector<Place> places;
  const auto apart = [](std::size_t a, std::size_t b, std::size_t side) {
    return a > b ? a - b >= side : b - a >= side;
  };
  for (std::size_t b = 0; b < boxes.corners.size(); ++b) {
    const Size3 c = boxes.corners[b];
    Place* own = nullptr;
    bool overlaps = false;
    for (Place& place : places) {
      if (place.corner.x == c.x && place.corner.y == c.y) own = &place;
      else if (!apart(place.corner.x, c.x, boxes.box.x) && !apart(place.corner.y, c.y, boxes.box.y)) overlaps = true;
    }
    if (!own && overlaps) continue;
    if (!own) own = &places.emplace_back(Place{c});
    if (!(box_variance[b] > 0)) return {.reason = "a box has no noise"};
    own->sum += std::log(box_variance[b]);
    own->slices += 1;
  }
  Stationarity result{.places = places.size()};
  if (places.size() < 2) {
    result.reason = "fewer than two boxes that do not overlap";
    return result;
  }
  // Places with more slices are known better: X is chi-square about the mean weighted by 1 / Var.
  double sum = 0, slices = 0, chi = 0;
  for (const Place& place : places) sum += place.sum, slices += place.slices;
  const double mean = sum / slices;
  for (const Place& place : places) {
    const double y = place.sum / place.slices - mean;
    chi += y * y * double(boxes.box.count()) / sum_rho_squared_xy * place.slices / sum_rho_squared_z / 2;
  }
  result.p = chi_squared_above(chi, double(places.size() - 1));
  return result;
}

}  // namespace iqgate::measure
