#include "iqgate/phantom/model.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <sstream>

#include "iqgate/base/json.hpp"
#include "iqgate/base/sha256.hpp"
#include "iqgate/phantom/csv.hpp"

namespace iqgate::phantom {
namespace {

std::map<std::string, double> number_map(json::Fields fields, const json::Value& object) {
  std::map<std::string, double> values;
  for (const json::Member& member : *object.object()) values[member.key] = fields.number(member.key);
  return values;
}

Material read_material(json::Fields& fields) {
  Material m;
  m.name = fields.text("name");
  m.source = fields.text("source");
  for (const char* key : {"ct_number_hu", "mr_signal", "activity_bq_ml"})
    if (fields.has(key)) m.values[key] = fields.number(key);
  fields.done();
  return m;
}

double positive(json::Fields& fields, const char* key) {
  const double value = fields.number(key);
  if (!(value > 0) || value > 1e4) fields.fail(key, "out_of_range", "must be greater than 0 and at most 10000 mm");
  return value;
}

// 0 or absent: endless, or not known.
double length(json::Fields& fields, const char* key) {
  const double value = fields.number_or(key, 0);
  if (!(value >= 0) || value > 1e4) fields.fail(key, "out_of_range", "must be from 0 to 10000 mm");
  return value;
}

Vec3 unit(json::Fields& fields, const char* key, Vec3 fallback) {
  if (!fields.has(key)) return fallback;
  const Vec3 v = fields.vec3(key);
  if (!(norm(v) > 1e-9)) fields.fail(key, "out_of_range", "must not be zero");
  return normalised(v);
}

// "repeat": copies of a shape, each moved by shift_mm from the one before and (a box) larger by grow_mm.
constexpr std::size_t most_shapes = 20000;

struct Repeat {
  int count = 1;
  Vec3 shift_mm, grow_mm;
};

Repeat read_repeat(json::Fields fields) {
  Repeat r;
  const double count = fields.number("count");
  if (!(count >= 1 && count <= 1000 && count == std::floor(count)))
    fields.fail("count", "out_of_range", "must be a whole number from 1 to 1000");
  r.count = static_cast<int>(count);
  r.shift_mm = fields.vec3("shift_mm");
  if (fields.has("grow_mm")) r.grow_mm = fields.vec3("grow_mm");
  if (!(norm(r.shift_mm) <= 1e3) || !(norm(r.grow_mm) <= 1e3))
    fields.fail("shift_mm", "out_of_range", "must be at most 1000 mm, as grow_mm");
  fields.done();
  return r;
}

void add_repeats(const Shape& first, const Repeat& repeat, std::vector<Shape>& shapes) {
  for (int k = 0; k < repeat.count; ++k) {
    Shape s = first;
    if (repeat.count > 1) s.name += "_" + std::to_string(k + 1);
    s.center_mm = s.center_mm + double(k) * repeat.shift_mm;
    if (s.kind == ShapeKind::box) s.size_mm = s.size_mm + double(k) * repeat.grow_mm;
    shapes.push_back(std::move(s));
  }
}

Shape read_shape(json::Fields& fields, Repeat& repeat) {
  Shape s;
  s.name = fields.text("name");
  s.material = fields.text("material");
  s.inside = fields.text_or("inside", "background");
  const std::string kind = fields.text("kind");
  s.center_mm = fields.has("center_mm") ? fields.vec3("center_mm") : Vec3{};
  if (!(norm(s.center_mm) <= 1e4)) fields.fail("center_mm", "out_of_range", "must lie within 10000 mm of the origin");
  s.axis = unit(fields, "axis", {0, 0, 1});
  s.in_plane = any_perpendicular(s.axis);
  if (kind == "cylinder") {
    s.kind = ShapeKind::cylinder;
    s.radius_mm = positive(fields, "radius_mm");
    s.length_mm = length(fields, "length_mm");
  } else if (kind == "sphere") {
    s.kind = ShapeKind::sphere;
    s.radius_mm = positive(fields, "radius_mm");
  } else if (kind == "box") {
    s.kind = ShapeKind::box;
    s.size_mm = fields.vec3("size_mm");
    for (int d = 0; d < 3; ++d)
      if (!(s.size_mm[d] > 0) || s.size_mm[d] > 1e4)
        fields.fail("size_mm", "out_of_range", "must be three sizes greater than 0 and at most 10000 mm");
    const Vec3 wanted = unit(fields, "in_plane", any_perpendicular(s.axis));
    const Vec3 flat = wanted - dot(wanted, s.axis) * s.axis;
    if (!(norm(flat) > 1e-6)) fields.fail("in_plane", "out_of_range", "must not be parallel to the axis");
    s.in_plane = normalised(flat);
  } else if (kind == "half_space") {
    s.kind = ShapeKind::half_space;
  } else {
    fields.fail("kind", "unknown_value", "is none of cylinder, sphere, box, half_space");
  }
  if (fields.has("repeat")) repeat = read_repeat(fields.object("repeat"));
  const Vec3 last = s.size_mm + double(repeat.count - 1) * repeat.grow_mm;
  if (s.kind == ShapeKind::box && !(std::min({last.x, last.y, last.z}) > 0))
    fields.fail("repeat", "out_of_range", "must leave every copy a size greater than 0");
  fields.done();
  return s;
}

Body read_body(json::Fields fields) {
  Body body;
  const std::string kind = fields.text("kind");
  if (kind == "none") {
    fields.done();
    return body;
  }
  if (kind == "points") {
    body.kind = BodyKind::points;
    fields.text("source");
    fields.done();
    return body;
  }
  if (kind != "cylinder" && kind != "sphere")
    fields.fail("kind", "unknown_value", "is none of cylinder, sphere, points, none");
  body.kind = kind == "sphere" ? BodyKind::sphere : BodyKind::cylinder;
  body.radius_mm = positive(fields, "radius_mm");
  body.radius_tolerance_mm = positive(fields, "radius_tolerance_mm");
  body.length_mm = length(fields, "length_mm");
  if (fields.has("radii_mm")) {
    body.radii_mm = fields.numbers("radii_mm");
    for (const double r : body.radii_mm)
      if (!(r > 0) || r > 1e4) fields.fail("radii_mm", "out_of_range", "must be greater than 0 and at most 10000 mm");
  }
  if (fields.has("turn")) {
    const std::string turn = fields.text("turn");
    if (turn != "by_inserts" && turn != "assumed")
      fields.fail("turn", "unknown_value", "is none of by_inserts, assumed");
    body.turn_assumed = turn == "assumed";
  }
  fields.text("source");
  fields.done();
  return body;
}

// By its first line that holds anything.
bool is_point_table(const std::string& path) {
  std::istringstream lines(table_text(path));
  lines.exceptions(std::ios::badbit);  // memory that is refused is no end of the text
  for (std::string line; std::getline(lines, line) && line.size() < 4096;)
    if (!line.empty() && line.front() != '#' && line != "\r") return line.rfind("id,", 0) == 0;
  return false;
}

Feature read_feature(json::Fields& fields) {
  Feature feature;
  feature.scaled = fields.has("radius_body_radii") || fields.has("size_body_radii");
  feature.region = read_region(fields, feature.scaled ? "_body_radii" : "_mm");
  if (fields.has("modalities")) feature.modalities = fields.texts("modalities");
  if (fields.has("nominal")) feature.region.nominal = number_map(fields.object("nominal"), fields.value("nominal"));
  fields.text("source");
  fields.done();
  return feature;
}

}  // namespace

const Material& Model::material(const std::string& wanted) const {
  for (const Material& m : materials)
    if (m.name == wanted) return m;
  throw std::logic_error("phantom " + name + " has no material " + wanted);
}

std::optional<double> Model::value_of(const std::string& material_name, const std::string& quantity) const {
  const auto& values = material(material_name).values;
  const auto found = values.find(quantity);
  return found == values.end() ? std::nullopt : std::optional<double>(found->second);
}

std::optional<double> Model::contrast_of(const Shape& shape, const std::string& quantity) const {
  const auto around =
      std::find_if(shapes.begin(), shapes.end(), [&](const Shape& s) { return s.name == shape.inside; });
  const auto own = value_of(shape.material, quantity),
             outside = value_of(around == shapes.end() ? background : around->material, quantity);
  return own && outside ? std::optional<double>(*own - *outside) : std::nullopt;
}

Model read_model(const std::string& path) {
  if (path.ends_with(".csv")) return is_point_table(path) ? read_point_table(path) : read_insert_table(path);
  const json::Value document = json::parse_file(path, ErrorKind::usage);
  json::Fields fields(document, path, "", ErrorKind::usage);
  if (fields.text("schema") != "iqgate.phantom/1") fields.fail("schema", "unknown_value", "must be iqgate.phantom/1");
  Model model;
  model.name = fields.text("name");
  model.title = fields.text("title");
  model.source = fields.text("source");
  model.modalities = fields.texts("modalities");
  if (model.modalities.empty()) fields.fail("modalities", "wrong_value", "must name at least one modality");
  model.background = fields.text("background");
  model.limits = fields.text_or("limits", "");
  model.body = read_body(fields.object("body"));
  for (json::Fields& entry : fields.objects("materials")) model.materials.push_back(read_material(entry));
  for (json::Fields& entry : fields.objects("shapes")) {
    Repeat repeat;
    const Shape first = read_shape(entry, repeat);
    add_repeats(first, repeat, model.shapes);
    if (model.shapes.size() > most_shapes)
      fields.fail("shapes", "out_of_range", "are more than " + std::to_string(most_shapes) + ", repeats counted");
  }
  for (json::Fields& entry : fields.objects("features")) model.features.push_back(read_feature(entry));
  fields.done();
  const auto has_material = [&](const std::string& name) {
    return std::any_of(model.materials.begin(), model.materials.end(),
                       [&](const Material& m) { return m.name == name; });
  };
  if (!has_material(model.background)) fields.fail("background", "unknown_value", "is not one of the materials");
  for (std::size_t k = 0; k < model.shapes.size(); ++k) {
    const Shape& s = model.shapes[k];
    if (!has_material(s.material))
      fields.fail("shapes", "unknown_value", "shape " + s.name + " is of an unknown material");
    const auto earlier = model.shapes.begin() + static_cast<std::ptrdiff_t>(k);
    if (s.inside != "background" &&
        std::none_of(model.shapes.begin(), earlier, [&](const Shape& o) { return o.name == s.inside; }))
      fields.fail("shapes", "unknown_value", "shape " + s.name + " lies inside a shape that does not stand before it");
  }
  model.digest = sha256_file(path);
  return model;
}

namespace {

constexpr double end_margin_mm = 3;  // blur, and an end that is not flat

// A region as long as was scanned ends where the body does, of which both ends were seen.
void end_with_the_body(Region& region, const Placement& placement) {
  const Vec3 axis = placement.rotation.column(2);
  if (placement.method != "cylinder_fit" || !placement.length_mm || !(region.length_mm > 0) ||
      std::abs(dot(region.normal, axis)) < 0.99)
    return;
  const double half = 0.5 * *placement.length_mm - end_margin_mm,
               middle = dot(region.center_mm - placement.translation_mm, axis);
  const double low = std::max(-half, middle - 0.5 * region.length_mm),
               high = std::min(half, middle + 0.5 * region.length_mm);
  if (!(high > low) || high - low >= region.length_mm) return;
  region.center_mm = region.center_mm + (0.5 * (low + high) - middle) * axis;
  region.length_mm = high - low;
}

}  // namespace

std::vector<Region> place_features(const Model& model, const Placement& placement, const std::string& modality) {
  std::vector<Region> placed;
  for (const Feature& feature : model.features) {
    if (!feature.modalities.empty() && !modality.empty() &&
        std::find(feature.modalities.begin(), feature.modalities.end(), modality) == feature.modalities.end())
      continue;
    Region region = feature.region;
    if (feature.scaled) {
      const double scale = placement.radius_mm.value_or(model.body.radius_mm);
      region.center_mm = scale * region.center_mm;
      region.radius_mm *= scale;
      region.size_mm = scale * region.size_mm;
      region.length_mm *= scale;
      for (Vec3& p : region.points_mm) p = scale * p;
    }
    if (placement.mirrored) region = mirrored(std::move(region));
    placed.push_back(moved(std::move(region), placement.rotation, placement.translation_mm));
    end_with_the_body(placed.back(), placement);
  }
  return placed;
}

}  // namespace iqgate::phantom
