#include "support/support.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "iqgate/base/error.hpp"
#include "iqgate/read/find_scans.hpp"

namespace iqgate::test {
namespace fs = std::filesystem;

Grid centred_grid(Size3 size, Vec3 spacing_mm, const Mat3& direction) {
  Grid grid{size, spacing_mm, {}, direction};
  grid.origin_mm = Vec3{} - grid.middle_mm();
  return grid;
}

phantom::Model shipped(const std::string& name) {
  return phantom::read_model(std::string(IQGATE_SOURCE_DIR) + "/phantoms/" + name + ".json");
}

phantom::Model one_shape(phantom::Shape shape, double inside_hu, double outside_hu) {
  phantom::Model model;
  model.name = "test";
  model.background = "outside";
  model.materials = {{"outside", "", {{"ct_number_hu", outside_hu}, {"mr_signal", outside_hu}}},
                     {"inside", "", {{"ct_number_hu", inside_hu}, {"mr_signal", inside_hu}}}};
  shape.name = "shape";
  shape.material = "inside";
  shape.inside = "background";
  model.shapes = {shape};
  return model;
}

Scan ct_scan(const phantom::Model& model, const compute::RenderJob& job) {
  return {.id = "test", .modality = "CT", .value_unit = "HU", .volume = compute::render(model, job)};
}

measure::Job make_job(const std::vector<Scan>& scans, std::vector<Region> regions,
                      std::shared_ptr<const compute::Backend> backend) {
  measure::Job job;
  job.backend = backend ? backend : compute::cpu_backend();
  for (const Scan& scan : scans) job.scans.push_back({&scan, job.backend->upload(scan.volume.view())});
  job.regions = std::move(regions);
  job.settings.bootstrap_draws = 200;
  job.phantom_placed = true;
  return job;
}

Results measure_one(const Scan& scan, Region region, const std::string& metric,
                    std::shared_ptr<const compute::Backend> backend) {
  region.metrics = {metric};
  const std::vector<Scan> scans{scan};
  return measure::measure_all(make_job(scans, {region}, std::move(backend)), {});
}

Region disc(const std::string& name, const std::string& kind, Vec3 center_mm, double radius_mm, double length_mm) {
  Region region;
  region.name = name;
  region.kind = kind;
  region.shape = length_mm > 0 ? RegionShape::cylinder : RegionShape::disc;
  region.center_mm = center_mm;
  region.radius_mm = radius_mm;
  region.length_mm = length_mm;
  return region;
}

Region box(const std::string& name, const std::string& kind, Vec3 center_mm, Vec3 size_mm) {
  Region region;
  region.name = name;
  region.kind = kind;
  region.shape = RegionShape::box;
  region.center_mm = center_mm;
  region.size_mm = size_mm;
  return region;
}

Scan painted(Size3 size, Vec3 spacing, const std::function<double(Vec3)>& value, const std::string& modality) {
  Scan scan{.id = "test", .modality = modality, .value_unit = modality == "CT" ? "HU" : "1"};
  scan.volume.grid = centred_grid(size, spacing);
  for (std::size_t z = 0; z < size.z; ++z)
    for (std::size_t y = 0; y < size.y; ++y)
      for (std::size_t x = 0; x < size.x; ++x)
        scan.volume.values.push_back(
            static_cast<float>(value(scan.volume.grid.to_mm({double(x), double(y), double(z)}))));
  return scan;
}

double value_of(const Results& results, const std::string& name, const std::string& variant, const std::string& where) {
  const Measurement* m = results.find(name, variant, where);
  if (!m) {
    std::string reasons;
    for (const NotMeasured& n : results.not_measured) reasons += "\n  " + n.name + " " + n.where + ": " + n.reason;
    ADD_FAILURE() << name << " [" << variant << "] " << where << " was not measured" << reasons;
    return NAN;
  }
  return m->value;
}

std::string refusal(const std::function<void()>& run) {
  try {
    run();
  } catch (const InputError& error) {
    return error.code;
  }
  return "";
}

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (fs::temp_directory_path() / "iqgate-test-XXXXXX").string();
  folder_ = mkdtemp(pattern.data());
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

std::string data_folder() {
  if (const char* named = std::getenv("IQGATE_TEST_DATA"); named && *named) return named;
  const fs::path beside = fs::path(IQGATE_SOURCE_DIR).parent_path() / "shared" / "data";
  std::error_code error;
  return fs::is_directory(beside, error) ? beside.string() : "";
}

std::vector<Scan> scans_of(const std::string& set) {
  std::vector<Scan> scans;
  for (const read::ScanHeader& h : read::find_scans({data_folder() + "/" + set}))
    if (h.usable && h.is_scan)
      for (Scan& s : read::load_scan(h)) scans.push_back(std::move(s));
  return scans;
}

std::string bytes_of(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

Ran run_program(const std::string& arguments, const std::string& environment) {
  const TemporaryFolder folder;
  const std::string out = folder.path("stdout"), err = folder.path("stderr");
  const int status = std::system(
      (environment + " IQGATE_CUDA_LIBRARY=/nonexistent " + IQGATE_PROGRAM + " " + arguments + " >" + out + " 2>" + err)
          .c_str());
  const auto text = [](const std::string& path) {
    std::ifstream s(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(s), {});
  };
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), text(out), text(err)};
}

}  // namespace iqgate::test
