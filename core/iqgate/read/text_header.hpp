#pragma once
// Headers of key and value lines (NRRD, MetaImage): what both gates need.
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace iqgate::read {

using HeaderFields = std::map<std::string, std::string>;

std::vector<std::uint64_t> whole_numbers(const std::string& path, const std::string& text, const char* key);
std::string trimmed(std::string text);
/// Refuses a key that is there already.
void add_field(const std::string& path, HeaderFields& fields, const std::string& key, const std::string& value);
/// Empty when absent.
std::string text_of(const HeaderFields& fields, const std::string& key);
/// A line of a header as its library sees it: a lone carriage return or a NUL would end it there and not here.
std::string plain_line(const std::string& path, std::string line);
/// A data file that a header names: must lie in the header's own folder or below.
std::string data_file(const std::string& header, const std::string& name);

}  // namespace iqgate::read
