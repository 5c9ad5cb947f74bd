#pragma once
#include <string>

#include "iqgate/base/json.hpp"

namespace iqgate::report {

/// Fills a Mustache template: arrays are lists, objects scopes, texts are escaped for HTML.
std::string render_page(const char* page_template, const json::Value& values);

}  // namespace iqgate::report
