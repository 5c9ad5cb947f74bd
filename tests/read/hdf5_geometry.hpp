#pragma once
#include <hdf5.h>

#include <utility>
#include <vector>

namespace iqgate::read {

/// The attributes that place a volume: what /volume must carry.
inline void add_geometry(hid_t set, std::vector<double> spacing_mm, double origin_x_mm = 0) {
  const auto attribute = [&](const char* name, std::vector<double> v) {
    const hsize_t n = v.size();
    const hid_t s = H5Screate_simple(1, &n, nullptr),
                a = H5Acreate2(set, name, H5T_NATIVE_DOUBLE, s, H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(a, H5T_NATIVE_DOUBLE, v.data());
    H5Aclose(a), H5Sclose(s);
  };
  attribute("spacing_mm", std::move(spacing_mm));
  attribute("origin_mm", {origin_x_mm, 0, 0});
  attribute("direction", {1, 0, 0, 0, 1, 0, 0, 0, 1});
}

}  // namespace iqgate::read
