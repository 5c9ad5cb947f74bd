#include <cstdio>
#include <filesystem>

#include "cli/options.hpp"
#include "iqgate/base/atomic_file.hpp"
#include "iqgate/base/error.hpp"
#include "iqgate/base/json.hpp"
#include "iqgate/report/hdf5_writer.hpp"
#include "iqgate/report/html.hpp"
#include "iqgate/report/pdf.hpp"
#include "iqgate/report/result_file.hpp"

namespace iqgate::cli {

int run_report(const Options& options) {
  if (options.report_format != "html" && options.report_format != "pdf")
    throw UsageError("unknown_value", "--format", "\"" + options.report_format + "\" is neither html nor pdf");
  if (options.dossier) return run_dossier(options);
  for (const std::string& folder : options.paths) {
    const json::Value result = report::read_result(folder);
    const report::StoredPictures stored = report::read_result_hdf5(folder + "/result.h5");
    // A run that was killed leaves files of two runs: pictures of one scan under the numbers of another.
    if (json::write(json::parse(stored.result_json, folder + "/result.h5", ErrorKind::input)) != json::write(result))
      throw InputError("mixed_results", folder, "result.json and result.h5 come from different runs",
                       "measure again into an empty folder");
    const std::string to = options.output.empty() ? folder : options.output;
    make_folder(to);
    const std::string html = to + "/report.html";
    write_file_atomically(html, report::html_report(result, stored.pictures, stored.maps));
    if (options.report_format == "pdf")
      report::make_pdf(html, to + "/report.pdf", json::text_at(&result, "created_utc"));
    std::printf("%s\n", (options.report_format == "pdf" ? to + "/report.pdf" : html).c_str());
  }
  return exit_ok;
}

}  // namespace iqgate::cli
