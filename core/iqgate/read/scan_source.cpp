#include "iqgate/read/scan_source.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "iqgate/base/error.hpp"
#include "iqgate/base/voxels.hpp"

namespace iqgate::read {
namespace {

class FileSource : public VolumeSource {
 public:
  explicit FileSource(ScanHeader header) : header_(std::move(header)) {}
  Size3 size() const override { return header_.grid.size; }
  Vec3 spacing_mm() const override { return header_.grid.spacing_mm; }
  void read(std::size_t first, std::size_t count, float* to) const override {
    header_.loader->load_slices(first, count, to);
    const std::size_t n = count * header_.grid.size.x * header_.grid.size.y;
    if (!std::all_of(to, to + n, [](float v) { return std::isfinite(v); }))
      throw InputError("not_finite", header_.display, "holds voxels that are not finite numbers (NaN or Inf)");
  }

 private:
  ScanHeader header_;
};

}  // namespace

std::unique_ptr<VolumeSource> open_source(const ScanHeader& header) {
  if (!header.usable || !header.loader) throw std::logic_error("a source of a scan that is refused");
  if (header.frames != header.grid.size.z) return nullptr;  // a series of volumes
  Voxels slice(header.grid.size.x * header.grid.size.y);
  if (!header.loader->load_slices(0, 1, slice.data())) return nullptr;
  return std::make_unique<FileSource>(header);
}

}  // namespace iqgate::read
