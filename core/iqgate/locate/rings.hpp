#pragma once
// Values on rings about the axis of a body, in planes across it: what a model draws, and what a scan shows.
#include <complex>
#include <numbers>
#include <string>
#include <vector>

#include "iqgate/base/placement.hpp"
#include "iqgate/base/scan.hpp"
#include "iqgate/phantom/model.hpp"

namespace iqgate::locate {

inline constexpr int angles = 120, harmonics = 45;
inline constexpr double plane_step_mm = 2;

/// [plane][ring][angle], relative to the level of the body and its contrast, clipped at 30 % of that; their transform
/// around each ring; and per plane the variation around its rings, weighted by radius.
struct Rings {
  std::vector<double> z_mm, radius_mm;
  std::vector<float> values;
  std::vector<std::complex<float>> spectrum;  ///< [plane][ring][harmonic]
  std::vector<double> square;
  double contrast = 1;

  float* row(std::size_t plane, std::size_t ring) { return values.data() + (plane * radius_mm.size() + ring) * angles; }
};

/// Rings of the model, its edges blurred by 2 mm, without wires and beads.
Rings model_rings(const phantom::Model& model, const std::string& modality, double last_radius_mm);

/// Rings of the scan about the axis of a placed body, blurred about as much; planes that the body does not fill, and
/// those that the scan does not hold nearly whole, are left out.
Rings scan_rings(const Scan& scan, const Placement& body, const std::vector<double>& radii);

/// Noise of a plane as its share of `square`, from steps between near planes.
double noise_power(const Rings& rings);

/// The quantity of a material that a scan of this modality shows.
std::string quantity_of(const std::string& modality);

/// How much the first shape, the body, stands out from the background.
double body_contrast(const phantom::Model& model, const std::string& quantity);

/// The scan's modality, or where its format does not tell, the first that the model is made for.
std::string modality_of(const Scan& scan, const phantom::Model& model);

/// True when the model holds inserts that tell how it is turned.
bool has_signature(const phantom::Model& model, const std::string& modality);

}  // namespace iqgate::locate
