#pragma once
// H1, H2: the body of a phantom - a cylinder in any orientation, or a sphere - from sub-pixel points of its surface.
#include "iqgate/base/placement.hpp"
#include "iqgate/base/scan.hpp"
#include "iqgate/phantom/model.hpp"

namespace iqgate::locate {

/// Finds the model's body. Surface points are half-level crossings along rays, each against its own local levels
/// (shading), fitted robustly (Tukey weights: bubble, table, inserts). The placement carries standard errors from a
/// jackknife over groups of neighbouring points, and a score: the share of points on the fitted surface.
/// Throws InputError: phantom_not_found, wrong_phantom (another size), fov_truncated (too little of the rim seen).
/// A single slice cannot tell a tilt: the axis is then the slice normal, flag `axis_assumed`.
Placement locate_body(const Scan& scan, const phantom::Body& body);

}  // namespace iqgate::locate
