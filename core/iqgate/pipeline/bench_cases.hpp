#pragma once
// What is timed, and a truth that each operation must meet first: a fast wrong answer is not a speed.
#include <functional>
#include <string>
#include <vector>

#include "iqgate/compute/backend.hpp"

namespace iqgate::pipeline {

/// Results of one operation that are used again from run to run, as between the steps of a job.
struct BenchBuffers {
  Voxels volume;
  compute::LocalMaps maps;
  compute::TemporalMaps temporal;
  VoxelArray<std::int32_t> labels;
};

struct BenchCase {
  std::string name;
  double bytes_per_voxel = 4;  ///< moved at least: input read once, each result written once; 0: not by the voxel
  std::function<void(const compute::Backend&, const compute::DeviceVolume&, BenchBuffers&)> run;
  /// Closed-form truth on a small volume; empty, or what is wrong.
  std::function<std::string(const compute::Backend&)> fault;
};

const std::vector<BenchCase>& bench_cases();

/// A cube of n voxels a side, 1 mm: 50 and white noise of SD 10, the same on any machine.
Volume bench_volume(std::size_t n);

/// All boxes of `side` voxels in steps of half of it, of one block.
compute::PowerSpectrumJob half_overlapping_boxes(Size3 volume, std::size_t side, compute::Precision precision);

/// Bins of a tenth of a voxel by distance from near the middle of a cube.
compute::EdgeProfileJob radial_bins(std::size_t n);

}  // namespace iqgate::pipeline
