#include "iqgate/report/result_file.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "iqgate/base/file_bytes.hpp"
#include "iqgate/base/file_kind.hpp"
#include "iqgate/report/hdf5_writer.hpp"

namespace iqgate::report {
namespace {

using json::list_at;
using json::text_at;
using json::Value;

std::vector<Measurement> measurements_of(const Value& result, const std::string& source) {
  std::vector<Measurement> measurements;
  for (const Value& entry : list_at(&result, "measurements")) {
    json::Fields f(entry, source, "/measurements", ErrorKind::input);
    Measurement m;
    m.name = f.text("name");
    m.variant = f.text("variant");
    m.where = f.text("where");
    m.value = f.number("value");
    m.unit = f.text("unit");
    m.se = f.optional_number("se");
    m.se_localisation = f.optional_number("se_localisation");
    const auto low = f.optional_number("ci95_lo"), high = f.optional_number("ci95_hi");
    if (low && high) m.ci95 = Interval{*low, *high};
    m.n_eff = f.optional_number("n_eff");
    if (f.has("flags")) m.flags = f.texts("flags");
    measurements.push_back(std::move(m));
  }
  return measurements;
}

// 20261124, 143000.5 -> 2026-11-24T14:30:00
std::string time_of(const std::string& date, const std::string& time) {
  if (date.size() != 8 || date.find_first_not_of("0123456789") != std::string::npos) return {};
  const int month = std::stoi(date.substr(4, 2)), day = std::stoi(date.substr(6, 2));
  if (month < 1 || month > 12 || day < 1 || day > 31 || date < "19000101") return {};
  std::string clock = time.substr(0, 6);
  if (clock.size() != 6 || clock.find_first_not_of("0123456789") != std::string::npos || clock > "235960")
    clock = "000000";
  return date.substr(0, 4) + "-" + date.substr(4, 2) + "-" + date.substr(6, 2) + "T" + clock.substr(0, 2) + ":" +
         clock.substr(2, 2) + ":" + clock.substr(4, 2);
}

// Tags that say when and on what a scan was made are no conditions of how it was made.
bool is_condition(const std::string& tag) {
  for (const char* other : {"AcquisitionDate", "AcquisitionTime", "AcquisitionNumber", "DeviceSerialNumber",
                            "SoftwareVersions", "PatientPosition", "RescaleSlope"})
    if (tag == other) return false;
  return true;
}

// Scans of one job that differ in a tag (echo times, say) give all that they have, in order.
void add_condition(judge::Record& record, const std::string& tag, const std::string& value) {
  std::string& have = record.conditions[tag];
  if (have.empty()) have = value;
  else if (("\\" + have + "\\").find("\\" + value + "\\") == std::string::npos) have += "\\" + value;
}

void read_scan(const Value& scan, judge::Record& record) {
  const Value* tags = scan.find("tags");
  if (tags && tags->object())
    for (const json::Member& m : *tags->object())
      if (m.value.string() && is_condition(m.key)) add_condition(record, m.key, *m.value.string());
  add_condition(record, "modality", text_at(&scan, "modality"));
  const json::Array& spacing = list_at(&scan, "spacing_mm");
  static constexpr const char* axes[] = {"spacing_x_mm", "spacing_y_mm", "spacing_z_mm"};
  for (std::size_t k = 0; k < spacing.size() && k < 3; ++k)
    if (const auto mm = spacing[k].number()) add_condition(record, axes[k], json::number_text(*mm));
}

void read_identity(const Value& scan, judge::Record& record) {
  const Value* tags = scan.find("tags");
  for (const char* key : {"Manufacturer", "ManufacturerModelName", "DeviceSerialNumber"})
    if (const std::string part = text_at(tags, key); !part.empty())
      record.scanner += (record.scanner.empty() ? "" : " ") + part;
  const std::string time = text_at(tags, "AcquisitionTime");
  record.taken = time_of(text_at(tags, "AcquisitionDate"), time);
  record.timed = !record.taken.empty() && time.size() >= 6 && time.substr(0, 6) != "000000";
}

}  // namespace

Value read_result(const std::string& path) {
  const std::string file = is_folder(path) ? path + "/result.json" : path;
  if (!is_there(file))
    throw InputError("not_a_result", file, "is not there", "give a folder that measure or check wrote with -o");
  Value result = json::parse_file(file, ErrorKind::input);
  const Value* list = result.find("measurements");
  if (!list || !list->array() || text_at(&result, "schema").rfind("iqgate.result/", 0) != 0 ||
      !result.find("phantom") || !result.find("input") || !result.find("software") || !result.find("backend"))
    throw InputError("not_a_result", file, "is not a result of iqgate",
                     "give a folder that measure or check wrote with -o");
  return result;
}

judge::Record record_of(const Value& result, const std::string& source) {
  judge::Record record;
  record.source = source;
  record.phantom = text_at(result.find("phantom"), "name");
  record.phantom_serial = text_at(result.find("context"), "phantom_serial");
  const json::Array& scans = list_at(result.find("input"), "scans");
  if (!scans.empty()) read_identity(scans.front(), record);
  for (const Value& scan : scans)
    if (text_at(&scan, "role") != "reference") read_scan(scan, record);
  record.conditions["phantom"] = record.phantom;
  if (const std::string digest = text_at(result.find("phantom"), "sha256"); !digest.empty())
    record.conditions["phantom_sha256"] = digest;
  for (const Value& scan : scans)
    for (const Value& hash : list_at(&scan, "sha256"))
      if (hash.string()) record.inputs.push_back(*hash.string());
  const Value* placement = result.find("phantom")->find("placement");
  if (const json::Array& at = list_at(placement, "translation_mm");
      at.size() == 3 && at[0].number() && at[1].number() && at[2].number())
    record.place_mm = Vec3{*at[0].number(), *at[1].number(), *at[2].number()};
  record.measurements = measurements_of(result, source);
  for (const Value& n : list_at(&result, "not_measured"))
    record.not_measured.push_back({text_at(&n, "name"), text_at(&n, "where"), text_at(&n, "reason"), {}});
  return record;
}

void check_against_hdf5(const std::string& result_file) {
  const std::string h5 = std::filesystem::path(result_file).replace_extension(".h5").string();
  if (!lies_there(h5)) return;
  if (read_result_hdf5(h5).result_json != file_bytes(result_file))
    throw InputError("mixed_results", result_file, "is not the text that result.h5 beside it was written with",
                     "it was changed, or two runs were mixed: measure again into an empty folder");
}

std::vector<Measurement> read_measurements(const std::string& path) { return measurements_of(read_result(path), path); }

}  // namespace iqgate::report
