#pragma once
#include <string>
#include <vector>

#include "iqgate/compute/render.hpp"

namespace iqgate::pipeline {

/// What a metric must give on a rendered phantom, from the phantom's own parameters in closed form.
struct Truth {
  std::string name, variant, where;
  double value = 0;
  std::string unit;
  double tolerance = 0;  ///< systematic error that the definition allows (relative), without noise
  std::string formula;
};

/// HU, Bq/mL or 1: what a rendered scan of this modality holds.
std::string value_unit_of(const std::string& modality);

/// Truths of every feature of the phantom for this rendering; regions as they are placed by the true pose.
std::vector<Truth> truths(const phantom::Model& model, const compute::RenderJob& job, const std::string& modality);

/// Those of the metrics of whole CT phantoms, for placed regions and the values at their middles.
void add_ct_truths(const phantom::Model& model, const compute::RenderJob& job, const std::vector<Region>& regions,
                   const std::vector<double>& values, std::vector<Truth>& list);

/// Those of MR phantoms.
void add_mr_truths(const phantom::Model& model, const compute::RenderJob& job, const std::vector<Region>& regions,
                   const std::vector<double>& values, std::vector<Truth>& list);

/// truth.json of a rendered phantom: pose, blur, noise and the truths.
std::string truth_json(const phantom::Model& model, const compute::RenderJob& job, const std::string& modality);

}  // namespace iqgate::pipeline
