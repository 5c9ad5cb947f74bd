#include "iqgate/report/html_sections.hpp"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstdlib>

#include "iqgate/base/text_number.hpp"
#include "iqgate/report/plot.hpp"
#include "iqgate/report/tables.hpp"

namespace iqgate::report {

using json::list_at;
using json::number_at;
using json::text_at;
using json::Value;

namespace {

// 56.835799999999999, as some scanners write 56.8358; anything else as it is.
std::string plain_number(const std::string& text) {
  const auto value = number_from_text(text);
  if (text.size() < 10 || !value) return text;
  char shorter[32];
  std::snprintf(shorter, sizeof shorter, "%.7g", *value);
  return shorter;
}

// One curve of each kind and place: variants that differ by their conditioning stand in curves.csv.
bool worth_drawing(const std::string& name, const std::string& variant) {
  for (const char* other : {"hann", "monotone", "exp_tail", "2d_image_poly2", "2d_constant", "2d_poly2_middle"})
    if (variant == other) return false;
  return name != "mtf" || (variant != "coltman" && variant != "droege_morin" && variant != "x" && variant != "y");
}

}  // namespace

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

std::string or_not_given(const std::string& value) { return value.empty() ? "not given" : value; }

Value identity(const Value& result) {
  const Value *context = result.find("context"), *phantom = result.find("phantom");
  const json::Array& scans = list_at(result.find("input"), "scans");
  const Value* tags = scans.empty() ? nullptr : scans.front().find("tags");
  json::Array out;
  const auto add = [&](const std::string& key, const std::string& value) {
    out.push_back(object({{"key", key}, {"value", or_not_given(value)}}));
  };
  add("Site", text_at(context, "site"));
  add("Room", text_at(context, "room"));
  add("Manufacturer", text_at(tags, "Manufacturer"));
  add("Model", text_at(tags, "ManufacturerModelName"));
  add("Device serial number", text_at(tags, "DeviceSerialNumber"));
  add("Scanner software", text_at(tags, "SoftwareVersions"));
  add("Test type", text_at(context, "test_type"));
  const std::string date = text_at(tags, "AcquisitionDate"), time = text_at(tags, "AcquisitionTime");
  add("Date and time of scan", date + (date.empty() || time.empty() ? "" : " ") + time);
  add("Phantom", text_at(phantom, "title"));
  add("Phantom serial number", text_at(context, "phantom_serial"));
  add("Operator", text_at(context, "operator"));
  add("Physicist", text_at(context, "physicist"));
  return out;
}

Value technique(const Value& result) {
  json::Array out;
  const json::Array& scans = list_at(result.find("input"), "scans");
  for (const Value& s : scans) {
    std::string matrix, spacing;
    for (const Value& n : list_at(&s, "matrix"))
      matrix += (matrix.empty() ? "" : " × ") + short_number(n.number().value_or(0));
    for (const Value& n : list_at(&s, "spacing_mm"))
      spacing += (spacing.empty() ? "" : " × ") + (n.number() ? short_number(*n.number()) : "unknown");
    const std::string role = text_at(&s, "role");
    out.push_back(object({{"key", "Scan" + (role.empty() ? "" : " (" + role + ")")},
                          {"value", text_at(&s, "modality") + " " + text_at(&s, "id") + ", " + matrix + ", " + spacing +
                                        " mm, " + short_number(number_at(&s, "files").value_or(0)) + " file(s)"}}));
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
    if (const std::string value = text_at(first, tag); !value.empty())
      out.push_back(object({{"key", label}, {"value", plain_number(value)}}));
  return out;
}

json::Array picture_figures(const std::vector<Picture>& pictures, const std::vector<Map>& maps) {
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
  return shown;
}

json::Array curve_figures(const Value& result) {
  json::Array plots;
  std::vector<const Value*> curves;
  for (const Value& c : list_at(&result, "curves"))
    if (worth_drawing(text_at(&c, "name"), text_at(&c, "variant"))) curves.push_back(&c);
  const std::vector<std::string> svgs = curve_svgs(curves);
  for (std::size_t k = 0; k < svgs.size(); ++k) {
    if (svgs[k].empty()) continue;
    const std::string variant = text_at(curves[k], "variant");
    plots.push_back(object({{"title", text_at(curves[k], "name") + (variant.empty() ? "" : " (" + variant + ")") +
                                          ", " + text_at(curves[k], "where")},
                            {"data", base64(svgs[k])}}));
  }
  return plots;
}

}  // namespace iqgate::report
