#include "iqgate/read/text_header.hpp"

#include <charconv>
#include <filesystem>
#include <sstream>

#include "iqgate/base/file_kind.hpp"
#include "iqgate/read/raster_checks.hpp"

namespace iqgate::read {
namespace fs = std::filesystem;

std::vector<std::uint64_t> whole_numbers(const std::string& path, const std::string& text, const char* key) {
  std::vector<std::uint64_t> numbers;
  std::istringstream stream(text);
  stream.exceptions(std::ios::badbit);  // memory that is refused is no end of the text
  for (std::string word; stream >> word;) {
    std::uint64_t n = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), n);
    if (error != std::errc{} || end != word.data() + word.size() || numbers.size() > 16)
      refuse(path, "bad_header", std::string(key) + " is not a list of whole numbers");
    numbers.push_back(n);
  }
  return numbers;
}

std::string trimmed(std::string text) {
  const auto space = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!text.empty() && space(text.back())) text.pop_back();
  while (!text.empty() && space(text.front())) text.erase(text.begin());
  return text;
}

void add_field(const std::string& path, HeaderFields& fields, const std::string& key, const std::string& value) {
  if (!fields.emplace(key, value).second) refuse(path, "bad_header", "says " + key + " twice");
}

std::string text_of(const HeaderFields& fields, const std::string& key) {
  const auto found = fields.find(key);
  return found == fields.end() ? std::string() : found->second;
}

std::string plain_line(const std::string& path, std::string line) {
  if (!line.empty() && line.back() == '\r') line.pop_back();
  if (line.find_first_of(std::string("\r\0", 2)) != std::string::npos)
    refuse(path, "bad_header", "has control characters in its header");
  return line;
}

std::string data_file(const std::string& header, const std::string& name) {
  const fs::path relative(name);
  if (relative.is_absolute() || name.empty()) refuse(header, "bad_header", "names a data file outside its folder");
  for (const auto& part : relative)
    if (part == "..") refuse(header, "bad_header", "names a data file outside its folder");
  const fs::path full = fs::path(header).parent_path() / relative;
  if (!is_file(full)) refuse(header, "missing_data", "names a data file that is not there (" + name + ")");
  return full.string();
}

}  // namespace iqgate::read
