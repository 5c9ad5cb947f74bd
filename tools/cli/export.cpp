#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "cli/options.hpp"
#include "iqgate/base/atomic_file.hpp"
#include "iqgate/base/error.hpp"
#include "iqgate/read/dicom_log.hpp"
#include "iqgate/report/exports.hpp"
#include "iqgate/report/hdf5_writer.hpp"
#include "iqgate/report/html.hpp"
#include "iqgate/report/pdf.hpp"
#include "iqgate/report/result_file.hpp"

namespace iqgate::cli {
namespace {
namespace fs = std::filesystem;

// The report of a result as PDF bytes, made beside the output and removed again.
std::string report_pdf(const std::string& result_file, const json::Value& result, const std::string& output) {
  const std::string h5 = fs::path(result_file).replace_extension(".h5").string();
  report::StoredPictures stored;
  if (fs::exists(h5)) stored = report::read_result_hdf5(h5);
  const std::string html = output + ".html", pdf = output + ".pdf";
  const auto remove = [&] {
    std::error_code gone;
    fs::remove(html, gone), fs::remove(pdf, gone);
  };
  try {
    write_file_atomically(html, report::html_report(result, stored.pictures, stored.maps));
    report::make_pdf(html, pdf, json::text_at(&result, "created_utc"));
    std::ifstream stream(pdf, std::ios::binary);
    std::string bytes{std::istreambuf_iterator<char>(stream), {}};
    remove();
    return bytes;
  } catch (...) {
    remove();
    throw;
  }
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
  for (const std::string& file : files)
    results.push_back({report::short_name(fs::absolute(file).parent_path().string()), report::read_result(file)});
  if (to == "junit") return write_text(options, report::junit_xml(results)), exit_ok;
  if (to == "prometheus") return write_text(options, report::prometheus_text(results)), exit_ok;
  const bool text = to == "csv" || to == "qatrack";
  if (!text && to != "xlsx" && to != "sr" && to != "dicom-pdf")
    throw UsageError("unknown_value", "--to",
                     "\"" + to + "\" is none of csv, xlsx, junit, prometheus, qatrack, sr, dicom-pdf");
  if (results.size() > 1)
    throw UsageError("wrong_use", "--to " + to, "takes one result, " + std::to_string(results.size()) + " are given",
                     "export them one by one");
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
    report::write_encapsulated_pdf(options.output, report::sr_header(result, "pdf"),
                                   report_pdf(files.front(), result, options.output), "Image-quality report");
  }
  return exit_ok;
}

}  // namespace iqgate::cli
