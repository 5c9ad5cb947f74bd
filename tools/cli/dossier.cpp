#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "cli/options.hpp"
#include "iqgate/base/atomic_file.hpp"
#include "iqgate/base/error.hpp"
#include "iqgate/base/file_bytes.hpp"
#include "iqgate/base/file_kind.hpp"
#include "iqgate/base/sha256.hpp"
#include "iqgate/base/utc_time.hpp"
#include "iqgate/pipeline/job.hpp"
#include "iqgate/pipeline/request.hpp"
#include "iqgate/report/dossier.hpp"
#include "iqgate/report/hdf5_writer.hpp"
#include "iqgate/report/pdf.hpp"
#include "iqgate/report/result_file.hpp"

namespace iqgate::cli {
namespace {
namespace fs = std::filesystem;

// A file, or the named one in a folder, whose schema must be the one asked for.
std::string document_file(const std::string& path, const std::string& name) {
  return is_folder(path) ? path + "/" + name : path;
}

json::Value document_of(const std::string& file, const std::string& schema) {
  json::Value document = json::parse_file(file, ErrorKind::input);
  if (json::text_at(&document, "schema") != schema)
    throw InputError("wrong_document", file, "is not of schema " + schema, "give what iqgate wrote");
  return document;
}

// An earlier dossier goes whole: no page of another answer may stay beside this one.
void clear_dossier(const std::string& folder) {
  if (fs::is_empty(folder)) return;
  if (!is_there(folder + "/dossier.json"))
    throw OutputError("not_empty", folder, "holds other files than those of a dossier", "name an empty folder with -o");
  const json::Value manifest = json::parse_file(folder + "/dossier.json", ErrorKind::input);
  const json::Value* files = manifest.find("files");
  fs::remove(folder + "/dossier.json");
  if (files && files->object())
    for (const json::Member& m : *files->object())
      if (m.key.find('/') == std::string::npos) fs::remove(folder + "/" + m.key);
  if (!fs::is_empty(folder))
    throw OutputError("not_empty", folder, "holds files that the earlier dossier does not name",
                      "name an empty folder with -o");
}

}  // namespace

int run_dossier(const Options& options) {
  if (options.output.empty())
    throw UsageError("wrong_use", "--dossier", "needs a folder of its own", "name it with -o DIR");
  report::DossierParts parts;
  parts.context = pipeline::read_context(options.context).texts;
  parts.created_utc = now_utc();
  parts.version = IQGATE_VERSION;
  std::map<std::string, std::string> copies;  // name in the dossier -> bytes
  std::set<std::string> names;
  const std::vector<std::string> files = result_files(options.paths);
  for (const std::string& file : files) {
    std::string name = result_name(file);
    while (!names.insert(name).second) name += "_";
    report::check_against_hdf5(file);
    const std::string bytes = file_bytes(file);
    parts.results.push_back({name, report::read_result(file), sha256_hex(bytes)});
    copies["result_" + name + ".json"] = bytes;
  }
  if (const std::string h5 = fs::path(files.front()).replace_extension(".h5").string(); lies_there(h5)) {
    report::StoredPictures stored = report::read_result_hdf5(h5);
    parts.pictures = std::move(stored.pictures);
    parts.maps = std::move(stored.maps);
  }
  if (!options.comparison.empty()) {
    const std::string file = document_file(options.comparison, "comparison.json");
    parts.comparison = document_of(file, "iqgate.comparison/1");
    copies["comparison.json"] = file_bytes(file);
    parts.comparison_sha256 = sha256_hex(copies["comparison.json"]);
  }
  if (!options.selftest.empty()) {
    const std::string file = document_file(options.selftest, "selftest.json");
    parts.selftest = document_of(file, "iqgate.selftest/1");
    copies["selftest.json"] = file_bytes(file);
  }
  if (!options.log.empty()) {
    parts.log = report::read_log(options.log);
    report::refuse_broken(*parts.log, options.log);
  }
  report::check_parts(parts);
  copies["dossier.html"] = report::dossier_html(parts);
  make_folder(options.output);
  clear_dossier(options.output);
  std::map<std::string, std::string> digests;
  for (const auto& [name, bytes] : copies) {
    write_file_atomically(options.output + "/" + name, bytes);
    digests[name] = sha256_hex(bytes);
  }
  if (options.report_format == "pdf") {
    const std::string pdf = options.output + "/dossier.pdf";
    report::make_pdf(options.output + "/dossier.html", pdf, parts.created_utc);
    digests["dossier.pdf"] = sha256_file(pdf);
  }
  write_file_atomically(options.output + "/dossier.json", json::write(report::dossier_manifest(digests, parts)) + "\n");
  std::printf("%s\n", (options.output + "/dossier." + options.report_format).c_str());
  return exit_ok;
}

}  // namespace iqgate::cli
