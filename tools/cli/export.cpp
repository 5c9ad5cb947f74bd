#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "cli/options.hpp"
#include "iqgate/base/atomic_file.hpp"
#include "iqgate/base/error.hpp"
#include "iqgate/base/file_bytes.hpp"
#include "iqgate/base/file_kind.hpp"
#include "iqgate/read/dicom_log.hpp"
#include "iqgate/report/exports.hpp"
#include "iqgate/report/hdf5_writer.hpp"
#include "iqgate/report/html.hpp"
#include "iqgate/report/pdf.hpp"
#include "iqgate/report/result_file.hpp"

namespace iqgate::cli {
namespace {
namespace fs = std::filesystem;

// A folder of its own for what is made on the way, removed at the end.
class WorkFolder {
 public:
  WorkFolder() {
    std::string pattern = (fs::temp_directory_path() / "iqgate-XXXXXX").string();
    if (!mkdtemp(pattern.data())) throw OutputError("cannot_write", pattern, "no temporary folder can be made");
    path_ = pattern;
  }
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;
  ~WorkFolder() {
    std::error_code gone;
    fs::remove_all(path_, gone);
  }
  std::string file(const std::string& name) const { return (path_ / name).string(); }

 private:
  fs::path path_;
};

// The report of a result as PDF bytes.
std::string report_pdf(const std::string& result_file, const json::Value& result) {
  const std::string h5 = fs::path(result_file).replace_extension(".h5").string();
  report::StoredPictures stored;
  if (lies_there(h5)) stored = report::read_result_hdf5(h5);
  const WorkFolder folder;
  write_file_atomically(folder.file("report.html"), report::html_report(result, stored.pictures, stored.maps));
  report::make_pdf(folder.file("report.html"), folder.file("report.pdf"), json::text_at(&result, "created_utc"));
  return file_bytes(folder.file("report.pdf"));
}

void write_text(const Options& options, const std::string& text) {
  if (options.output.empty()) std::printf("%s", text.c_str());
  else write_file_atomically(options.output, text);
}

}  // namespace

int run_export(const Options& options) {
  const std::string& to = options.export_format;
  std::vector<report::NamedResult> results;
  const std::vector<std::string> files = result_files(options.paths);
  std::set<std::string> names;
  for (const std::string& file : files) {
    std::string name = result_name(file);
    for (int k = 2; !names.insert(name).second; ++k) name = result_name(file) + "_" + std::to_string(k);
    results.push_back({name, report::read_result(file)});
  }
  if (to == "junit") return write_text(options, report::junit_xml(results)), exit_ok;
  if (to == "prometheus") return write_text(options, report::prometheus_text(results)), exit_ok;
  const bool text = to == "csv" || to == "qatrack";
  if (!text && to != "xlsx" && to != "sr" && to != "dicom-pdf")
    throw UsageError("unknown_value", "--to",
                     "\"" + to + "\" is none of csv, xlsx, junit, prometheus, qatrack, sr, dicom-pdf");
  if (results.size() > 1)
    throw UsageError("wrong_use", "--to " + to, "takes one result, " + std::to_string(results.size()) + " are given",
                     "export them one by one");
  if (to == "qatrack" && options.collection.empty())
    throw UsageError("wrong_use", "--to qatrack", "needs the URL of the unit's test collection",
                     "give --collection URL");
  if (!text && options.output.empty())
    throw UsageError("wrong_use", "--to " + to, "is no text", "name a file with -o FILE");
  const json::Value& result = results.front().result;
  if (to == "csv") {
    write_text(options, report::measurements_csv(result));
  } else if (to == "qatrack") {
    write_text(options, json::write(report::qatrack_json(result, options.collection)) + "\n");
  } else if (to == "xlsx") {
    report::write_xlsx(options.output, result);
  } else if (to == "sr") {
    read::listen_to_dcmtk();
    report::write_sr(options.output, report::sr_header(result, "sr"), report::rows_of(result));
  } else {
    read::listen_to_dcmtk();
    report::write_encapsulated_pdf(options.output, report::sr_header(result, "pdf"), report_pdf(files.front(), result),
                                   "Image-quality report");
  }
  return exit_ok;
}

}  // namespace iqgate::cli
