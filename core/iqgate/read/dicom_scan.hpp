#pragma once
// A DICOM file by its element headers alone, before anything is built from it. Internal to this folder.
#include <cstdint>
#include <string>

#include "iqgate/read/bytes.hpp"

namespace iqgate::read {

struct DicomOutline {
  std::string transfer_syntax;       ///< empty when no file meta group names it
  std::uint64_t dataset_offset = 0;  ///< where the data set begins
};

/// Walks all element headers without recursion, as DCMTK would read them; a deflated data set is left alone.
/// Throws Refusal("bad_header") for sequences nested deeper than 32 and for more than five million elements.
DicomOutline outline_dicom(const ByteSource& source);

}  // namespace iqgate::read
