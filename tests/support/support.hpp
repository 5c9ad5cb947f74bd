#pragma once
// Helpers that tests share: grids, rendered scans, jobs, folders that go away.
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <string>

#include "iqgate/compute/render.hpp"
#include "iqgate/measure/catalogue.hpp"
#include "iqgate/phantom/model.hpp"

namespace iqgate::test {

/// A grid whose middle is the patient origin.
Grid centred_grid(Size3 size, Vec3 spacing_mm, const Mat3& direction = {});

/// A phantom of the source tree.
phantom::Model shipped(const std::string& name);

/// A model of one shape (with CT numbers) in a background, without a body.
phantom::Model one_shape(phantom::Shape shape, double inside_hu, double outside_hu);

/// CT rendering of a model: HU, noise by `noise`.
Scan ct_scan(const phantom::Model& model, const compute::RenderJob& job);

/// A job over scans (which must outlive it) on the CPU with these regions.
measure::Job make_job(const std::vector<Scan>& scans, std::vector<Region> regions,
                      std::shared_ptr<const compute::Backend> backend = nullptr);

/// Runs one metric family on one scan and one region.
Results measure_one(const Scan& scan, Region region, const std::string& metric,
                    std::shared_ptr<const compute::Backend> backend = nullptr);

Region disc(const std::string& name, const std::string& kind, Vec3 center_mm, double radius_mm, double length_mm = 0);
Region box(const std::string& name, const std::string& kind, Vec3 center_mm, Vec3 size_mm);

/// A scan with a value at each voxel centre (mm from the grid's middle); HU for CT.
Scan painted(Size3 size, Vec3 spacing_mm, const std::function<double(Vec3)>& value, const std::string& modality = "CT");

/// Value of a measurement that must be there.
double value_of(const Results& results, const std::string& name, const std::string& variant = {},
                const std::string& where = {});

/// The code of the InputError that this throws; empty when it throws none.
std::string refusal(const std::function<void()>& run);

/// A folder of its own, removed at the end.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  std::string path(const std::string& name = {}) const {
    return name.empty() ? folder_.string() : (folder_ / name).string();
  }

 private:
  std::filesystem::path folder_;
};

/// All bytes of a file.
std::string bytes_of(const std::string& path);

/// The program as a user runs it, without a CUDA module: exit code (128 + signal when killed) and its two streams.
struct Ran {
  int code = -1;
  std::string out, err;
};
Ran run_program(const std::string& arguments, const std::string& environment = {});

/// The real scans (IQGATE_TEST_DATA, else ../shared/data beside the source tree); empty when absent.
std::string data_folder();
/// The usable scans of one of them, decoded.
std::vector<Scan> scans_of(const std::string& set);

}  // namespace iqgate::test

/// Skips, loudly, when the real scans are absent.
#define IQGATE_NEED_DATA(set)                                                                                     \
  if (iqgate::test::data_folder().empty() || !std::filesystem::exists(iqgate::test::data_folder() + "/" + (set))) \
  GTEST_SKIP() << "REAL SCANS ABSENT: set IQGATE_TEST_DATA to the folder that holds " << (set)
