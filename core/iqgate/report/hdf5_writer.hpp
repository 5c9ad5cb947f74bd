#pragma once
#include <string>
#include <vector>

#include "iqgate/base/scan.hpp"
#include "iqgate/report/document.hpp"

namespace iqgate::report {

/// result.h5: /result_json, /curves/N and /maps/N as NXdata (signal, axes, units), /slices/N: the pixels that the
/// report shows. No time stamps: the same document gives the same bytes.
void write_result_hdf5(const std::string& path, const Document& document, const std::string& result_json);
/// The slices and maps of a result.h5, and the text of the result.json they belong to; throws InputError.
struct StoredPictures {
  std::vector<Picture> pictures;
  std::vector<Map> maps;
  std::string result_json;
};
StoredPictures read_result_hdf5(const std::string& path);

/// volume.h5: /volume [z][y][x] with spacing_mm, origin_mm, direction, units, modality.
void write_volume_hdf5(const std::string& path, const Scan& scan);

}  // namespace iqgate::report
