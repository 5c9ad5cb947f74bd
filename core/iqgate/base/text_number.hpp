#pragma once
#include <optional>
#include <string_view>

namespace iqgate {

/// The finite number that all of the text is, in any locale; none otherwise. Blanks about
/// it and a plus, as decimal strings of DICOM may have, are no fault.
std::optional<double> number_from_text(std::string_view text);

}  // namespace iqgate
