#include "iqgate/compute/resample.hpp"

namespace iqgate::compute {

void resample(const VolumeView& volume, const ResampleJob& job, Voxels& out) {
  out.resize(job.size.count());
#pragma omp parallel for collapse(2) schedule(static)
  for (std::size_t k = 0; k < job.size.z; ++k)
    for (std::size_t j = 0; j < job.size.y; ++j)
      for (std::size_t i = 0; i < job.size.x; ++i)
        out[(k * job.size.y + j) * job.size.x + i] =
            linear_value(volume, resampled_at(job, volume, i, j, k), job.outside);
}

}  // namespace iqgate::compute
