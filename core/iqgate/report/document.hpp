#pragma once
// A result document: everything of one job, as values; and its JSON (schema iqgate.result/1).
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "iqgate/base/json.hpp"
#include "iqgate/base/placement.hpp"
#include "iqgate/base/result.hpp"
#include "iqgate/judge/limits.hpp"

namespace iqgate::report {

struct ScanRecord {
  std::string id, role, modality, value_unit;
  Grid grid;
  bool slice_spacing_known = true;
  std::size_t files = 0, frames = 0;
  std::vector<std::string> sha256, flags;
  std::map<std::string, std::string> tags;
};

/// A slice as the report shows it: grey values and the outlines drawn on it (in pixels).
struct Outline {
  int number = 0;  ///< 0: the fitted body, -1: a part of the fitted phantom; neither is numbered
  std::string name;
  std::vector<std::pair<double, double>> points;
};
struct Picture {
  std::string title;
  std::size_t width = 0, height = 0;
  double spacing_x_mm = 1, spacing_y_mm = 1;
  std::vector<float> values;
  double window_low = 0, window_high = 1;
  std::string unit;
  std::vector<Outline> outlines;
};

struct Document {
  std::map<std::string, std::string> software;
  std::vector<ScanRecord> scans;
  std::string phantom_name, phantom_title, phantom_source, phantom_digest;
  std::optional<Placement> placement;
  std::string backend, device, backend_reason;
  std::map<std::string, std::string> settings;
  std::map<std::string, std::string> context;
  Results results;
  judge::Judgement judgement;
  std::vector<judge::LimitsFile> limits;
  std::vector<Picture> pictures;
  std::string created_utc;  ///< the only clock in it; outside the measurement block
  std::map<std::string, std::string> files;
};

/// The contract's document. Numbers that are unknown are null, never zero.
json::Value document_json(const Document& document);

}  // namespace iqgate::report
