#pragma once
// What the tables that describe phantoms share.
#include <optional>
#include <string>
#include <vector>

namespace iqgate::phantom {

inline constexpr std::size_t most_table_bytes = 1 << 20;

/// The file's text; one byte more than most_table_bytes where it is longer.
std::string table_text(const std::string& path);
/// Cells of a line between commas, without blanks and quotes.
std::vector<std::string> cells_of(std::string line);
/// A number of less than 1e5 in size that fills the cell.
std::optional<double> cell_number(const std::string& cell);
/// Letters, digits, _ and - only.
bool plain_name(const std::string& name);
/// The file's name without folder and ending.
std::string stem_of(const std::string& path);

}  // namespace iqgate::phantom
