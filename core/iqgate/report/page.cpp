#include "iqgate/report/page.hpp"

#include <kainjow/mustache.hpp>
#include <stdexcept>

namespace iqgate::report {
namespace {

using kainjow::mustache::data;

data data_of(const json::Value& v) {
  if (const json::Object* members = v.object()) {
    data object{data::type::object};
    for (const json::Member& m : *members) object.set(m.key, data_of(m.value));
    return object;
  }
  if (const json::Array* items = v.array()) {
    data list{data::type::list};
    for (const json::Value& item : *items) list << data_of(item);
    return list;
  }
  if (const bool* flag = std::get_if<bool>(&v.data()))
    return data{*flag ? data::type::bool_true : data::type::bool_false};
  if (v.is_null()) return data{data::type::bool_false};
  return v.string() ? data{*v.string()} : data{json::write(v, 0)};
}

}  // namespace

std::string render_page(const char* page_template, const json::Value& values) {
  kainjow::mustache::mustache engine{page_template};
  if (!engine.is_valid()) throw std::logic_error("page template: " + engine.error_message());
  return engine.render(data_of(values));
}

}  // namespace iqgate::report
