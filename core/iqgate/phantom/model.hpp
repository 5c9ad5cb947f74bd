#pragma once
// A phantom as data: materials, shapes (what is drawn), features (what is measured) and the body that is located.
// Frame: phantom mm, the origin at the body's centre, z along its axis.
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "iqgate/base/placement.hpp"
#include "iqgate/base/region.hpp"

namespace iqgate::phantom {

struct Material {
  std::string name, source;
  std::map<std::string, double> values;  ///< ct_number_hu, mr_signal, activity_bq_ml
};

enum class ShapeKind { cylinder, sphere, box, half_space };

/// A homogeneous shape of `material` that lies wholly inside the shape `inside` (or the background).
struct Shape {
  std::string name, material, inside;
  ShapeKind kind = ShapeKind::cylinder;
  Vec3 center_mm;
  double radius_mm = 0, length_mm = 0;  ///< length 0: endless
  Vec3 size_mm;
  Vec3 axis{0, 0, 1};      ///< cylinder axis, box third axis, outward normal of a half space
  Vec3 in_plane{1, 0, 0};  ///< box first axis
};

/// points: no body is looked for, but the many small balls inside.
enum class BodyKind { cylinder, sphere, points, none };

/// What the localiser looks for. Without a nominal radius any radius inside the range is taken and reported.
struct Body {
  BodyKind kind = BodyKind::none;
  double radius_mm = 0, radius_tolerance_mm = 0;
  double length_mm = 0;            ///< 0: not known
  std::vector<double> radii_mm{};  ///< of a phantom in steps: the located section may have any of these
  bool turn_assumed = false;       ///< its inserts are too faint to tell how it is turned
};

/// A region to measure; when `scaled`, its lengths are multiples of the located body radius.
struct Feature {
  Region region;
  bool scaled = false;
  std::vector<std::string> modalities;  ///< empty: all
};

struct Model {
  std::string name, title, source, digest;
  std::vector<std::string> modalities;
  std::string background;  ///< material around the phantom
  Body body;
  std::vector<Material> materials;
  std::vector<Shape> shapes;
  std::vector<Feature> features;
  std::string limits;  ///< name of the limits file it is judged by, may be empty

  const Material& material(const std::string& wanted) const;
  /// What a material holds of a quantity, and a shape above what it lies inside; none where the file does not tell.
  std::optional<double> value_of(const std::string& material_name, const std::string& quantity) const;
  std::optional<double> contrast_of(const Shape& shape, const std::string& quantity) const;
};

/// Reads an iqgate.phantom/1 file, or a table of inserts or of balls (name ends in .csv); throws UsageError that names
/// file and key (unknown keys included).
Model read_model(const std::string& path);

/// A phantom of balls at known places from a CSV table: id, x_mm, y_mm, z_mm, diameter_mm. Throws UsageError that names
/// the line.
Model read_point_table(const std::string& path);

/// A phantom of round inserts from a CSV table: name, x_mm, y_mm, z_mm, diameter_mm, length_mm, ct_number_hu; one row
/// is named body. Throws UsageError that names the line.
Model read_insert_table(const std::string& path);

/// The features for one modality in patient mm, scaled ones by the located radius. Where both ends of a cylinder were
/// seen, a region along it that is longer ends 3 mm before them: air is no part of a phantom.
std::vector<Region> place_features(const Model& model, const Placement& placement, const std::string& modality);

}  // namespace iqgate::phantom
