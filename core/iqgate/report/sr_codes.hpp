#pragma once
// The private codes that writer and reader share.
#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dctk.h>
#include <dcmtk/dcmsr/cmr/tid1500.h>
#include <dcmtk/dcmsr/codes/dcm.h>
#include <dcmtk/dcmsr/dsrdoc.h>

#include <stdexcept>
#include <string>

#include "iqgate/base/error.hpp"

namespace iqgate::report::sr {

inline constexpr const char* scheme = "99IQGATE";
inline constexpr const char* whole_scan = "(whole scan)";
inline constexpr const char* not_measured = "not_measured";
inline const DSRBasicCodedEntry variant_code("VARIANT", scheme, "Variant of metric"),
    se_code("SE", scheme, "Standard error"), low_code("CI95_LO", scheme, "Lower limit of 95 % confidence interval"),
    high_code("CI95_HI", scheme, "Upper limit of 95 % confidence interval"),
    verdict_code("VERDICT", scheme, "Verdict against limit");

inline void check(const OFCondition& status, const std::string& what) {
  if (status.bad())
    throw OutputError("cannot_write", what, std::string("the DICOM value cannot be set: ") + status.text());
}

inline OFString of(const std::string& text) { return {text.data(), text.size()}; }
inline std::string text_of(const OFString& text) { return {text.c_str(), text.size()}; }

/// What the writer puts below a group: a number, or a metric that could not be measured.
inline bool is_measurement(const DSRContentItem& item) {
  return item.getValueType() == DSRTypes::VT_Num && item.getRelationshipType() == DSRTypes::RT_contains;
}
inline bool is_missing(const DSRContentItem& item) {
  return item.getValueType() == DSRTypes::VT_Code && item.getRelationshipType() == DSRTypes::RT_contains;
}

}  // namespace iqgate::report::sr
