#pragma once
// One function: a job in, a result document out. The verbs, the tests and a library user all call it.
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "iqgate/compute/backend.hpp"
#include "iqgate/measure/metric.hpp"
#include "iqgate/phantom/model.hpp"
#include "iqgate/read/bytes.hpp"
#include "iqgate/read/scan_header.hpp"
#include "iqgate/report/document.hpp"

namespace iqgate::pipeline {

/// Parts of a placement given by hand; the rest is located. Angles: rotation = Ry(yaw) Rx(pitch) Rz(roll).
struct GivenPose {
  std::optional<double> x_mm, y_mm, z_mm, pitch_deg, yaw_deg, roll_deg;
  bool any() const { return x_mm || y_mm || z_mm || pitch_deg || yaw_deg || roll_deg; }
  bool whole() const { return x_mm && y_mm && z_mm && pitch_deg && yaw_deg && roll_deg; }
};

/// Reads "x=1,y=-2.5,roll=90" (x, y, z in mm; pitch, yaw, roll in degrees); throws UsageError.
GivenPose read_pose(const std::string& text);
/// Puts the given parts in, with a flag that names them: they carry no standard error.
void apply_pose(const GivenPose& pose, double nominal_radius_mm, Placement& placement);

struct Request {
  std::vector<std::string> paths;
  std::string phantom;  ///< name, file or auto; empty with --roi
  GivenPose pose;
  std::string roi_file;
  std::vector<std::string> metrics;
  std::string series;  ///< id, or all
  bool judge = false;
  std::vector<std::string> limits;  ///< names or files; {"none"}: nothing is judged
  compute::BackendChoice backend = compute::BackendChoice::automatic;
  measure::Settings settings;
  std::string context_file;
  std::string tasks_file;                                  ///< iqgate.tasks/1, name or path; empty: the shipped one
  std::optional<Vec3> spacing_mm;                          ///< given by hand for files that do not tell
  std::vector<std::pair<std::string, std::string>> roles;  ///< role, path
  read::IntakeLimits intake;
  /// Told of each step ("reading 60 files"); may be empty.
  std::function<void(const std::string&)> progress;
};

/// Faults of what the request names, before any scan is opened. Throws UsageError.
void check_request(const Request& request);

/// What a request names: each group is one job; `refused` scans were asked for but are not usable.
struct Choice {
  std::vector<std::vector<read::ScanHeader>> groups;
  std::vector<read::ScanHeader> refused;
};

/// Throws InputError when nothing usable is there, when a scan is damaged (with series `all`: it is listed as refused),
/// or when several unrelated scans leave a choice.
Choice choose_scans(const Request& request);

/// Reads, locates, measures and judges one group of scans.
report::Document run_job(const Request& request, const std::vector<read::ScanHeader>& group);

/// Exit code of a finished document, by the contract: measure 0 or 3, check 0, 1 or 3.
int exit_code(const report::Document& document, bool judged);

/// Writes result.json, result.h5, measurements.csv, curves.csv and report.html into a folder.
void write_results(report::Document& document, const std::string& folder);

/// Versions of the program, its build and the libraries it runs with.
std::map<std::string, std::string> software_record();

}  // namespace iqgate::pipeline
