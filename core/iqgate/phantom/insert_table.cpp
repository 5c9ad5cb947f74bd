// A phantom of round inserts as a table: what a site knows of its own object, without a phantom file.
#include <array>
#include <cmath>
#include <sstream>

#include "iqgate/base/error.hpp"
#include "iqgate/base/sha256.hpp"
#include "iqgate/phantom/csv.hpp"
#include "iqgate/phantom/model.hpp"

namespace iqgate::phantom {
namespace {

constexpr std::array<const char*, 7> columns{"name",        "x_mm",      "y_mm",        "z_mm",
                                             "diameter_mm", "length_mm", "ct_number_hu"};
constexpr std::size_t most_rows = 500;

struct Row {
  std::string name;
  std::array<double, 6> numbers{};
};

[[noreturn]] void refuse(const std::string& path, std::size_t line, const std::string& why) {
  throw UsageError("wrong_table", path + ", line " + std::to_string(line), why,
                   "write the header name,x_mm,y_mm,z_mm,diameter_mm,length_mm,ct_number_hu, a row named body, and a "
                   "row for each insert");
}

Row read_row(const std::string& path, std::size_t number, const std::vector<std::string>& cells) {
  if (cells.size() != columns.size())
    refuse(path, number, "holds " + std::to_string(cells.size()) + " cells, not " + std::to_string(columns.size()));
  Row row{cells[0], {}};
  if (row.name.empty() || row.name.size() > 60) refuse(path, number, "needs a name of 1 to 60 letters");
  if (!plain_name(row.name))
    refuse(path, number, "the name \"" + row.name + "\" may hold letters, digits, _ and - only");
  for (std::size_t k = 1; k < columns.size(); ++k) {
    const std::string& cell = cells[k];
    const auto value = cell_number(cell);
    row.numbers[k - 1] = value.value_or(0);
    if (!value) refuse(path, number, std::string(columns[k]) + " \"" + cell + "\" is not a number");
  }
  if (!(row.numbers[3] > 0) || !(row.numbers[4] > 0)) refuse(path, number, "diameter and length must be above 0");
  return row;
}

void add_insert(Model& model, const Row& row) {
  const auto& [x, y, z, diameter, length, hu] = row.numbers;
  model.materials.push_back({row.name, "table", {{"ct_number_hu", hu}}});
  Shape shape;
  shape.name = row.name;
  shape.material = row.name;
  shape.inside = "body";
  shape.center_mm = {x, y, z};
  shape.radius_mm = 0.5 * diameter;
  shape.length_mm = length;
  model.shapes.push_back(shape);
  Feature core;
  core.region.name = "inserts/" + row.name;
  core.region.kind = "insert_core";
  core.region.shape = RegionShape::cylinder;
  core.region.center_mm = shape.center_mm;
  core.region.radius_mm = 0.35 * diameter;  // 70 % of the diameter
  core.region.length_mm = std::min(20.0, 0.6 * length);
  core.region.metrics = {"ct_number"};
  core.region.nominal["ct_number_hu"] = hu;
  Feature rim = core;
  rim.region.name = "rims/" + row.name;
  rim.region.kind = "insert";
  rim.region.radius_mm = 0.5 * diameter;
  rim.region.metrics = {"ttf_disc"};
  rim.region.nominal.clear();
  model.features.push_back(std::move(core));
  model.features.push_back(std::move(rim));
}

}  // namespace

Model read_insert_table(const std::string& path) {
  const std::string text = table_text(path);
  if (text.size() > most_table_bytes) refuse(path, 1, "the table is larger than 1 MiB");
  std::istringstream lines(text);
  lines.exceptions(std::ios::badbit);  // memory that is refused is no end of the text
  std::string line;
  std::size_t number = 0;
  Model model;
  bool header = false, body = false;
  std::vector<Row> rows;
  while (std::getline(lines, line)) {
    ++number;
    if (line.empty() || line == "\r" || line.front() == '#') continue;
    const std::vector<std::string> cells = cells_of(line);
    if (!header) {
      if (cells != std::vector<std::string>(columns.begin(), columns.end())) refuse(path, number, "is not the header");
      header = true;
      continue;
    }
    Row row = read_row(path, number, cells);
    if (rows.size() == most_rows) refuse(path, number, "there are more than 500 rows");
    for (const Row& other : rows)
      if (other.name == row.name) refuse(path, number, "the name " + row.name + " stands twice");
    body = body || row.name == "body";
    rows.push_back(std::move(row));
  }
  if (!body) refuse(path, number, "no row is named body");
  if (rows.size() < 2) refuse(path, number, "no insert is given");
  model.digest = sha256_hex(text);
  model.name = stem_of(path);
  model.title = "Inserts by table: " + model.name;
  model.source = "the site's own table";
  model.modalities = {"CT"};
  model.background = "(air)";  // no row can be named so
  model.materials.push_back({"(air)", "definition of the Hounsfield scale", {{"ct_number_hu", -1000}}});
  for (const Row& row : rows) {
    if (row.name != "body") continue;
    const auto& [x, y, z, diameter, length, hu] = row.numbers;
    model.body = {BodyKind::cylinder, 0.5 * diameter, std::max(3.0, 0.03 * diameter), length};
    model.materials.push_back({"body", "table", {{"ct_number_hu", hu}}});
    Shape shape;
    shape.name = shape.material = "body";
    shape.inside = "background";
    shape.center_mm = {x, y, z};
    shape.radius_mm = 0.5 * diameter;
    shape.length_mm = length;
    model.shapes.push_back(shape);
  }
  // The origin is the body's middle, wherever the table counts from.
  const Vec3 origin = model.shapes.front().center_mm;
  model.shapes.front().center_mm = {};
  for (Row& row : rows) row.numbers[0] -= origin.x, row.numbers[1] -= origin.y, row.numbers[2] -= origin.z;
  const Shape outer = model.shapes.front();
  for (const Row& row : rows) {
    if (row.name == "body") continue;
    const Vec3 d = Vec3{row.numbers[0], row.numbers[1], row.numbers[2]} - outer.center_mm;
    if (std::hypot(d.x, d.y) + 0.5 * row.numbers[3] > outer.radius_mm ||
        std::abs(d.z) + 0.5 * row.numbers[4] > 0.5 * outer.length_mm + 1e-9)
      throw UsageError("wrong_table", path, "the insert " + row.name + " reaches outside the body");
    add_insert(model, row);
  }
  return model;
}

}  // namespace iqgate::phantom
