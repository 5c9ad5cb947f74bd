#pragma once
// Slices that may form one volume: their order along the normal, copies, repeats.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "iqgate/read/dicom_file.hpp"

namespace iqgate::read {

struct SliceRef {
  std::shared_ptr<const DicomFile> file;
  std::size_t frame = 0;
  double along = 0;  // position along the normal, mm
  const DicomFrame& info() const { return file->frames[frame]; }
};
using Slices = std::vector<SliceRef>;

Vec3 normal_of(const DicomFrame& frame);
/// By position; ties by what the file says of itself, so that the order of files plays no part.
void sort_slices(Slices& slices, Vec3 normal);
/// No two sorted slices within 0.01 mm.
bool positions_unique(const Slices& slices);
/// Copies of one instance (equal UID, frame and voxel values, whatever the encoding) are dropped; true if any was.
/// Decodes them: throws InputError.
bool drop_copies(Slices& slices);
/// A set with repeated positions as volumes, by the first tag that leaves each with distinct positions; none if no tag
/// does.
std::vector<std::pair<std::string, Slices>> split_repeats(const Slices& slices);
/// Largest difference of any direction cosine from the first slice's.
double direction_spread(const Slices& slices);

}  // namespace iqgate::read
