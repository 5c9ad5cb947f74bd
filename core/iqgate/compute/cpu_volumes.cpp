// Whole-volume operations of the CPU backend: the volume in memory is the case of one slab.
#include <stdexcept>

#include "iqgate/compute/cpu_backend.hpp"

namespace iqgate::compute {

VolumeStatistics CpuBackend::volume_statistics(const DeviceVolume& volume,
                                               const std::vector<double>& percentiles) const {
  const Slab slab = whole(volume.host());
  VolumeStatisticsPass pass(slab.voxels.size);
  pass.add(slab, nullptr);
  VolumeStatistics result = pass.finish();
  if (percentiles.empty()) return result;
  OrderStatistics order;
  order.upper_pass().add(slab, nullptr);
  order.choose(percentiles);
  order.lower_pass().add(slab, nullptr);
  result.percentiles = order.finish();
  return result;
}

Histogram CpuBackend::volume_histogram(const DeviceVolume& volume, double first, double width, std::size_t bins) const {
  HistogramPass pass(first, width, bins);
  pass.add(whole(volume.host()), nullptr);
  return pass.finish();
}

void CpuBackend::local_maps(const DeviceVolume& volume, const LocalMapJob& job, bool write, LocalMaps& maps) const {
  const VolumeView v = volume.host();
  const std::size_t plane = v.size.x * v.size.y;
  const auto room = [&](bool wanted, Voxels& map) {
    if (wanted && write) map.resize(v.size.count());
    else map.clear();
    return MemorySink(map.data(), plane);
  };
  MemorySink mean = room(job.mean, maps.mean), sd = room(job.sd, maps.sd), snr = room(job.snr, maps.snr),
             cv = room(job.cv, maps.cv);
  LocalMapPass pass(v.size, v.spacing_mm, job, write ? LocalMapSinks{&mean, &sd, &snr, &cv} : LocalMapSinks{});
  pass.add(whole(v), nullptr);
  const LocalMaps summary = pass.finish();
  maps.mean_summary = summary.mean_summary, maps.sd_summary = summary.sd_summary;
  maps.snr_summary = summary.snr_summary, maps.cv_summary = summary.cv_summary;
  maps.not_finite = summary.not_finite;
}

void CpuBackend::gaussian(const DeviceVolume& volume, const GaussianJob& job, Voxels& out) const {
  const VolumeView v = volume.host();
  out.resize(v.size.count());
  MemorySink sink(out.data(), v.size.x * v.size.y);
  GaussianPass(v.size, job, sink).add(whole(v), nullptr);
}

void CpuBackend::median(const DeviceVolume& volume, Voxels& out) const {
  const VolumeView v = volume.host();
  out.resize(v.size.count());
  MemorySink sink(out.data(), v.size.x * v.size.y);
  MedianPass(v.size, sink).add(whole(v), nullptr);
}

Similarity CpuBackend::similarity(const DeviceVolume& a, const DeviceVolume& b, const SimilarityJob& job) const {
  const VolumeView va = a.host(), vb = b.host();
  if (va.size.x != vb.size.x || va.size.y != vb.size.y || va.size.z != vb.size.z)
    throw std::logic_error("similarity: the volumes differ in size");
  SimilarityPass pass(va.size, job);
  const Slab other = whole(vb);
  pass.add(whole(va), &other);
  return pass.finish();
}

void CpuBackend::temporal_maps(const TemporalJob& job, TemporalMaps& maps) const { compute::temporal_maps(job, maps); }

std::vector<ComponentShape> CpuBackend::components(const DeviceVolume& volume, const LabelJob& job,
                                                   VoxelArray<std::int32_t>* labels) const {
  const VolumeView v = volume.host();
  LabelPass pass(v.size, job);
  pass.find().add(whole(v), nullptr);
  if (labels) {
    labels->resize(v.size.count());
    MemorySinkOf<std::int32_t> sink(labels->data(), v.size.x * v.size.y);
    pass.write(sink).add(whole(v), nullptr);
  }
  return pass.shapes();
}

void CpuBackend::resample(const DeviceVolume& volume, const ResampleJob& job, Voxels& out) const {
  compute::resample(volume.host(), job, out);
}

std::vector<double> CpuBackend::bootstrap_curves(const BootstrapJob& job) const {
  return compute::bootstrap_curves(job);
}

}  // namespace iqgate::compute
