#pragma once
// A region of interest: the same value is measured, drawn and reported. Lengths in mm, frame given by who holds it.
#include <map>
#include <string>
#include <vector>

#include "iqgate/base/geometry.hpp"
#include "iqgate/base/json.hpp"

namespace iqgate {

enum class RegionShape { disc, cylinder, sphere, box, ellipse, polygon };

/// `kind` says what is inside (uniform, edge, wire, bead, insert, ball); `normal` is the axis of flat shapes and
/// cylinders, `in_plane` the direction of size_mm.x. A flat shape of length_mm 0 is the one slice nearest its centre.
struct Region {
  std::string name;
  std::string kind;
  RegionShape shape = RegionShape::disc;
  Vec3 center_mm;
  double radius_mm = 0;
  Vec3 size_mm;                 ///< full sizes along in_plane, normal x in_plane, normal (box; x, y for ellipse)
  std::vector<Vec3> points_mm;  ///< corners of a polygon
  Vec3 normal{0, 0, 1};
  Vec3 in_plane{1, 0, 0};
  double length_mm = 0;
  std::vector<std::string> metrics;       ///< empty: all that fit the kind
  std::map<std::string, double> nominal;  ///< known properties, unit in the key (diameter_mm, angle_deg, ct_number_hu)

  Vec3 second_axis() const { return cross(normal, in_plane); }
  /// Coordinates along in_plane, second axis and normal, from the centre.
  Vec3 local(Vec3 mm) const {
    const Vec3 d = mm - center_mm;
    return {dot(d, in_plane), dot(d, second_axis()), dot(d, normal)};
  }
};

/// Names are paths: "ctp404/rim/teflon" lies in the folder "ctp404/rim" (empty: none) of the part "ctp404", and its own
/// name is "teflon".
std::string folder_of(const std::string& name);
std::string part_of(const std::string& name);
std::string own_name(const std::string& name);

/// True if the point lies inside, for flat shapes without regard to the distance along the normal.
bool inside_cross_section(const Region& region, Vec3 mm);
/// Half the extent along the normal (0: one slice).
double half_length_mm(const Region& region);
/// The corners of the region's bounding box in the frame of the region.
std::vector<Vec3> corners_mm(const Region& region);

/// Reads one region object (see phantoms/README.md); consumes the keys it knows, leaves `done()` to the caller.
/// `suffix` is the unit of its lengths: _mm, or _body_radii (multiples of the radius of the located body).
Region read_region(json::Fields& fields, const std::string& suffix = "_mm");
json::Value region_json(const Region& region);

enum class RegionFrame { patient, volume };
struct RegionFile {
  RegionFrame frame = RegionFrame::patient;
  std::vector<Region> regions;
};
/// Reads an iqgate.roi/1 file; throws UsageError naming file and key.
RegionFile read_region_file(const std::string& path);
/// Regions of frame `volume` (mm along i, j, k from the middle) turned into patient mm.
std::vector<Region> to_patient(const RegionFile& file, const Grid& grid);
/// With x reversed: what is right-handed stays so, since the region's second axis follows from the others.
Region mirrored(Region region);
/// Turned and shifted: rotation then translation.
Region moved(Region region, const Mat3& rotation, Vec3 translation_mm);

}  // namespace iqgate
