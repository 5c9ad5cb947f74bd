#include "support/seeds.hpp"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dctk.h>
#include <dcmtk/dcmjpeg/djencode.h>
#include <dcmtk/dcmjpls/djencode.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "iqgate/base/file_bytes.hpp"
#include "iqgate/report/decision_log.hpp"
#include "iqgate/report/volume_writer.hpp"
#include "support/dicom_bytes.hpp"
#include "support/doors.hpp"
#include "support/jpeg2000_bytes.hpp"
#include "support/raster_bytes.hpp"

namespace iqgate::test {
namespace fs = std::filesystem;
namespace {
using namespace std::string_literals;

class Folder {
 public:
  Folder() {
    std::string pattern = (fs::temp_directory_path() / "iqgate-seeds-XXXXXX").string();
    if (!mkdtemp(pattern.data())) throw std::runtime_error("no folder for seeds");
    path = pattern;
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  fs::path path;
};

// 6 x 5 x 4 voxels in which no two lines are alike.
Scan small_scan(const std::string& modality) {
  Scan scan;
  scan.id = "seed";
  scan.modality = modality;
  scan.value_unit = modality == "CT" ? "HU" : "1";
  scan.volume.grid = {{6, 5, 4}, {0.75, 1.5, 2.5}, {-10, 4, 7}, {}};
  for (std::size_t k = 0; k < 120; ++k) scan.volume.values.push_back(static_cast<float>((k * 37) % 101) - 20.0f);
  return scan;
}

std::string pixels16(unsigned count = 256) {
  std::string pixels;
  for (unsigned k = 0; k < count; ++k) pixels += dicom::le((k * 2654435761u >> 24) + 1000, 2);
  return pixels;
}

void register_encoders() {
  static const bool once = [] {
    DJEncoderRegistration::registerCodecs();
    DJLSEncoderRegistration::registerCodecs();
    return true;
  }();
  (void)once;
}

std::string transcoded(const Folder& folder, const std::string& bytes, E_TransferSyntax syntax) {
  register_encoders();
  const std::string path = (folder.path / "t.dcm").string();
  std::ofstream(path, std::ios::binary) << bytes;
  DcmFileFormat format;
  if (format.loadFile(path.c_str()).bad() || format.getDataset()->chooseRepresentation(syntax, nullptr).bad() ||
      format.saveFile(path.c_str(), syntax).bad())
    throw std::runtime_error("a seed cannot be packed");
  return file_bytes(path);
}

void add_dicom(std::vector<Seed>& seeds, const Folder& folder) {
  using namespace dicom;
  const auto add = [&](const std::string& name, const std::string& bytes) {
    seeds.push_back({"dicom", name, "", bytes});
  };
  const std::string plain = meta(explicit_little) + header({}) + native(pixels16());
  add("explicit", plain);
  add("implicit", transcoded(folder, plain, EXS_LittleEndianImplicit));
  add("big_endian", transcoded(folder, plain, EXS_BigEndianExplicit));
  add("jpeg", transcoded(folder, plain, EXS_JPEGProcess14SV1));
  add("jpeg_ls", transcoded(folder, plain, EXS_JPEGLSLossless));
  add("rle", meta(rle) + header({}) + encapsulated({rle_frame(256)}));
  add("jpeg_2000", meta("1.2.840.10008.1.2.4.90") + header({}) + encapsulated({jpeg2000_bytes(16, 16)}));
  add("deflated", meta(deflated) + deflate_raw(header({}) + native(pixels16())));
  add("eight_bits", meta(explicit_little) + header({.bits = 8}) + native(std::string(256, '\7')));
  add("tomogram",
      meta(explicit_little) +
          header({.frames = "4", .modality = "NM", .image_type = "ORIGINAL\\PRIMARY\\RECON TOMO\\EMISSION"}) +
          native(pixels16(1024)));
  for (const char* modality : {"CT", "MR"}) {
    const std::string path = (folder.path / "enhanced.dcm").string();
    report::write_enhanced_dicom(small_scan(modality), path, {.uid_seed = "seed"});
    add("enhanced_"s + modality, file_bytes(path));
    std::vector<std::string> files;
    for (const std::string& file : report::write_volume(small_scan(modality), report::VolumeFormat::dicom,
                                                        (folder.path / modality).string(), "s", {.uid_seed = "seed"}))
      files.push_back(file_bytes(file));
    add("slice_"s + modality, files.front());
    seeds.push_back({"dicom_series", modality, "", joined_files(files)});
  }
  for (const auto& [first, name, syntax] :
       {std::tuple{1, "jpeg", EXS_JPEGProcess14SV1}, {2, "jpeg_ls", EXS_JPEGLSLossless}}) {
    const std::string file = transcoded(folder, plain, syntax);
    const std::size_t at = file.find("\xFF\xD8\xFF"s);
    seeds.push_back({"dicom_codec", name, "", static_cast<char>(first) + file.substr(at, file.size() - at - 8)});
  }
  seeds.push_back({"dicom_codec", "rle", "", "\0"s + rle_frame(256)});
  seeds.push_back({"dicom_codec", "jpeg_2000", "", "\3"s + jpeg2000_bytes(16, 16)});
}

void add_volumes(std::vector<Seed>& seeds, const Folder& folder) {
  const auto add = [&](const std::string& door, report::VolumeFormat format) {
    for (const char* modality : {"CT", "MR"}) {
      const auto files = report::write_volume(small_scan(modality), format, (folder.path / door).string(), modality,
                                              {.uid_seed = "seed"});
      seeds.push_back({door, modality, "", file_bytes(files.front())});
    }
  };
  add("nifti", report::VolumeFormat::nifti);
  add("metaimage", report::VolumeFormat::metaimage);
  add("hdf5", report::VolumeFormat::hdf5);
  const std::string voxels(48, '\2');
  seeds.push_back({"nrrd", "raw", "",
                   "NRRD0004\ntype: unsigned short\ndimension: 3\nspace: left-posterior-superior\nsizes: 2 3 4\nspace "
                   "directions: (1,0,0) (0,2,0) (0,0,3)\nendian: little\nencoding: raw\nspace origin: (5,6,7)\n\n" +
                       voxels});
  seeds.push_back(
      {"nrrd", "spacings", "",
       "NRRD0001\ntype: float\ndimension: 2\nsizes: 3 4\nspacings: 0.5 2\nendian: big\nencoding: raw\n\n" + voxels});
  seeds.push_back({"metaimage", "plain", "",
                   "ObjectType = Image\nNDims = 3\nElementSpacing = 1 2 3\nDimSize = 2 3 4\nElementType = "
                   "MET_USHORT\nElementDataFile = LOCAL\n" +
                       voxels});
  seeds.push_back({"tiff", "page", "", tiff_page(8, 6, std::string(96, '\3'))});
  const std::string slice = dicom::meta(dicom::explicit_little) + dicom::header({}) + dicom::native(pixels16());
  seeds.push_back({"zip", "stored", "", zip_bytes({{.name = "a.dcm", .data = slice}})});
  seeds.push_back({"zip", "deflated", "",
                   zip_bytes({{.name = "a/b.dcm",
                               .data = dicom::deflate_raw(slice),
                               .method = 8,
                               .unpacked = static_cast<std::uint32_t>(slice.size()),
                               .crc = static_cast<std::uint32_t>(crc32(0, reinterpret_cast<const Bytef*>(slice.data()),
                                                                       static_cast<uInt>(slice.size())))},
                              {.name = "note.txt", .data = "no scan"}})});
}

constexpr const char* result_text =
    R"({"schema": "iqgate.result/1", "phantom": {"name": "water_cylinder", "sha256": "00", "placement": {"translation_mm": [1, 2, 3]}}, "input": {"scans": [{"modality": "CT", "spacing_mm": [1, 1, 2], "sha256": ["ab"], "tags": {"Manufacturer": "M", "KVP": "120", "AcquisitionDate": "20261124", "AcquisitionTime": "143000.5"}}]}, "context": {"site": "S", "phantom_serial": "7"}, "software": {"iqgate": "0.1.0"}, "backend": {"used": "cpu"}, "created": "2026-11-24T14:30:00Z", "measurements": [{"name": "ct_number_hu", "variant": "mean", "where": "water", "value": 0.5, "unit": "HU", "se": 0.1, "ci95_lo": 0.3, "ci95_hi": 0.7, "flags": ["few"]}], "not_measured": [{"name": "mtf50_per_mm", "where": "scan", "reason": "no edge"}], "verdicts": []})";

void add_texts(std::vector<Seed>& seeds, const Folder& folder, const fs::path& data) {
  const auto document = [&](const std::string& name, const std::string& text) {
    seeds.push_back({"documents", name, "", text});
    seeds.push_back({"json", name, "", text});
  };
  document(
      "regions",
      R"({"schema": "iqgate.roi/1", "frame": "volume", "regions": [{"name": "a", "kind": "uniform", "shape": "disc", "center_mm": [1, 2, 3], "radius_mm": 5}, {"name": "p", "kind": "uniform", "shape": "polygon", "points_mm": [[0, 0, 0], [9, 0, 0], [0, 9, 0]], "length_mm": 2, "nominal": {"ct_number_hu": 0}}]})");
  document("result", result_text);
  document("context",
           R"({"schema": "iqgate.context/1", "site": "S", "certificate": {"n": 1}, "deviations": ["a", "b"]})");
  document(
      "events",
      R"({"schema": "iqgate.events/1", "events": [{"at": "2026-11-24", "scanner": "*", "text": "tube", "resets_baseline": true}]})");
  document(
      "profile",
      R"({"schema": "iqgate.profile/1", "name": "p", "version": "1", "source": "s", "conditions": {"KVP": [110, 130]}, "reference": "fixed", "metrics": [{"name": "ct_number_hu", "variant": "mean", "where": "water", "unit": "HU", "role": "gate", "n": 5, "mean": 0, "sd_within": 0.5, "scale": "linear", "better": "target", "margin": 4, "margin_kind": "absolute", "rationale": "r", "set_by": "b"}]})");
  for (const char* file :
       {"wire.json", "limits/ct_water_generic.json", "plans/ct_example.json", "tasks/ct_default.json"})
    document(fs::path(file).stem().string(), file_bytes((data / file).string()));
  std::string balls = "# a grid\nid,x_mm,y_mm,z_mm,diameter_mm\n";
  for (int k = 0; k < 12; ++k)
    balls +=
        "p" + std::to_string(k) + "," + std::to_string(20 * (k % 4)) + "," + std::to_string(20 * (k / 4)) + ",-3.5,8\n";
  seeds.push_back({"tables", "balls", "", balls});
  seeds.push_back(
      {"tables", "inserts", "",
       "name,x_mm,y_mm,z_mm,diameter_mm,length_mm,ct_number_hu\nbody,0,0,0,200,60,0\nbone,50,0,0,25,60,800\n"
       "foam,-50,0,0,25,60,-700\nteflon,0,50,0,25,60,900\n"});
  const std::string log = (folder.path / "log.jsonl").string();
  for (const char* overall : {"GO", "NO-GO", "INCONCLUSIVE"})
    report::append_decision(log, "2026-01-01T00:00:00Z", [&](const report::CheckedLog&) -> json::Object {
      return {{"kind", "comparison"}, {"scanner", "A"}, {"profile_digest", "d"}, {"overall", overall}};
    });
  seeds.push_back({"decision_log", "three", "", file_bytes(log)});
  for (const char* text : {"x=0,y=-12.5,z=30,pitch=0,yaw=0,roll=90", "x=-1.5e3"})
    seeds.push_back({"texts", text, "", text});
}

}  // namespace

std::vector<Seed> good_seeds(const std::string& data) {
  const Folder folder;
  std::vector<Seed> seeds;
  add_dicom(seeds, folder);
  add_volumes(seeds, folder);
  add_texts(seeds, folder, data);
  return seeds;
}

}  // namespace iqgate::test
