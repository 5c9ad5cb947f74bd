#pragma once
// The doors through which foreign bytes come into the program: each reader and each parser of text, by name. The
// fuzz targets and the corpus of malformed inputs go through the same ones.
#include <string>
#include <string_view>
#include <vector>

#include "iqgate/read/bytes.hpp"

namespace iqgate::test {

/// What a reader made of an input: `ok`, or the code of its refusal. `fault`: what no reader may do, else empty.
struct Outcome {
  std::string code, fault;
  bool ok() const { return code == "ok"; }
};

/// Limits that keep a fuzzer's process small.
read::IntakeLimits small_limits();

/// dicom, dicom_series, dicom_codec, nifti, nrrd, metaimage, tiff, hdf5, zip, json, documents, tables, decision_log,
/// texts. `suffix`: of the file that the bytes are put into, for readers that go by name (".nii.gz"); empty: the
/// door's own. Lets through every exception that is no iqgate::Error.
Outcome through_door(std::string_view door, std::string_view bytes, const read::IntakeLimits& limits,
                     std::string_view suffix = {});
std::vector<std::string> door_names();

/// Files of one DICOM series in one input.
inline constexpr std::string_view between_files =
    "\xFF\xFE"
    "CUT\xFE\xFF";
std::string joined_files(const std::vector<std::string>& files);

}  // namespace iqgate::test
