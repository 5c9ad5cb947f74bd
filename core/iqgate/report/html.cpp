#include "iqgate/report/html.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "iqgate/base/sha256.hpp"
#include "iqgate/report/page.hpp"
#include "iqgate/report/picture.hpp"
#include "iqgate/report/plot.hpp"
#include "iqgate/report/report_template.hpp"
#include "iqgate/report/tables.hpp"

namespace iqgate::report {
namespace {

using json::Value;

std::string text(const Value* v, std::string_view key) {
  const Value* found = v ? v->find(key) : nullptr;
  return found && found->string() ? *found->string() : "";
}

std::optional<double> number(const Value* v, std::string_view key) {
  const Value* found = v ? v->find(key) : nullptr;
  return found ? found->number() : std::nullopt;
}

const json::Array& list(const Value* v, std::string_view key) {
  static const json::Array empty;
  const Value* found = v ? v->find(key) : nullptr;
  return found && found->array() ? *found->array() : empty;
}

Value object(std::initializer_list<std::pair<std::string, std::string>> entries) {
  Value v;
  for (const auto& [key, value] : entries) v.set(key, value);
  return v;
}

std::string words(std::string state) {
  std::replace(state.begin(), state.end(), '_', ' ');
  std::transform(state.begin(), state.end(), state.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return state;
}

std::string bounds_text(const Value* pair) {
  if (!pair || !pair->array() || pair->array()->size() != 2) return "";
  const auto low = (*pair->array())[0].number(), high = (*pair->array())[1].number();
  if (low && high) return short_number(*low) + " .. " + short_number(*high);
  if (low) return "≥ " + short_number(*low);
  if (high) return "≤ " + short_number(*high);
  return "";
}

std::string joined(const json::Array& items, const char* separator, const std::string& leave_out = {}) {
  std::string out;
  for (const Value& v : items)
    if (v.string() && *v.string() != leave_out) out += (out.empty() ? "" : separator) + *v.string();
  return out;
}

const Value* verdict_of(const Value& result, const Value& m) {
  for (const Value& v : list(&result, "verdicts"))
    if (text(&v, "name") == text(&m, "name") && text(&v, "variant") == text(&m, "variant") &&
        text(&v, "where") == text(&m, "where"))
      return &v;
  return nullptr;
}

// 56.835799999999999, as some scanners write 56.8358; anything else as it is.
std::string plain_number(const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.size() < 10 || *end != 0) return text;
  char shorter[32];
  std::snprintf(shorter, sizeof shorter, "%.7g", value);
  return shorter;
}

int severity(const std::string& state) {
  static const std::vector<std::string> order{"fail", "undecided", "not_measured", "warn", "pass", "no_limit", ""};
  return static_cast<int>(std::find(order.begin(), order.end(), state) - order.begin());
}

Value row_of(const Value& result, const Value& m) {
  const Value* v = verdict_of(result, m);
  const std::string state = text(v, "state");
  const auto se = number(&m, "se"), low = number(&m, "ci95_lo"), high = number(&m, "ci95_hi");
  const Value* limit = v ? v->find("limit") : nullptr;
  const Value* bounds = limit && limit->find("applied") ? limit->find("applied") : limit ? limit->find("act") : nullptr;
  const std::string variant = text(&m, "variant"), verdict_flags = joined(list(v, "flags"), ", "),
                    own = joined(list(&m, "flags"), ", ", "ci_scope=within_scan");
  return object({{"name", text(&m, "name") + (variant.empty() ? "" : " [" + variant + "]")},
                 {"where", text(&m, "where")},
                 {"value", short_number(number(&m, "value").value_or(0), se)},
                 {"interval", low && high ? short_number(*low, se) + " .. " + short_number(*high, se) : "—"},
                 {"unit", text(&m, "unit")},
                 {"limit", bounds_text(bounds)},
                 {"state", state.empty() ? "no_limit" : state},
                 {"state_words", state.empty() ? "" : words(state)},
                 {"source", text(v, "source")},
                 {"flags", own + (own.empty() || verdict_flags.empty() ? "" : ", ") + verdict_flags}});
}

// Judged rows, the worst first; or those without a limit, in the order of the catalogue.
Value rows(const Value& result, bool judged) {
  std::vector<std::pair<int, Value>> sorted;
  for (const Value& m : list(&result, "measurements"))
    if (const std::string state = text(verdict_of(result, m), "state");
        (state.empty() || state == "no_limit") != judged)
      sorted.emplace_back(severity(text(verdict_of(result, m), "state")), row_of(result, m));
  for (const Value& v : list(&result, "verdicts"))
    if (judged && text(&v, "state") == "not_measured") {
      const Value* limit = v.find("limit");
      sorted.emplace_back(severity("not_measured"),
                          object({{"name", text(&v, "name")},
                                  {"where", text(&v, "where")},
                                  {"value", "—"},
                                  {"interval", "—"},
                                  {"unit", text(limit, "unit")},
                                  {"limit", bounds_text(limit ? limit->find("act") : nullptr)},
                                  {"state", "not_measured"},
                                  {"state_words", "NOT MEASURED"},
                                  {"source", text(&v, "source")},
                                  {"flags", ""}}));
    }
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  json::Array out;
  for (auto& [key, row] : sorted) out.push_back(row);
  return out;
}

std::string or_not_given(const std::string& value) { return value.empty() ? "not given" : value; }

Value identity(const Value& result) {
  const Value *context = result.find("context"), *phantom = result.find("phantom");
  const json::Array& scans = list(result.find("input"), "scans");
  const Value* tags = scans.empty() ? nullptr : scans.front().find("tags");
  json::Array out;
  const auto add = [&](const std::string& key, const std::string& value) {
    out.push_back(object({{"key", key}, {"value", or_not_given(value)}}));
  };
  add("Site", text(context, "site"));
  add("Room", text(context, "room"));
  add("Manufacturer", text(tags, "Manufacturer"));
  add("Model", text(tags, "ManufacturerModelName"));
  add("Device serial number", text(tags, "DeviceSerialNumber"));
  add("Scanner software", text(tags, "SoftwareVersions"));
  add("Test type", text(context, "test_type"));
  const std::string date = text(tags, "AcquisitionDate"), time = text(tags, "AcquisitionTime");
  add("Date and time of scan", date + (date.empty() || time.empty() ? "" : " ") + time);
  add("Phantom", text(phantom, "title"));
  add("Phantom serial number", text(context, "phantom_serial"));
  add("Operator", text(context, "operator"));
  add("Physicist", text(context, "physicist"));
  return out;
}

Value technique(const Value& result) {
  json::Array out;
  const json::Array& scans = list(result.find("input"), "scans");
  for (const Value& s : scans) {
    std::string matrix, spacing;
    for (const Value& n : list(&s, "matrix"))
      matrix += (matrix.empty() ? "" : " × ") + short_number(n.number().value_or(0));
    for (const Value& n : list(&s, "spacing_mm"))
      spacing += (spacing.empty() ? "" : " × ") + (n.number() ? short_number(*n.number()) : "unknown");
    const std::string role = text(&s, "role");
    out.push_back(object({{"key", "Scan" + (role.empty() ? "" : " (" + role + ")")},
                          {"value", text(&s, "modality") + " " + text(&s, "id") + ", " + matrix + ", " + spacing +
                                        " mm, " + short_number(number(&s, "files").value_or(0)) + " file(s)"}}));
  }
  static const std::vector<std::pair<std::string, std::string>> tags{{"KVP", "Tube voltage (kV)"},
                                                                     {"XRayTubeCurrent", "Tube current (mA)"},
                                                                     {"Exposure", "Exposure (mAs)"},
                                                                     {"ExposureTime", "Exposure time (ms)"},
                                                                     {"CTDIvol", "CTDIvol (mGy)"},
                                                                     {"ConvolutionKernel", "Kernel"},
                                                                     {"SliceThickness", "Slice thickness (mm)"},
                                                                     {"ReconstructionDiameter", "Field of view (mm)"},
                                                                     {"SpiralPitchFactor", "Pitch"},
                                                                     {"MagneticFieldStrength", "Field strength (T)"},
                                                                     {"ReceiveCoilName", "Receive coil"},
                                                                     {"SequenceName", "Sequence"},
                                                                     {"ScanningSequence", "Scanning sequence"},
                                                                     {"RepetitionTime", "TR (ms)"},
                                                                     {"EchoTime", "TE (ms)"},
                                                                     {"InversionTime", "TI (ms)"},
                                                                     {"FlipAngle", "Flip angle (deg)"},
                                                                     {"PixelBandwidth", "Bandwidth (Hz/pixel)"},
                                                                     {"NumberOfAverages", "Averages"}};
  const Value* first = scans.empty() ? nullptr : scans.front().find("tags");
  for (const auto& [tag, label] : tags)
    if (const std::string value = text(first, tag); !value.empty())
      out.push_back(object({{"key", label}, {"value", plain_number(value)}}));
  return out;
}

Value notes(const Value& result) {
  json::Array out;
  const auto add = [&](const std::string& note) { out.push_back(object({{"text", note}})); };
  const Value* backend = result.find("backend");
  add("Computed on " + text(backend, "name") + " (" + text(backend, "device") + "). " + text(backend, "reason"));
  if (const Value* placement = result.find("phantom")->find("placement"); placement && placement->object()) {
    add("Phantom placed by " + text(placement, "method") + ", score " +
        short_number(number(result.find("phantom"), "score").value_or(0)) + ", fit rms " +
        short_number(number(placement, "fit_rms_mm").value_or(0)) + " mm" +
        (number(placement, "radius_mm")
             ? ", radius " + short_number(*number(placement, "radius_mm"), number(placement, "radius_se_mm")) + " mm"
             : "") +
        ".");
    if (const std::string flags = joined(list(placement, "flags"), ", "); !flags.empty())
      add("Placement: " + flags + ".");
  }
  for (const Value& s : list(result.find("input"), "scans"))
    if (const std::string flags = joined(list(&s, "flags"), ", "); !flags.empty())
      add("Scan " + text(&s, "id") + ": " + flags + ".");
  add("Intervals describe the noise within this scan; set-up and scanner drift are not in them.");
  return out;
}

std::string overall_sentence(const Value& result) {
  int counts[7] = {};
  for (const Value& v : list(&result, "verdicts")) ++counts[std::min(severity(text(&v, "state")), 6)];
  const std::string overall = text(&result, "overall");
  const auto n = [](int k) { return std::to_string(k); };
  if (overall == "pass")
    return "All " + n(counts[4] + counts[3]) + " limits that apply are met" +
           (counts[3] ? ", " + n(counts[3]) + " with a warning." : ".");
  if (overall == "fail")
    return n(counts[0]) + " limit(s) broken, " + n(counts[4] + counts[3]) + " met, " + n(counts[1]) + " undecided, " +
           n(counts[2]) + " not measured.";
  if (overall == "no_verdict" && counts[1] + counts[2] == 0)
    return "Limits were given, and none of them applies to this scan: no verdict.";
  if (overall == "no_verdict")
    return "No limit is shown to be broken, but " + n(counts[1]) + " are undecided and " + n(counts[2]) +
           " could not be measured: no verdict.";
  return "Measured without limits: nothing was judged.";
}

Value appendix(const Value& result) {
  json::Array out;
  const auto add_all = [&](const Value* map, const std::string& prefix) {
    if (map && map->object())
      for (const json::Member& m : *map->object())
        if (m.value.string()) out.push_back(object({{"key", prefix + m.key}, {"value", *m.value.string()}}));
  };
  add_all(result.find("software"), "software: ");
  add_all(result.find("input")->find("settings"), "setting: ");
  out.push_back(
      object({{"key", "phantom file SHA-256"}, {"value", or_not_given(text(result.find("phantom"), "sha256"))}}));
  for (const Value& f : list(&result, "limits"))
    out.push_back(object({{"key", "limits: " + text(&f, "name") + " (" + text(&f, "edition") + ")"},
                          {"value", text(&f, "source") + " — SHA-256 " + text(&f, "sha256")}}));
  for (const Value& s : list(result.find("input"), "scans"))
    for (const Value& hash : list(&s, "sha256"))
      if (hash.string()) out.push_back(object({{"key", "input file SHA-256"}, {"value", *hash.string()}}));
  return out;
}

// One curve of each kind and place: variants that differ by their conditioning stand in curves.csv.
bool worth_drawing(const std::string& name, const std::string& variant) {
  for (const char* other : {"hann", "monotone", "exp_tail", "2d_image_poly2", "2d_constant"})
    if (variant == other) return false;
  return name != "mtf" || (variant != "coltman" && variant != "droege_morin" && variant != "x" && variant != "y");
}

}  // namespace

std::string html_report(const Value& result, const std::vector<Picture>& pictures, const std::vector<Map>& maps) {
  Value page;
  const std::string overall = text(&result, "overall");
  page.set("report_id", sha256_hex(json::write(result, 0)).substr(0, 12));
  page.set("phantom_title", text(result.find("phantom"), "title"));
  page.set("version", text(result.find("software"), "version"));
  page.set("created", text(&result, "created_utc"));
  page.set("overall", overall);
  page.set("overall_words", overall == "no_limit" ? "NOT JUDGED" : words(overall));
  page.set("overall_sentence", overall_sentence(result));
  page.set("counts", std::to_string(list(&result, "measurements").size()) + " numbers, " +
                         std::to_string(list(&result, "not_measured").size()) + " not measured");
  page.set("identity", identity(result));
  page.set("technique", technique(result));
  const Value judged = rows(result, true), unjudged = rows(result, false);
  const auto present = [](const Value& v) { return !v.array()->empty(); };
  page.set("has_judged", present(judged));
  page.set("judged", judged);
  page.set("has_unjudged", present(unjudged));
  page.set("unjudged", unjudged);
  json::Array missing;
  for (const Value& n : list(&result, "not_measured"))
    missing.push_back(
        object({{"name", text(&n, "name")}, {"where", text(&n, "where")}, {"reason", text(&n, "reason")}}));
  page.set("has_missing", !(list(&result, "not_measured").empty()));
  page.set("missing", missing);
  json::Array shown;
  for (const Picture& p : pictures) {
    std::string legend;
    for (const Outline& o : p.outlines)
      if (o.number > 0) legend += (legend.empty() ? "" : ", ") + std::to_string(o.number) + " " + o.name;
    shown.push_back(object({{"title", p.title}, {"legend", legend}, {"data", base64(picture_png(p))}}));
  }
  for (const Map& m : maps)
    shown.push_back(object(
        {{"title", m.name + ", " + m.where}, {"legend", "local SD in " + m.unit}, {"data", base64(map_png(m))}}));
  page.set("has_pictures", !(pictures.empty() && maps.empty()));
  page.set("pictures", shown);
  json::Array plots;
  std::size_t drawn = 0;
  std::vector<const Value*> curves;
  for (const Value& c : list(&result, "curves"))
    if (worth_drawing(text(&c, "name"), text(&c, "variant"))) curves.push_back(&c);
  const std::vector<std::string> svgs = curve_svgs(curves);
  for (std::size_t k = 0; k < svgs.size(); ++k) {
    if (svgs[k].empty()) continue;
    const std::string variant = text(curves[k], "variant");
    plots.push_back(object({{"title", text(curves[k], "name") + (variant.empty() ? "" : " (" + variant + ")") + ", " +
                                          text(curves[k], "where")},
                            {"data", base64(svgs[k])}}));
    ++drawn;
  }
  page.set("has_plots", drawn > 0);
  page.set("plots", plots);
  if (drawn == 0 && !list(&result, "curves").empty())
    page.set("no_plots", "The curves are not drawn: gnuplot could not be run. Their points stand in curves.csv.");
  page.set("notes", notes(result));
  page.set("appendix", appendix(result));
  return render_page(report_template, page);
}

}  // namespace iqgate::report
