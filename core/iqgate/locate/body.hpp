#pragma once
// H1, H2: the body of a phantom - a cylinder in any orientation, or a sphere - from sub-pixel points of its surface.
#include <optional>
#include <variant>

#include "iqgate/base/error.hpp"
#include "iqgate/base/placement.hpp"
#include "iqgate/base/scan.hpp"
#include "iqgate/locate/surface_points.hpp"
#include "iqgate/phantom/model.hpp"

namespace iqgate::locate {

/// A body of any size: its centre, axis and radius. `ends_known`: the centre along the axis too; else the heights of
/// the ends that are seen, above the centre.
struct FoundBody {
  Placement placement;
  std::optional<double> bottom_mm, top_mm;
  bool ends_known = false;
  bool both_ends() const { return placement.length_mm || (bottom_mm && top_mm); }
};

/// Finds a body of this kind. Surface points are half-level crossings along rays, each against its own local levels
/// (shading), fitted robustly (Tukey weights: bubble, table, inserts). The placement carries standard errors from a
/// jackknife over groups of neighbouring points, and a score: the share of points on the fitted surface.
/// Throws InputError: phantom_not_found, fov_truncated (too little of the rim seen).
/// A single slice cannot tell a tilt: the axis is then the slice normal, flag `axis_assumed`.
FoundBody find_body(const Scan& scan, const Surface& surface, phantom::BodyKind kind);

/// The found body as that of a model. Throws InputError wrong_phantom (another size).
Placement as_body(const Scan& scan, const FoundBody& found, const phantom::Body& body);

/// Both at once.
Placement locate_body(const Scan& scan, const phantom::Body& body);

/// The bodies of one scan, each kind looked for once, for phantoms that are tried in turn. Not for several threads.
class BodyFinder {
 public:
  explicit BodyFinder(const Scan& scan) : scan_(scan) {}
  /// Throws what find_body throws.
  const FoundBody& find(phantom::BodyKind kind);

 private:
  const Scan& scan_;
  std::optional<Surface> surface_;
  std::variant<std::monostate, FoundBody, InputError> cylinder_, sphere_;
};

}  // namespace iqgate::locate
