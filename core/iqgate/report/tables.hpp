#pragma once
#include <string>

#include "iqgate/report/document.hpp"

namespace iqgate::report {

/// RFC 4180, as measurements_csv.
std::string curves_csv(const Document& document);
/// A number for people: enough digits for its standard error, else five.
std::string short_number(double value, std::optional<double> se = {});
/// Plain aligned text, one line a measurement; then what was not measured. `colour` adds ANSI colour to the words.
std::string terminal_table(const Document& document, bool colour);

}  // namespace iqgate::report
