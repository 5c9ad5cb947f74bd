#pragma once
// A deflated DICOM file as the plain one it stands for. Internal to this folder.
#include "iqgate/read/bytes.hpp"

namespace iqgate::read {

/// The data set from `dataset_offset` on, inflated, behind a file meta group that says explicit little endian.
/// Throws InputError("too_large") beyond 64 MiB plus 32 times the file's size, and "truncated".
ByteSource inflate_dicom(const ByteSource& source, std::uint64_t dataset_offset);

}  // namespace iqgate::read
