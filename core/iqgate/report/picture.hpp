#pragma once
#include <string>

#include "iqgate/report/document.hpp"

namespace iqgate::report {

/// PNG of a slice with its numbered regions (the very ones that were measured), a scale bar and the window.
std::string picture_png(const Picture& picture);
/// PNG of a map with its grey scale.
std::string map_png(const Map& map);
std::string base64(const std::string& bytes);

}  // namespace iqgate::report
