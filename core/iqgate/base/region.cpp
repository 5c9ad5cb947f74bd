#include "iqgate/base/region.hpp"

#include <array>

namespace iqgate {
namespace {

constexpr std::array<std::pair<const char*, RegionShape>, 6> shape_names{{{"disc", RegionShape::disc},
                                                                          {"cylinder", RegionShape::cylinder},
                                                                          {"sphere", RegionShape::sphere},
                                                                          {"box", RegionShape::box},
                                                                          {"ellipse", RegionShape::ellipse},
                                                                          {"polygon", RegionShape::polygon}}};

bool inside_polygon(const Region& region, Vec3 mm) {
  const Vec3 p = region.local(mm);
  bool inside = false;
  const std::size_t n = region.points_mm.size();
  for (std::size_t a = 0, b = n - 1; a < n; b = a++) {
    const Vec3 pa = region.local(region.points_mm[a]), pb = region.local(region.points_mm[b]);
    if ((pa.y > p.y) != (pb.y > p.y) && p.x < (pb.x - pa.x) * (p.y - pa.y) / (pb.y - pa.y) + pa.x) inside = !inside;
  }
  return inside;
}

void check_positive(json::Fields& fields, std::string_view key, double value) {
  if (!(value > 0) || !(value < 1e5)) fields.fail(key, "out_of_range", "must be greater than 0 and below 100000 mm");
}

// Two sides of a polygon that are no neighbours meet: what is inside would be a matter of definition.
bool crosses_itself(const Region& region) {
  const std::size_t n = region.points_mm.size();
  std::vector<Vec3> p;
  for (const Vec3 point : region.points_mm) p.push_back(region.local(point));
  const auto turn = [&](std::size_t a, std::size_t b, std::size_t c) {
    return (p[b].x - p[a].x) * (p[c].y - p[a].y) - (p[b].y - p[a].y) * (p[c].x - p[a].x);
  };
  for (std::size_t a = 0; a < n; ++a)
    for (std::size_t c = a + 2; c < n; ++c) {
      const std::size_t b = a + 1, d = (c + 1) % n;
      if (d == a) continue;
      if (turn(a, b, c) * turn(a, b, d) < 0 && turn(c, d, a) * turn(c, d, b) < 0) return true;
    }
  return false;
}

}  // namespace

std::string folder_of(const std::string& name) {
  const std::size_t slash = name.rfind('/');
  return slash == std::string::npos ? "" : name.substr(0, slash);
}
std::string part_of(const std::string& name) { return name.substr(0, name.find('/')); }
std::string own_name(const std::string& name) {
  const std::size_t slash = name.rfind('/');
  return slash == std::string::npos ? name : name.substr(slash + 1);
}

bool inside_cross_section(const Region& region, Vec3 mm) {
  const Vec3 p = region.local(mm);
  switch (region.shape) {
    case RegionShape::disc:
    case RegionShape::cylinder: return p.x * p.x + p.y * p.y <= region.radius_mm * region.radius_mm;
    case RegionShape::sphere: return dot(p, p) <= region.radius_mm * region.radius_mm;
    case RegionShape::box: return std::abs(p.x) <= 0.5 * region.size_mm.x && std::abs(p.y) <= 0.5 * region.size_mm.y;
    case RegionShape::ellipse: {
      const double ex = 2 * p.x / region.size_mm.x, ey = 2 * p.y / region.size_mm.y;
      return ex * ex + ey * ey <= 1;
    }
    case RegionShape::polygon: return inside_polygon(region, mm);
  }
  return false;
}

double half_length_mm(const Region& region) {
  if (region.shape == RegionShape::sphere) return region.radius_mm;
  if (region.shape == RegionShape::box && region.size_mm.z > 0) return 0.5 * region.size_mm.z;
  return 0.5 * region.length_mm;
}

std::vector<Vec3> corners_mm(const Region& region) {
  Vec3 low, high;
  const double half = half_length_mm(region);
  if (region.shape == RegionShape::polygon) {
    low = {1e300, 1e300, -half};
    high = {-1e300, -1e300, half};
    for (const Vec3 point : region.points_mm) {
      const Vec3 p = region.local(point);
      low = {std::min(low.x, p.x), std::min(low.y, p.y), low.z};
      high = {std::max(high.x, p.x), std::max(high.y, p.y), high.z};
    }
  } else {
    const bool round = region.shape == RegionShape::disc || region.shape == RegionShape::cylinder ||
                       region.shape == RegionShape::sphere;
    high = round ? Vec3{region.radius_mm, region.radius_mm, half}
                 : Vec3{0.5 * region.size_mm.x, 0.5 * region.size_mm.y, half};
    low = -1.0 * high;
  }
  std::vector<Vec3> corners;
  for (int corner = 0; corner < 8; ++corner) {
    const Vec3 p{corner & 1 ? high.x : low.x, corner & 2 ? high.y : low.y, corner & 4 ? high.z : low.z};
    corners.push_back(region.center_mm + p.x * region.in_plane + p.y * region.second_axis() + p.z * region.normal);
  }
  return corners;
}

Region read_region(json::Fields& fields, const std::string& suffix) {
  const std::string center_key = "center" + suffix, radius_key = "radius" + suffix, size_key = "size" + suffix,
                    length_key = "length" + suffix, points_key = "points" + suffix;
  Region region;
  region.name = fields.text("name");
  region.kind = fields.text("kind");
  const std::string shape = fields.text("shape");
  bool known = false;
  for (const auto& [name, value] : shape_names)
    if (shape == name) {
      region.shape = value;
      known = true;
    }
  if (!known) fields.fail("shape", "unknown_value", "is none of disc, cylinder, sphere, box, ellipse, polygon");
  if (fields.has("normal")) {
    region.normal = fields.vec3("normal");
    if (!(norm(region.normal) > 1e-9)) fields.fail("normal", "out_of_range", "must not be zero");
    region.normal = normalised(region.normal);
    region.in_plane = any_perpendicular(region.normal);
  }
  if (fields.has("in_plane")) {
    const Vec3 wanted = fields.vec3("in_plane");
    const Vec3 flat = wanted - dot(wanted, region.normal) * region.normal;
    if (!(norm(flat) > 1e-6)) fields.fail("in_plane", "out_of_range", "must not be parallel to the normal");
    region.in_plane = normalised(flat);
  }
  if (region.shape == RegionShape::polygon) {
    for (const json::Value& point : *[&] {
           const json::Array* list = fields.value(points_key).array();
           if (!list || list->size() < 3 || list->size() > 1000)
             fields.fail(points_key, "wrong_type", "expected 3 to 1000 points");
           return list;
         }()) {
      const json::Array* p = point.array();
      if (!p || p->size() != 3 || !(*p)[0].number() || !(*p)[1].number() || !(*p)[2].number())
        fields.fail(points_key, "wrong_type", "expected points of three numbers");
      region.points_mm.push_back({*(*p)[0].number(), *(*p)[1].number(), *(*p)[2].number()});
    }
    for (const Vec3 p : region.points_mm)
      region.center_mm = region.center_mm + (1.0 / double(region.points_mm.size())) * p;
  } else {
    region.center_mm = fields.vec3(center_key);
  }
  if (region.shape == RegionShape::box || region.shape == RegionShape::ellipse) {
    region.size_mm = fields.vec3(size_key);
    check_positive(fields, size_key, region.size_mm.x);
    check_positive(fields, size_key, region.size_mm.y);
    if (region.size_mm.z < 0) fields.fail(size_key, "out_of_range", "must not be negative");
  } else if (region.shape != RegionShape::polygon) {
    region.radius_mm = fields.number(radius_key);
    check_positive(fields, radius_key, region.radius_mm);
  }
  region.length_mm = fields.number_or(length_key, 0);
  if (region.length_mm < 0) fields.fail(length_key, "out_of_range", "must not be negative");
  if (fields.has("metrics")) region.metrics = fields.texts("metrics");
  if (crosses_itself(region)) fields.fail("points" + suffix, "self_intersecting", "the polygon crosses itself");
  return region;
}

json::Value region_json(const Region& region) {
  json::Value v;
  v.set("name", region.name);
  v.set("kind", region.kind);
  for (const auto& [name, value] : shape_names)
    if (value == region.shape) v.set("shape", name);
  v.set("center_mm", json::array_of(region.center_mm));
  if (region.shape == RegionShape::box || region.shape == RegionShape::ellipse)
    v.set("size_mm", json::array_of(region.size_mm));
  else if (region.shape == RegionShape::polygon) {
    json::Array points;
    for (const Vec3 p : region.points_mm) points.emplace_back(json::array_of(p));
    v.set("points_mm", std::move(points));
  } else {
    v.set("radius_mm", region.radius_mm);
  }
  v.set("normal", json::array_of(region.normal));
  v.set("in_plane", json::array_of(region.in_plane));
  v.set("length_mm", region.length_mm);
  return v;
}

RegionFile read_region_file(const std::string& path) {
  const json::Value document = json::parse_file(path, ErrorKind::usage);
  json::Fields fields(document, path, "", ErrorKind::usage);
  if (fields.text("schema") != "iqgate.roi/1") fields.fail("schema", "unknown_value", "must be iqgate.roi/1");
  RegionFile file;
  const std::string frame = fields.text_or("frame", "patient");
  if (frame != "patient" && frame != "volume") fields.fail("frame", "unknown_value", "must be patient or volume");
  file.frame = frame == "volume" ? RegionFrame::volume : RegionFrame::patient;
  for (json::Fields& entry : fields.objects("regions")) {
    file.regions.push_back(read_region(entry));
    if (entry.has("nominal")) {
      json::Fields nominal = entry.object("nominal");
      for (const json::Member& member : *entry.value("nominal").object())
        file.regions.back().nominal[member.key] = nominal.number(member.key);
    }
    entry.done();
  }
  fields.done();
  for (std::size_t a = 0; a < file.regions.size(); ++a)
    for (std::size_t b = 0; b < a; ++b)
      if (file.regions[a].name == file.regions[b].name)
        fields.fail("regions", "duplicate", "two regions are named \"" + file.regions[a].name + "\"");
  return file;
}

Region mirrored(Region region) {
  const auto reverse = [](Vec3 v) { return Vec3{-v.x, v.y, v.z}; };
  region.center_mm = reverse(region.center_mm);
  for (Vec3& p : region.points_mm) p = reverse(p);
  region.normal = reverse(region.normal);
  region.in_plane = reverse(region.in_plane);
  return region;
}

Region moved(Region region, const Mat3& rotation, Vec3 translation_mm) {
  region.center_mm = rotation * region.center_mm + translation_mm;
  for (Vec3& p : region.points_mm) p = rotation * p + translation_mm;
  region.normal = rotation * region.normal;
  region.in_plane = rotation * region.in_plane;
  return region;
}

std::vector<Region> to_patient(const RegionFile& file, const Grid& grid) {
  std::vector<Region> regions = file.regions;
  if (file.frame == RegionFrame::volume)
    for (Region& region : regions) region = moved(region, grid.direction, grid.middle_mm());
  return regions;
}

}  // namespace iqgate
