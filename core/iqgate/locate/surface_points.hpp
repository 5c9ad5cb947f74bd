#pragma once
#include <vector>

#include "iqgate/base/scan.hpp"

namespace iqgate::locate {

/// A point of the body's surface in patient mm, and the group (neighbours share noise) it belongs to.
struct SurfacePoint {
  Vec3 mm;
  int group = 0;
};

struct Surface {
  std::vector<SurfacePoint> points;
  Vec3 inside_mm;                  ///< a point inside the body
  std::size_t rays = 0;            ///< rays sent
  std::size_t left_scan = 0;       ///< rays that left the scan without meeting the surface
  double contrast = 0, noise = 0;  ///< body minus surroundings; SD of neighbouring voxels inside
  int groups = 0;
};

/// In HU, values below air (padding outside the reconstruction) count as air. Segments the largest bright (or, in CT,
/// denser than air) body by Otsu's threshold, and finds its surface along rays in planes of each orientation the volume
/// is thick enough for. Empty when there is no body.
Surface find_surface(const Scan& scan);

}  // namespace iqgate::locate
