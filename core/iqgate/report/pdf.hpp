#pragma once
#include <string>

namespace iqgate::report {

/// Prints an HTML file to PDF: by WeasyPrint (the same page gives the same bytes; `created_utc` is its date), else by
/// Chromium. Throws OutputError (no_pdf) where neither can be run. Returns the program that did it.
std::string make_pdf(const std::string& html, const std::string& pdf, const std::string& created_utc);

}  // namespace iqgate::report
