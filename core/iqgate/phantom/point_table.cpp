// A phantom of balls at known places as a table: a distortion phantom as its maker or a site lists it.
#include <array>
#include <cmath>
#include <set>
#include <sstream>

#include "iqgate/base/error.hpp"
#include "iqgate/base/sha256.hpp"
#include "iqgate/phantom/csv.hpp"
#include "iqgate/phantom/model.hpp"

namespace iqgate::phantom {
namespace {

constexpr std::size_t most_rows = 5000, least_rows = 12;

[[noreturn]] void refuse(const std::string& path, std::size_t line, const std::string& why) {
  throw UsageError("wrong_table", path + ", line " + std::to_string(line), why,
                   "write the header id,x_mm,y_mm,z_mm,diameter_mm and a row for each ball");
}

}  // namespace

Model read_point_table(const std::string& path) {
  const std::string text = table_text(path);
  if (text.size() > most_table_bytes) refuse(path, 1, "the table is larger than 1 MiB");
  Model model;
  model.digest = sha256_hex(text);
  model.name = stem_of(path);
  model.title = "Balls by table: " + model.name;
  model.source = "the site's own table";
  model.modalities = {"MR"};
  model.background = "surroundings";
  model.body.kind = BodyKind::points;
  model.materials = {{"surroundings", "table", {{"mr_signal", 0}}}, {"ball", "table", {{"mr_signal", 1000}}}};
  Shape room;  // so that the balls lie in something
  room.name = "room";
  room.material = "surroundings";
  room.inside = "background";
  room.kind = ShapeKind::sphere;
  room.radius_mm = 1;
  std::set<std::string> names;
  std::istringstream lines(text);
  lines.exceptions(std::ios::badbit);  // memory that is refused is no end of the text
  std::size_t number = 0;
  bool header = false;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.empty() || line == "\r" || line.front() == '#') continue;
    const std::vector<std::string> cells = cells_of(line);
    if (!header) {
      if (cells != std::vector<std::string>{"id", "x_mm", "y_mm", "z_mm", "diameter_mm"})
        refuse(path, number, "is not the header");
      header = true;
      continue;
    }
    if (cells.size() != 5) refuse(path, number, "holds " + std::to_string(cells.size()) + " cells, not 5");
    if (cells[0].empty() || cells[0].size() > 60 || !plain_name(cells[0]) || !names.insert(cells[0]).second)
      refuse(path, number, "needs an id of its own: 1 to 60 letters, digits, _ or -");
    std::array<double, 4> v{};
    for (std::size_t k = 0; k < 4; ++k) {
      const auto value = cell_number(cells[k + 1]);
      if (!value) refuse(path, number, "\"" + cells[k + 1] + "\" is not a number");
      v[k] = *value;
    }
    if (!(v[3] > 0 && v[3] < 200)) refuse(path, number, "the diameter must lie between 0 and 200 mm");
    if (model.features.size() == most_rows) refuse(path, number, "there are more than 5000 rows");
    Shape ball;
    ball.name = cells[0];
    ball.material = "ball";
    ball.inside = "room";
    ball.kind = ShapeKind::sphere;
    ball.center_mm = {v[0], v[1], v[2]};
    ball.radius_mm = 0.5 * v[3];
    for (const Feature& other : model.features)
      if (norm(other.region.center_mm - ball.center_mm) < other.region.radius_mm + ball.radius_mm)
        refuse(path, number, "ball " + cells[0] + " lies in ball " + other.region.name);
    room.radius_mm = std::max(room.radius_mm, norm(ball.center_mm) + v[3]);
    Feature feature;
    feature.region.name = cells[0];
    feature.region.kind = "control_point";
    feature.region.shape = RegionShape::sphere;
    feature.region.center_mm = ball.center_mm;
    feature.region.radius_mm = ball.radius_mm;
    model.shapes.push_back(std::move(ball));
    model.features.push_back(std::move(feature));
  }
  if (model.features.size() < least_rows) refuse(path, number, "names fewer than 12 balls");
  model.shapes.insert(model.shapes.begin(), room);
  return model;
}

}  // namespace iqgate::phantom
