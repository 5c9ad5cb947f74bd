#include "iqgate/report/exports.hpp"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <ctime>

#include "iqgate/base/sha256.hpp"
#include "iqgate/base/utc_time.hpp"
#include "iqgate/report/dicom_text.hpp"
#include "iqgate/report/result_file.hpp"

namespace iqgate::report {
namespace {

using json::text_at;
using json::Value;

std::string number(const std::optional<double>& v) { return v ? json::number_text(*v) : ""; }

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& p : parts) text += (text.empty() ? "" : ";") + p;
  return text;
}

std::string title(const ResultRow& r) {
  return r.name + (r.variant.empty() ? "" : "[" + r.variant + "]") + " " + r.where;
}

std::string value_words(const ResultRow& r) {
  if (!r.value) return r.method;
  std::string text = json::number_text(*r.value) + " " + r.unit;
  if (r.limit_low || r.limit_high)
    text += ", limit " + number(r.limit_low) + " .. " + number(r.limit_high) + " (" + r.limit_source + ")";
  return text;
}

const Value* first_scan(const Value& result) {
  const json::Array& scans = json::list_at(result.find("input"), "scans");
  return scans.empty() ? nullptr : &scans.front();
}

// A text that fits a short DICOM field.
std::string short_field(std::string text) {
  for (char& c : text)
    if (c == '\\' || static_cast<unsigned char>(c) < 0x20) c = ' ';
  std::size_t end = std::min<std::size_t>(text.size(), 64);
  while (end > 0 && end < text.size() && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end);
}

}  // namespace

std::string xml_text(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '&') out += "&amp;";
    else if (c == '<') out += "&lt;";
    else if (c == '>') out += "&gt;";
    else if (c == '"') out += "&quot;";
    else if (static_cast<unsigned char>(c) < 0x20) out += ' ';
    else out += c;
  }
  return out;
}

std::string prometheus_label(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') out += "\\n";
    else out += c;
  }
  return out;
}

std::string csv_cell(std::string text) {
  if (!text.empty() && std::string("=+-@\t\r").find(text[0]) != std::string::npos) text.insert(0, "'");
  if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + "\"";
}

std::string measurements_csv(const Value& result) {
  std::string out =
      "name,variant,where,value,unit,se,ci95_lo,ci95_hi,n_eff,method,standard,flags,state,limit_low,limit_high,limit_"
      "source\r\n";
  for (const ResultRow& r : rows_of(result)) {
    for (const std::string& c :
         {csv_cell(r.name), csv_cell(r.variant), csv_cell(r.where), number(r.value), csv_cell(r.unit), number(r.se),
          number(r.ci95_lo), number(r.ci95_hi), number(r.n_eff), csv_cell(r.method), csv_cell(r.standard),
          csv_cell(joined(r.flags)), r.state, number(r.limit_low), number(r.limit_high)})
      out += c + ",";
    out += csv_cell(r.limit_source) + "\r\n";
  }
  return out;
}

std::string junit_xml(const std::vector<NamedResult>& results) {
  std::string suites;
  for (const NamedResult& named : results) {
    std::string cases;
    int tests = 0, failures = 0, errors = 0, skipped = 0;
    for (const ResultRow& r : rows_of(named.result)) {
      std::string inner;
      if (r.state == "fail") {
        ++failures;
        inner = "<failure message=\"" + xml_text(value_words(r)) + "\"/>";
      } else if (r.state == "undecided" || (r.state == "not_measured" && !r.unit.empty())) {
        ++errors;
        inner = "<error message=\"" + xml_text(r.state + ": " + value_words(r)) + "\"/>";
      } else if (r.state != "pass" && r.state != "warn") {
        ++skipped;
        inner = "<skipped message=\"" + xml_text(r.value ? "no limit" : r.method) + "\"/>";
      }
      if (r.state == "warn") inner = "<system-out>" + xml_text("warn: " + value_words(r)) + "</system-out>";
      ++tests;
      cases += "    <testcase classname=\"" + xml_text(named.name) + "\" name=\"" + xml_text(title(r)) + "\"" +
               (inner.empty() ? "/>" : ">" + inner + "</testcase>") + "\n";
    }
    suites += "  <testsuite name=\"" + xml_text(named.name) + "\" tests=\"" + std::to_string(tests) + "\" failures=\"" +
              std::to_string(failures) + "\" errors=\"" + std::to_string(errors) + "\" skipped=\"" +
              std::to_string(skipped) + "\" timestamp=\"" + xml_text(text_at(&named.result, "created_utc")) + "\">\n" +
              cases + "  </testsuite>\n";
  }
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n" + suites + "</testsuites>\n";
}

std::string prometheus_text(const std::vector<NamedResult>& results) {
  std::string values, errors, states, overall, times;
  for (const NamedResult& named : results) {
    const std::string scanner = record_of(named.result, named.name).scanner;
    const std::string whose = "scanner=\"" + prometheus_label(scanner) + "\",phantom=\"" +
                              prometheus_label(text_at(named.result.find("phantom"), "name")) + "\",result=\"" +
                              prometheus_label(named.name) + "\"";
    for (const ResultRow& r : rows_of(named.result)) {
      const std::string labels = "{" + whose + ",metric=\"" + prometheus_label(r.name) + "\",variant=\"" +
                                 prometheus_label(r.variant) + "\",where=\"" + prometheus_label(r.where) +
                                 "\",unit=\"" + prometheus_label(r.unit) + "\"";
      if (r.value) values += "iqgate_value" + labels + "} " + json::number_text(*r.value) + "\n";
      if (r.se) errors += "iqgate_standard_error" + labels + "} " + json::number_text(*r.se) + "\n";
      if (!r.state.empty() && r.state != "no_limit" && (r.value || !r.unit.empty()))
        states += "iqgate_limit_state" + labels + ",state=\"" + r.state + "\"} 1\n";
    }
    overall +=
        "iqgate_overall{" + whose + ",state=\"" + prometheus_label(text_at(&named.result, "overall")) + "\"} 1\n";
    times += "iqgate_result_time_seconds{" + whose + "} " +
             std::to_string(utc_seconds(text_at(&named.result, "created_utc")).value_or(0)) + "\n";
  }
  const auto family = [](const std::string& name, const std::string& help, const std::string& lines) {
    return lines.empty() ? "" : "# HELP " + name + " " + help + "\n# TYPE " + name + " gauge\n" + lines;
  };
  return family("iqgate_value", "Measured value, in the unit of its label.", values) +
         family("iqgate_standard_error", "Standard error of the value, in its unit.", errors) +
         family("iqgate_limit_state", "1 for the state of the limit.", states) +
         family("iqgate_overall", "1 for the overall verdict.", overall) +
         family("iqgate_result_time_seconds", "When the result was made, Unix time.", times);
}

std::string qatrack_slug(const ResultRow& r) {
  std::string slug;
  for (const std::string* part : {&r.name, &r.variant, &r.where}) {
    if (!part->empty() && !slug.empty()) slug += "_";
    for (const char c : *part) slug += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  }
  // QATrack+ holds slugs of at most 128 letters.
  return slug.size() <= 128 ? slug : slug.substr(0, 119) + "_" + sha256_hex(slug).substr(0, 8);
}

Value qatrack_json(const Value& result, const std::string& collection) {
  const std::string created = text_at(&result, "created_utc");
  const std::string when = created.size() >= 16 ? created.substr(0, 10) + " " + created.substr(11, 5) : "";
  Value tests = json::Object{};
  for (const ResultRow& r : rows_of(result)) {
    std::string slug = qatrack_slug(r);
    // A number comes before what says that another variant of it is missing; two numbers of one slug keep both.
    if (tests.find(slug) && !r.value) continue;
    if (tests.find(slug)) slug += "_" + sha256_hex(r.name + r.variant + r.where).substr(0, 8);
    Value test;
    if (r.value) test.set("value", *r.value);
    else test.set("skipped", true);
    std::string comment = r.value ? r.unit : r.method;
    if (r.se) comment += ", se " + json::number_text(*r.se);
    if (!r.state.empty() && r.value) comment += ", " + r.state;
    test.set("comment", comment);
    tests.set(slug, std::move(test));
  }
  Value body;
  body.set("unit_test_collection", collection);
  body.set("work_started", when), body.set("work_completed", when);
  body.set("user_key", sha256_hex(json::write(result, 0)).substr(0, 32));
  body.set("comment",
           "iqgate " + text_at(result.find("software"), "version") + ", overall: " + text_at(&result, "overall"));
  body.set("tests", std::move(tests));
  body.set("attachments", json::Array{});
  return body;
}

SrHeader sr_header(const Value& result, const std::string& kind) {
  const Value* scan = first_scan(result);
  const Value* tags = scan ? scan->find("tags") : nullptr;
  const std::string digest = sha256_hex(json::write(result, 0)), created = text_at(&result, "created_utc");
  std::string digits;
  std::copy_if(created.begin(), created.end(), std::back_inserter(digits),
               [](unsigned char c) { return std::isdigit(c); });
  if (digits.size() < 14) digits = "20000101000000";
  SrHeader h;
  h.modality = text_at(scan, "modality");
  h.study_uid = uid_of("iqgate/study/" + digest);
  h.series_uid = uid_of("iqgate/series/" + kind + "/" + digest);
  h.instance_uid = uid_of("iqgate/instance/" + kind + "/" + digest);
  h.manufacturer = short_field(text_at(tags, "Manufacturer"));
  h.model = short_field(text_at(tags, "ManufacturerModelName"));
  h.serial = short_field(text_at(tags, "DeviceSerialNumber"));
  h.institution = short_field(text_at(result.find("context"), "site"));
  h.content_date = digits.substr(0, 8), h.content_time = digits.substr(8, 6);
  const std::string taken = record_of(result, "").taken;  // empty where the tags hold no date
  h.study_date = taken.empty() ? h.content_date : taken.substr(0, 4) + taken.substr(5, 2) + taken.substr(8, 2);
  h.study_time = taken.empty() ? h.content_time : taken.substr(11, 2) + taken.substr(14, 2) + taken.substr(17, 2);
  h.software_version = text_at(result.find("software"), "version");
  h.device_observer_uid = uid_of("iqgate/software/" + h.software_version);
  return h;
}

}  // namespace iqgate::report
