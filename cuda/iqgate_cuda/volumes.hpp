#pragma once
// The operations on the device, each the counterpart of the CPU's; see there for what they give. Volumes are uploaded
// ones, all else lies on the host. All throw DeviceError.
#include "iqgate_cuda/uploaded_volume.hpp"

namespace iqgate::cuda {

/// Equal integers.
compute::EdgeProfile edge_profile_on_device(const UploadedVolume& volume, const compute::EdgeProfileJob& job);
compute::Histogram histogram_on_device(const UploadedVolume& volume, double first, double width, std::size_t bins);
compute::Histogram masked_histogram_on_device(const UploadedVolume& volume, const compute::Mask& mask, double first,
                                              double width, std::size_t bins);
std::vector<compute::ComponentShape> components_on_device(const UploadedVolume& volume, const compute::LabelJob& job,
                                                          VoxelArray<std::int32_t>* labels);

/// The same bits: each output is one chain of the same steps.
void resample_on_device(const UploadedVolume& volume, const compute::ResampleJob& job, Voxels& out);
void median_on_device(const UploadedVolume& volume, Voxels& out);
std::vector<double> bootstrap_on_device(const compute::BootstrapJob& job);
compute::DiscSearch disc_search_on_device(const UploadedVolume& volume, const compute::DiscSearchJob& job);
void temporal_maps_on_device(const compute::TemporalJob& job, compute::TemporalMaps& maps);

/// Sums in another order: means and SDs within 1e-6, maps and curves within 1e-5.
compute::Moments region_moments_on_device(const UploadedVolume& volume, const compute::Mask& mask);
compute::VolumeStatistics statistics_on_device(const UploadedVolume& volume, const std::vector<double>& percentiles);
compute::LocalStatistics local_statistics_on_device(const UploadedVolume& volume,
                                                    const compute::LocalStatisticsJob& job);
void local_maps_on_device(const UploadedVolume& volume, const compute::LocalMapJob& job, bool write,
                          compute::LocalMaps& maps);
void gaussian_on_device(const UploadedVolume& volume, const compute::GaussianJob& job, Voxels& out);
compute::Similarity similarity_on_device(const UploadedVolume& a, const UploadedVolume& b,
                                         const compute::SimilarityJob& job);
compute::PowerSpectrum power_spectrum_on_device(const UploadedVolume& volume, const compute::PowerSpectrumJob& job);

}  // namespace iqgate::cuda
