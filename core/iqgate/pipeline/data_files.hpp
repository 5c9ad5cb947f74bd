#pragma once
#include <string>
#include <vector>

namespace iqgate::pipeline {

/// Where phantom and limits files lie: IQGATE_DATA_DIR, else share/iqgate beside the program's bin, else the source
/// tree it was built from.
std::string data_folder();
/// A name ("uniform_cylinder") or a path; UsageError with the nearest name when there is none.
std::string find_phantom(const std::string& name_or_path);
/// Path of a tasks file.
std::string find_tasks(const std::string& name_or_path);
std::string find_limits(const std::string& name_or_path);
/// Names of the shipped files, sorted.
std::vector<std::string> shipped_phantoms();
std::vector<std::string> shipped_limits();

/// The candidate that differs by the fewest edits, if it is near enough to be a typing mistake.
std::string nearest_name(const std::string& wanted, const std::vector<std::string>& candidates);

}  // namespace iqgate::pipeline
