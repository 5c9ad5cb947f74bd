#include "iqgate/report/hdf5_writer.hpp"

#include <hdf5.h>

#include "iqgate/base/atomic_file.hpp"
#include "iqgate/base/hdf5_handle.hpp"

namespace iqgate::report {
namespace {

Hdf5Handle need(hid_t id, herr_t (*close)(hid_t), const std::string& path, const char* what) {
  if (id < 0)
    throw OutputError("cannot_write", path, std::string("HDF5: ") + what + " failed",
                      "check free space and permission");
  return Hdf5Handle(id, close);
}

class Writer {
 public:
  explicit Writer(std::string path) : path_(std::move(path)), file_(create()) {}

  Hdf5Handle group(const std::string& name) {
    const Hdf5Handle properties = untimed(H5P_GROUP_CREATE);
    return need(H5Gcreate2(file_.get(), name.c_str(), H5P_DEFAULT, properties.get(), H5P_DEFAULT), H5Gclose, path_,
                "making a group");
  }
  Hdf5Handle dataset(const std::string& name, hid_t type, const std::vector<hsize_t>& sizes, const void* data) {
    const Hdf5Handle space = need(H5Screate_simple(static_cast<int>(sizes.size()), sizes.data(), nullptr), H5Sclose,
                                  path_, "sizing a dataset");
    const Hdf5Handle properties = untimed(H5P_DATASET_CREATE);
    Hdf5Handle set =
        need(H5Dcreate2(file_.get(), name.c_str(), type, space.get(), H5P_DEFAULT, properties.get(), H5P_DEFAULT),
             H5Dclose, path_, "making a dataset");
    if (H5Dwrite(set.get(), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0)
      throw OutputError("cannot_write", path_, "HDF5: writing a dataset failed", "check free space");
    return set;
  }
  Hdf5Handle numbers(const std::string& name, const std::vector<double>& values) {
    return dataset(name, H5T_NATIVE_DOUBLE, {values.size()}, values.data());
  }
  void text(const std::string& name, const std::string& value) {
    const Hdf5Handle type = string_type(value.size());
    const hsize_t one = 1;
    const Hdf5Handle space = need(H5Screate_simple(1, &one, nullptr), H5Sclose, path_, "sizing a text");
    const Hdf5Handle properties = untimed(H5P_DATASET_CREATE);
    const Hdf5Handle set =
        need(H5Dcreate2(file_.get(), name.c_str(), type.get(), space.get(), H5P_DEFAULT, properties.get(), H5P_DEFAULT),
             H5Dclose, path_, "making a text");
    if (H5Dwrite(set.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, value.data()) < 0)
      throw OutputError("cannot_write", path_, "HDF5: writing a text failed");
  }
  void attribute(hid_t object, const char* name, const std::string& value) {
    const Hdf5Handle type = string_type(value.size());
    const Hdf5Handle space = need(H5Screate(H5S_SCALAR), H5Sclose, path_, "sizing an attribute");
    const Hdf5Handle a = need(H5Acreate2(object, name, type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose,
                              path_, "making an attribute");
    H5Awrite(a.get(), type.get(), value.data());
  }
  void attribute(hid_t object, const char* name, const std::vector<double>& values) {
    const hsize_t n = values.size();
    const Hdf5Handle space = need(H5Screate_simple(1, &n, nullptr), H5Sclose, path_, "sizing an attribute");
    const Hdf5Handle a = need(H5Acreate2(object, name, H5T_NATIVE_DOUBLE, space.get(), H5P_DEFAULT, H5P_DEFAULT),
                              H5Aclose, path_, "making an attribute");
    H5Awrite(a.get(), H5T_NATIVE_DOUBLE, values.data());
  }
  void close() {
    if (!file_.close()) throw OutputError("cannot_write", path_, "HDF5: closing the file failed", "check free space");
  }

 private:
  Hdf5Handle create() {
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
    return need(H5Fcreate(path_.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), H5Fclose, path_, "making the file");
  }
  Hdf5Handle untimed(hid_t kind) {
    Hdf5Handle properties = need(H5Pcreate(kind), H5Pclose, path_, "making properties");
    H5Pset_obj_track_times(properties.get(), false);
    return properties;
  }
  Hdf5Handle string_type(std::size_t size) {
    Hdf5Handle type = need(H5Tcopy(H5T_C_S1), H5Tclose, path_, "making a type");
    H5Tset_size(type.get(), std::max<std::size_t>(size, 1));
    H5Tset_strpad(type.get(), H5T_STR_NULLPAD);
    H5Tset_cset(type.get(), H5T_CSET_UTF8);
    return type;
  }

  std::string path_;
  Hdf5Handle file_;
};

std::string item(const char* folder, std::size_t k) { return std::string(folder) + "/" + std::to_string(k); }

void write_curves(Writer& w, const std::vector<Curve>& curves) {
  w.group("/curves");
  for (std::size_t k = 0; k < curves.size(); ++k) {
    const Curve& c = curves[k];
    const Hdf5Handle g = w.group(item("/curves", k));
    w.attribute(g.get(), "NX_class", "NXdata");
    w.attribute(g.get(), "signal", "y");
    w.attribute(g.get(), "axes", "x");
    w.attribute(g.get(), "name", c.name);
    w.attribute(g.get(), "variant", c.variant);
    w.attribute(g.get(), "where", c.where);
    const Hdf5Handle x = w.numbers(item("/curves", k) + "/x", c.x.values);
    w.attribute(x.get(), "units", c.x.unit);
    w.attribute(x.get(), "long_name", c.x.name);
    const Hdf5Handle y = w.numbers(item("/curves", k) + "/y", c.y.values);
    w.attribute(y.get(), "units", c.y.unit);
    w.attribute(y.get(), "long_name", c.y.name);
    if (!c.ci95_lo.empty()) {
      w.attribute(w.numbers(item("/curves", k) + "/ci95_lo", c.ci95_lo).get(), "units", c.y.unit);
      w.attribute(w.numbers(item("/curves", k) + "/ci95_hi", c.ci95_hi).get(), "units", c.y.unit);
    }
  }
}

json::Value outlines_json(const Picture& p) {
  json::Array list;
  for (const Outline& o : p.outlines) {
    json::Array points;
    for (const auto& [x, y] : o.points) points.emplace_back(json::Array{json::Value(x), json::Value(y)});
    json::Value v;
    v.set("number", o.number);
    v.set("name", o.name);
    v.set("points_px", std::move(points));
    list.push_back(std::move(v));
  }
  return list;
}

std::string read_text(hid_t file, const std::string& name, const std::string& path) {
  const Hdf5Handle set(H5Dopen2(file, name.c_str(), H5P_DEFAULT), H5Dclose);
  if (!set.good()) throw InputError("not_a_result", path, "has no " + name);
  const Hdf5Handle type(H5Dget_type(set.get()), H5Tclose);
  if (H5Tget_class(type.get()) != H5T_STRING || H5Tis_variable_str(type.get()) > 0 ||
      H5Tget_size(type.get()) > (std::size_t{256} << 20))
    throw InputError("not_a_result", path, name + " is not a text");
  std::string text(H5Tget_size(type.get()), '\0');
  const Hdf5Handle space(H5Dget_space(set.get()), H5Sclose);
  if (H5Sget_simple_extent_npoints(space.get()) != 1 ||
      H5Dread(set.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, text.data()) < 0)
    throw InputError("not_a_result", path, name + " cannot be read");
  return text;
}

std::vector<float> read_plane(hid_t file, const std::string& name, const std::string& path, std::size_t& width,
                              std::size_t& height) {
  const Hdf5Handle set(H5Dopen2(file, name.c_str(), H5P_DEFAULT), H5Dclose);
  if (!set.good()) throw InputError("not_a_result", path, "has no " + name);
  const Hdf5Handle space(H5Dget_space(set.get()), H5Sclose);
  hsize_t sizes[2] = {0, 0};
  if (H5Sget_simple_extent_ndims(space.get()) != 2 || H5Sget_simple_extent_dims(space.get(), sizes, nullptr) != 2 ||
      sizes[0] == 0 || sizes[1] == 0 || sizes[0] > 65536 || sizes[1] > 65536 ||
      H5Dget_storage_size(set.get()) < sizes[0] * sizes[1] * sizeof(float))
    throw InputError("not_a_result", path, name + " is not a picture");
  height = sizes[0];
  width = sizes[1];
  std::vector<float> values(width * height);
  if (H5Dread(set.get(), H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) < 0)
    throw InputError("not_a_result", path, name + " cannot be read");
  return values;
}

}  // namespace

void write_result_hdf5(const std::string& path, const Document& d, const std::string& result_json) {
  write_atomically(path, [&](const std::string& temporary) {
    Writer w(temporary);
    w.text("/result_json", result_json);
    write_curves(w, d.results.curves);
    w.group("/maps");
    for (std::size_t k = 0; k < d.results.maps.size(); ++k) {
      const Map& m = d.results.maps[k];
      const Hdf5Handle g = w.group(item("/maps", k));
      w.attribute(g.get(), "NX_class", "NXdata");
      w.attribute(g.get(), "signal", "values");
      w.attribute(g.get(), "name", m.name);
      w.attribute(g.get(), "where", m.where);
      const Hdf5Handle set =
          w.dataset(item("/maps", k) + "/values", H5T_NATIVE_FLOAT, {m.height, m.width}, m.values.data());
      w.attribute(set.get(), "units", m.unit);
      w.attribute(set.get(), "spacing_mm", std::vector<double>{m.spacing_y_mm, m.spacing_x_mm});
      json::Value meta;
      meta.set("name", m.name);
      meta.set("where", m.where);
      meta.set("unit", m.unit);
      meta.set("spacing_x_mm", m.spacing_x_mm);
      meta.set("spacing_y_mm", m.spacing_y_mm);
      w.text(item("/maps", k) + "/meta_json", json::write(meta, 0));
    }
    w.group("/slices");
    for (std::size_t k = 0; k < d.pictures.size(); ++k) {
      const Picture& p = d.pictures[k];
      w.group(item("/slices", k));
      const Hdf5Handle set =
          w.dataset(item("/slices", k) + "/values", H5T_NATIVE_FLOAT, {p.height, p.width}, p.values.data());
      w.attribute(set.get(), "units", p.unit);
      w.attribute(set.get(), "spacing_mm", std::vector<double>{p.spacing_y_mm, p.spacing_x_mm});
      json::Value meta;
      meta.set("title", p.title);
      meta.set("spacing_x_mm", p.spacing_x_mm);
      meta.set("spacing_y_mm", p.spacing_y_mm);
      meta.set("window_low", p.window_low);
      meta.set("window_high", p.window_high);
      meta.set("unit", p.unit);
      meta.set("outlines", outlines_json(p));
      w.text(item("/slices", k) + "/meta_json", json::write(meta, 0));
    }
    w.close();
  });
}

StoredPictures read_result_hdf5(const std::string& path) {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  const Hdf5Handle file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose);
  if (!file.good()) throw InputError("bad_hdf5", path, "cannot be opened as HDF5");
  StoredPictures stored;
  stored.result_json = read_text(file.get(), "/result_json", path);
  const auto count = [&](const char* folder) {
    std::size_t k = 0;
    while (k < 1000 && H5Lexists(file.get(), folder, H5P_DEFAULT) > 0 &&
           H5Lexists(file.get(), item(folder, k).c_str(), H5P_DEFAULT) > 0)
      ++k;
    return k;
  };
  for (std::size_t k = 0; k < count("/slices"); ++k) {
    const json::Value meta =
        json::parse(read_text(file.get(), item("/slices", k) + "/meta_json", path), path, ErrorKind::input);
    json::Fields f(meta, path, "/slices", ErrorKind::input);
    Picture p;
    p.values = read_plane(file.get(), item("/slices", k) + "/values", path, p.width, p.height);
    p.title = f.text("title");
    p.spacing_x_mm = f.number("spacing_x_mm");
    p.spacing_y_mm = f.number("spacing_y_mm");
    p.window_low = f.number("window_low");
    p.window_high = f.number("window_high");
    p.unit = f.text("unit");
    for (json::Fields& o : f.objects("outlines")) {
      Outline outline;
      outline.number = static_cast<int>(o.number("number"));
      outline.name = o.text("name");
      const json::Array* points = o.value("points_px").array();
      for (const json::Value& point : points ? *points : json::Array{})
        if (const json::Array* xy = point.array(); xy && xy->size() == 2 && (*xy)[0].number() && (*xy)[1].number())
          outline.points.emplace_back(*(*xy)[0].number(), *(*xy)[1].number());
      p.outlines.push_back(std::move(outline));
    }
    stored.pictures.push_back(std::move(p));
  }
  for (std::size_t k = 0; k < count("/maps"); ++k) {
    const json::Value meta =
        json::parse(read_text(file.get(), item("/maps", k) + "/meta_json", path), path, ErrorKind::input);
    json::Fields f(meta, path, "/maps", ErrorKind::input);
    Map m;
    m.values = read_plane(file.get(), item("/maps", k) + "/values", path, m.width, m.height);
    m.name = f.text("name");
    m.where = f.text("where");
    m.unit = f.text("unit");
    m.spacing_x_mm = f.number("spacing_x_mm");
    m.spacing_y_mm = f.number("spacing_y_mm");
    stored.maps.push_back(std::move(m));
  }
  return stored;
}

void write_volume_hdf5(const std::string& path, const Scan& scan) {
  write_atomically(path, [&](const std::string& temporary) {
    Writer w(temporary);
    const Grid& g = scan.volume.grid;
    const Hdf5Handle set =
        w.dataset("/volume", H5T_NATIVE_FLOAT, {g.size.z, g.size.y, g.size.x}, scan.volume.values.data());
    w.attribute(set.get(), "spacing_mm", std::vector<double>{g.spacing_mm.x, g.spacing_mm.y, g.spacing_mm.z});
    w.attribute(set.get(), "origin_mm", std::vector<double>{g.origin_mm.x, g.origin_mm.y, g.origin_mm.z});
    w.attribute(set.get(), "direction", std::vector<double>(g.direction.m.begin(), g.direction.m.end()));
    w.attribute(set.get(), "units", scan.value_unit);
    w.attribute(set.get(), "modality", scan.modality);
    w.close();
  });
}

}  // namespace iqgate::report
