#include <cstdio>
#include <fstream>
#include <iterator>

#include "cli/options.hpp"
#include "iqgate/base/atomic_file.hpp"
#include "iqgate/base/error.hpp"
#include "iqgate/base/file_bytes.hpp"
#include "iqgate/base/json.hpp"
#include "iqgate/compute/render.hpp"
#include "iqgate/pipeline/data_files.hpp"
#include "iqgate/pipeline/truth.hpp"
#include "iqgate/report/volume_writer.hpp"

namespace iqgate::cli {
namespace {

std::size_t whole(double value, const char* option) {
  if (value != std::floor(value)) throw UsageError("bad_value", option, "needs whole numbers");
  return static_cast<std::size_t>(value);
}

std::string quantity_of(const std::string& modality) {
  if (modality == "CT") return "ct_number_hu";
  if (modality == "MR") return "mr_signal";
  if (modality == "PT") return "activity_bq_ml";
  throw UsageError("unknown_value", "--modality", "\"" + modality + "\" is none of CT, MR, PT");
}

compute::RenderJob job_of(const Options& o, const std::string& modality) {
  compute::RenderJob job;
  job.quantity = quantity_of(modality);
  job.grid.size = {whole(o.size[0], "--size"), whole(o.size[1], "--size"), whole(o.size[2], "--size")};
  for (int d = 0; d < 3; ++d) {
    job.grid.spacing_mm[d] = o.voxel_mm[std::size_t(d)];
    job.psf_sigma_mm[d] = o.psf_sigma_mm[std::size_t(d)];
  }
  job.grid.origin_mm = Vec3{} - job.grid.middle_mm();
  job.pose.rotation = rotation_from_degrees(o.pose_deg[0], o.pose_deg[1], o.pose_deg[2]);
  job.pose.translation_mm = {o.shift_mm[0], o.shift_mm[1], o.shift_mm[2]};
  job.pixel_aperture = o.aperture;
  job.shading.cupping = o.cupping;
  job.shading.radius_mm = 100;
  job.slice_thickness_mm = o.slice_thickness_mm;
  job.distortion.cubic_per_mm2 = {o.distortion_per_mm2[0], o.distortion_per_mm2[1], o.distortion_per_mm2[2]};
  job.series = {.volumes = static_cast<std::size_t>(o.repeats),
                .drift = o.drift_pct / 100,
                .fluctuation = o.fluctuation_pct / 100,
                .ghost = o.ghost_pct / 100};
  job.noise.sd = o.noise_sd >= 0 ? o.noise_sd : modality == "CT" ? 10 : modality == "MR" ? 20 : 500;
  job.noise.kind = job.noise.sd == 0    ? compute::NoiseKind::none
                   : o.noise_tau_mm > 0 ? compute::NoiseKind::gaussian
                                        : compute::NoiseKind::white;
  job.noise.tau_mm = o.noise_tau_mm;
  job.noise.channels = modality == "MR" ? std::max(1, o.channels) : 0;
  job.noise.seed = o.seed;
  return job;
}

int render(const Options& o) {
  if (o.output.empty()) throw UsageError("no_output", "-o", "phantoms render needs a folder", "give -o DIR");
  const phantom::Model model = phantom::read_model(pipeline::find_phantom(o.name));
  const std::string modality = o.modality.empty() ? model.modalities.front() : o.modality;
  compute::RenderJob job = job_of(o, modality);
  const report::VolumeFormat format = report::volume_format(o.format);
  Progress progress(o);
  std::size_t files = 0;
  for (int r = 0; r < o.repeats; ++r) {
    progress.step("rendering " + model.name +
                  (o.repeats > 1 ? " " + std::to_string(r + 1) + " of " + std::to_string(o.repeats) : ""));
    job.noise.repeat = std::uint64_t(r);
    Scan scan{
        .modality = modality, .value_unit = pipeline::value_unit_of(modality), .volume = compute::render(model, job)};
    report::DicomIdentity identity{
        .series_description = model.name,
        .uid_seed = model.digest + json::write(json::array_of(o.size), 0) + std::to_string(o.seed),
        .series_number = r + 1};
    if (modality == "CT") identity.tags = {{"KVP", "120"}, {"ConvolutionKernel", "DIGITAL"}};
    if (modality == "MR")
      identity.tags = {{"MagneticFieldStrength", "1.5"},
                       {"RepetitionTime", "1000"},
                       {"EchoTime", "30"},
                       {"FlipAngle", "90"},
                       {"PixelBandwidth", "130"},
                       {"NumberOfAverages", "1"},
                       {"NumberOfPhaseEncodingSteps", std::to_string(job.grid.size.y)},
                       {"InPlanePhaseEncodingDirection", "COL"}};
    if (modality == "PT") identity.tags = {{"Units", "BQML"}, {"DecayCorrection", "START"}};
    const std::string stem = o.repeats > 1 ? "repeat_" + std::to_string(r + 1) : "slice";
    if (format == report::VolumeFormat::dicom && o.enhanced) {
      make_folder(o.output);
      report::write_enhanced_dicom(scan, o.output + "/" + stem + "_enhanced.dcm", identity);
      ++files;
    } else {
      files +=
          report::write_volume(scan, format, o.output,
                               o.repeats == 1 && format != report::VolumeFormat::dicom ? model.name : stem, identity)
              .size();
    }
  }
  write_file_atomically(o.output + "/truth.json", pipeline::truth_json(model, job, modality));
  progress.done();
  std::printf("%zu file(s) and truth.json in %s\n", files, o.output.c_str());
  return exit_ok;
}

}  // namespace

int run_phantoms(const Options& o) {
  if (o.action == "render") return render(o);
  if (o.action == "show") {
    const std::string path = pipeline::find_phantom(o.name);
    phantom::read_model(path);
    std::printf("%s", file_bytes(path).c_str());
    return exit_ok;
  }
  json::Array list;
  for (const std::string& name : pipeline::shipped_phantoms()) {
    const phantom::Model model = phantom::read_model(pipeline::find_phantom(name));
    if (!o.json) {
      std::printf("%-20s%s\n", name.c_str(), model.title.c_str());
      continue;
    }
    json::Value v;
    v.set("name", name);
    v.set("title", model.title);
    v.set("source", model.source);
    v.set("modalities", json::array_of(model.modalities));
    v.set("limits", model.limits);
    list.push_back(std::move(v));
  }
  if (o.json) {
    json::Value v;
    v.set("schema", "iqgate.phantoms/1");
    v.set("phantoms", std::move(list));
    std::printf("%s\n", json::write(v).c_str());
  }
  return exit_ok;
}

}  // namespace iqgate::cli
