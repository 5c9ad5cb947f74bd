#pragma once
// Connected components of the voxels between two values, numbered 1, 2, ... by their first voxel in raster order.
#include <cstdint>
#include <memory>
#include <vector>

#include "iqgate/compute/slab.hpp"

namespace iqgate::compute {

/// 6: faces; 26: edges and corners too.
enum class Connectivity { faces, all };

/// Foreground: low <= value <= high. What is not finite is background.
struct LabelJob {
  float low = 0, high = 0;
  Connectivity connectivity = Connectivity::faces;
};

/// Exact integer sums over the voxels of a component, indices in voxels.
struct ComponentShape {
  std::int64_t voxels = 0;
  std::int64_t first[3] = {}, last[3] = {};  ///< bounding box, both ends inside
  std::int64_t sum[3] = {};                  ///< of x, y, z
  std::int64_t product[6] = {};              ///< of xx, yy, zz, xy, xz, yz

  double centroid(int axis) const { return double(sum[axis]) / double(voxels); }
  /// Second moments about the centroid, in voxels^2: xx, yy, zz, xy, xz, yz.
  double covariance(int term) const;
};

/// Runs of foreground along x; components by union-find over runs, the smaller number always the root.
class LabelPass {
 public:
  LabelPass(Size3 volume, const LabelJob& job);
  /// A mask of zeros and ones in memory instead of a range of values.
  LabelPass(Size3 volume, const std::uint8_t* mask, Connectivity connectivity);
  ~LabelPass();

  /// First pass, over all slabs; then `components`, `shapes`; then, if labels are wanted, the second pass
  /// with the same slabs (std::logic_error otherwise).
  SlabOperation& find();
  std::size_t components() const;
  std::vector<ComponentShape> shapes() const;
  SlabOperation& write(SliceSinkOf<std::int32_t>& sink);

 private:
  struct Work;
  std::unique_ptr<Work> work_;
};

}  // namespace iqgate::compute
