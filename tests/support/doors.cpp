#include "support/doors.hpp"

#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <stdexcept>

#include "iqgate/base/error.hpp"
#include "iqgate/base/json.hpp"
#include "iqgate/base/text_number.hpp"
#include "iqgate/base/utc_time.hpp"
#include "iqgate/judge/limits.hpp"
#include "iqgate/judge/profile.hpp"
#include "iqgate/phantom/model.hpp"
#include "iqgate/pipeline/job.hpp"
#include "iqgate/pipeline/request.hpp"
#include "iqgate/read/dicom_series.hpp"
#include "iqgate/read/find_scans.hpp"
#include "iqgate/report/decision_log.hpp"
#include "iqgate/report/result_file.hpp"
#include "iqgate/report/trend.hpp"
#include "support/dicom_bytes.hpp"

namespace iqgate::test {
namespace fs = std::filesystem;
namespace {

// One file in memory where there is such a place: thousands of inputs are written to it.
class Scratch {
 public:
  Scratch() {
    const fs::path shared = "/dev/shm";
    std::string pattern = ((fs::is_directory(shared) ? shared : fs::temp_directory_path()) / "iqgate-XXXXXX").string();
    if (!mkdtemp(pattern.data())) throw std::runtime_error("no folder for inputs");
    folder_ = pattern;
  }
  ~Scratch() {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  std::string write(std::string_view suffix, std::string_view bytes) const {
    const std::string path = (folder_ / ("x" + std::string(suffix))).string();
    std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return path;
  }

 private:
  fs::path folder_;
};

std::string written(std::string_view suffix, std::string_view bytes) {
  static const Scratch scratch;
  return scratch.write(suffix, bytes);
}

std::string fault_of(const read::ScanHeader& h) {
  const Grid& g = h.grid;
  for (int d = 0; d < 3; ++d)
    if (!std::isfinite(g.origin_mm[d]) || !(g.spacing_mm[d] > 0) || !std::isfinite(g.spacing_mm[d]))
      return "a usable scan has a grid that is none";
  for (const double m : g.direction.m)
    if (!std::isfinite(m)) return "a usable scan has a direction that is none";
  return g.size.count() == 0 ? "a usable scan is empty" : "";
}

Outcome outcome_of(const std::vector<read::ScanHeader>& headers) {
  Outcome outcome{"no_scan", ""};
  for (const read::ScanHeader& h : headers) {
    if (!h.usable) {
      if (h.code.empty()) outcome.fault = "a refusal without a code";
      if (!outcome.ok()) outcome.code = h.code;
      continue;
    }
    if (const std::string fault = fault_of(h); !fault.empty()) outcome.fault = fault;
    for (const Scan& scan : read::load_scan(h)) {
      if (scan.volume.values.size() != h.grid.size.count()) outcome.fault = "a scan of another size than its grid";
      for (const float v : scan.volume.values)
        if (!std::isfinite(v)) outcome.fault = "a voxel that is no number";
    }
    outcome.code = "ok";
  }
  return outcome;
}

read::DicomFile dicom_in_memory(std::string_view bytes, const read::IntakeLimits& limits) {
  return read::read_dicom_file(read::ByteSource::memory("input", std::make_shared<const std::string>(bytes)), limits);
}

Outcome dicom(std::string_view bytes, const read::IntakeLimits& limits) {
  const auto source = read::ByteSource::memory("input", std::make_shared<const std::string>(bytes));
  if (!read::looks_like_dicom(source)) return {"unknown_format", ""};
  read::DicomFile file = read::read_dicom_file(source, limits);
  if (file.usable) {
    std::vector<float> frame(file.rows * file.columns);
    read::decode_frames(file, 0, 1, frame.data());
  }
  std::vector<read::DicomFile> files;
  files.push_back(std::move(file));
  return outcome_of(read::assemble_series(std::move(files), limits));
}

Outcome dicom_series(std::string_view bytes, const read::IntakeLimits& limits) {
  std::vector<read::DicomFile> files;
  for (std::size_t at = 0; at <= bytes.size() && files.size() < 64;) {
    const std::size_t end = std::min(bytes.find(between_files, at), bytes.size());
    files.push_back(dicom_in_memory(bytes.substr(at, end - at), limits));
    at = end + between_files.size();
  }
  return outcome_of(read::assemble_series(std::move(files), limits));
}

// The first byte chooses the transfer syntax, the rest is the one compressed frame of a 16 x 16 image.
Outcome dicom_codec(std::string_view bytes, const read::IntakeLimits& limits) {
  static constexpr const char* syntaxes[] = {"1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.4.80",
                                             "1.2.840.10008.1.2.4.90"};
  if (bytes.empty()) return {"truncated", ""};
  const std::string frame(bytes.substr(1));
  return dicom(dicom::meta(syntaxes[static_cast<unsigned char>(bytes[0]) % 4]) + dicom::header({}) +
                   dicom::encapsulated({frame}),
               limits);
}

// Every reader of documents, on one document: `ok` where one takes it, else the code of the last refusal.
Outcome by_any(const std::vector<std::function<void()>>& readers) {
  Outcome outcome;
  for (const auto& read_it : readers) try {
      read_it();
      outcome.code = "ok";
    } catch (const Error& error) {
      if (!outcome.ok() && (outcome.code.empty() || error.code != "unknown_value")) outcome.code = error.code;
    }
  return outcome;
}

Outcome json_text(std::string_view bytes, const read::IntakeLimits&) {
  const json::Value value = json::parse(bytes, "input", ErrorKind::input);
  for (const int indent : {0, 2}) {
    const std::string text = json::write(value, indent);
    if (json::write(json::parse(text, "input", ErrorKind::input), indent) != text)
      return {"ok", "JSON does not read back as it was written"};
  }
  return {"ok", ""};
}

Outcome documents(std::string_view bytes, const read::IntakeLimits&) {
  const std::string path = written(".json", bytes);
  bool finite = true;
  Outcome outcome = by_any({[&] { read_region_file(path); }, [&] { judge::read_limits(path); },
                            [&] { phantom::read_model(path); }, [&] { judge::read_profile(path); },
                            [&] { judge::read_plan(path); }, [&] { pipeline::read_context(path); },
                            [&] { pipeline::read_tasks(path); }, [&] { report::read_events(path); },
                            [&] {
                              const auto record = report::dated_record(report::read_result(path), "input");
                              for (const Measurement& m : record.record.measurements) finite &= std::isfinite(m.value);
                            }});
  if (!finite) outcome.fault = "a measurement that is no number";
  return outcome;
}

Outcome tables(std::string_view bytes, const read::IntakeLimits&) {
  const std::string path = written(".csv", bytes);
  return by_any({[&] { phantom::read_insert_table(path); }, [&] { phantom::read_point_table(path); },
                 [&] { phantom::read_model(path); }});
}

Outcome decision_log(std::string_view bytes, const read::IntakeLimits&) {
  const report::CheckedLog log = report::check_log(std::string(bytes));
  if (log.entries.size() != log.state.length) return {"ok", "a log of another length than its entries"};
  report::next_look(log, "digest", "name", "scanner");
  report::refuse_broken(log, "input");
  return {"ok", ""};
}

Outcome texts(std::string_view bytes, const read::IntakeLimits&) {
  const std::string text(bytes);
  if (const auto number = number_from_text(text); number && !std::isfinite(*number)) return {"ok", "a number is none"};
  if (const auto seconds = utc_seconds(text)) utc_text(*seconds);
  pipeline::read_pose(text);
  return {"ok", ""};
}

struct Door {
  const char* suffix;  // of readers that go by name; null: a function of the bytes
  Outcome (*read)(std::string_view, const read::IntakeLimits&);
};

const std::map<std::string, Door, std::less<>>& doors() {
  static const std::map<std::string, Door, std::less<>> all{{"dicom", {nullptr, dicom}},
                                                            {"dicom_series", {nullptr, dicom_series}},
                                                            {"dicom_codec", {nullptr, dicom_codec}},
                                                            {"nifti", {".nii", nullptr}},
                                                            {"nrrd", {".nrrd", nullptr}},
                                                            {"metaimage", {".mha", nullptr}},
                                                            {"tiff", {".tif", nullptr}},
                                                            {"hdf5", {".h5", nullptr}},
                                                            {"zip", {".zip", nullptr}},
                                                            {"json", {nullptr, json_text}},
                                                            {"documents", {nullptr, documents}},
                                                            {"tables", {nullptr, tables}},
                                                            {"decision_log", {nullptr, decision_log}},
                                                            {"texts", {nullptr, texts}}};
  return all;
}

}  // namespace

read::IntakeLimits small_limits() {
  read::IntakeLimits limits;
  limits.max_scan_bytes = limits.max_archive_bytes = std::uint64_t{64} << 20;
  limits.max_frames = 2000;
  return limits;
}

Outcome through_door(std::string_view name, std::string_view bytes, const read::IntakeLimits& limits,
                     std::string_view suffix) {
  const Door& door = doors().find(name)->second;
  try {
    if (door.read && suffix.empty()) return door.read(bytes, limits);
    return outcome_of(read::find_scans({written(suffix.empty() ? door.suffix : suffix, bytes)}, limits));
  } catch (const Error& error) {
    return {error.code, error.code.empty() ? "an error without a code" : ""};
  }
}

std::vector<std::string> door_names() {
  std::vector<std::string> names;
  for (const auto& [name, door] : doors()) names.push_back(name);
  return names;
}

std::string joined_files(const std::vector<std::string>& files) {
  std::string all;
  for (const std::string& f : files) all += (all.empty() ? "" : std::string(between_files)) + f;
  return all;
}

}  // namespace iqgate::test
