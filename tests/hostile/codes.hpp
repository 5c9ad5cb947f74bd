#pragma once
// The codes with which inputs are refused: scripts hold on to them (phantoms/README.md lists them), so a new one is
// added here on purpose.
#include <set>
#include <string>

namespace iqgate::test {

inline const std::set<std::string>& stable_codes() {
  static const std::set<std::string> codes{
      // scans
      "bad_archive", "bad_fragments", "bad_header", "bad_hdf5", "bad_orientation", "bad_rescale", "bad_spacing",
      "cannot_read", "colour_image", "damaged_series", "decode_failed", "duplicate_slices", "empty_archive",
      "nothing_in_archive", "empty_file", "empty_image", "localiser", "missing_data", "missing_slices",
      "mixed_orientation", "mixed_slices", "no_pixel_spacing", "no_position", "no_volume", "not_a_file", "not_an_image",
      "not_dicom", "not_finite", "not_found", "not_metaimage", "not_nifti", "not_nrrd", "not_tiff", "pixel_format",
      "pixel_length", "secondary_capture", "sheared_stack", "too_large", "too_many_frames", "transfer_syntax",
      "truncated", "uneven_spacing", "unknown_format", "wrong_units", "no_scan",
      // documents, tables and texts
      "bad_json", "bad_value", "broken_log", "changed_profile", "missing_key", "no_time", "not_a_result",
      "out_of_range", "self_intersecting", "unknown_key", "unknown_unit", "unknown_value", "wrong_pose", "wrong_table",
      "wrong_type"};
  return codes;
}

}  // namespace iqgate::test
