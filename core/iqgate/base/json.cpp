#include "iqgate/base/json.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

namespace iqgate::json {
namespace {

constexpr double largest_component = 1e6;  // of a vector: mm, degrees, or a direction

constexpr std::size_t max_depth = 64;

[[noreturn]] void throw_kind(ErrorKind kind, const std::string& code, const std::string& where, const std::string& why,
                             const std::string& advice = {}) {
  if (kind == ErrorKind::usage) throw UsageError(code, where, why, advice);
  throw InputError(code, where, why, advice);
}

// Builds our value and refuses what nlohmann-json would let pass: equal keys (it keeps the last) and deep nesting.
class Builder : public nlohmann::json_sax<nlohmann::json> {
 public:
  Value root;
  std::string problem;

  bool null() override { return put(nullptr); }
  bool boolean(bool v) override { return put(v); }
  bool number_integer(number_integer_t v) override { return put(std::int64_t{v}); }
  bool number_unsigned(number_unsigned_t v) override {
    return v > static_cast<number_unsigned_t>(INT64_MAX) ? put(static_cast<double>(v)) : put(std::int64_t(v));
  }
  bool number_float(number_float_t v, const string_t&) override {
    if (!std::isfinite(v)) return complain("number outside the range of a double");
    return put(v);
  }
  bool string(string_t& v) override { return put(v); }
  bool binary(binary_t&) override { return complain("binary value"); }
  bool start_object(std::size_t) override { return open(Frame{true, {}, {}, {}, {}}); }
  bool start_array(std::size_t) override { return open(Frame{}); }
  bool key(string_t& v) override {
    if (!stack_.back().keys.insert(v).second) return complain("key \"" + v + "\" stands twice");
    stack_.back().key = v;
    return true;
  }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception&) override {
    return complain("not valid JSON at byte " + std::to_string(position));
  }

 private:
  struct Frame {
    bool is_object = false;
    Array array;
    Object object;
    std::string key;
    std::set<std::string> keys;
  };
  std::vector<Frame> stack_;

  bool complain(std::string why) {
    if (problem.empty()) problem = std::move(why);
    return false;
  }
  bool open(Frame frame) {
    if (stack_.size() >= max_depth) return complain("nested deeper than 64 levels");
    stack_.push_back(std::move(frame));
    return true;
  }
  bool close() {
    Frame frame = std::move(stack_.back());
    stack_.pop_back();
    return frame.is_object ? put(Value(std::move(frame.object))) : put(Value(std::move(frame.array)));
  }
  bool put(Value v) {
    if (stack_.empty()) root = std::move(v);
    else if (stack_.back().is_object) stack_.back().object.push_back({stack_.back().key, std::move(v)});
    else stack_.back().array.push_back(std::move(v));
    return true;
  }
};

// A byte sequence that is not UTF-8 must not reach a JSON reader: it is replaced by U+FFFD.
std::size_t utf8_length(std::string_view s, std::size_t i) {
  const auto byte = [&](std::size_t k) { return static_cast<unsigned char>(s[k]); };
  const unsigned char b = byte(i);
  const std::size_t length = b < 0x80                ? 1
                             : b >= 0xC2 && b < 0xE0 ? 2
                             : b >= 0xE0 && b < 0xF0 ? 3
                             : b >= 0xF0 && b < 0xF5 ? 4
                                                     : 0;
  if (length == 0 || i + length > s.size()) return 0;
  for (std::size_t k = 1; k < length; ++k)
    if ((byte(i + k) & 0xC0) != 0x80) return 0;
  if ((b == 0xE0 && byte(i + 1) < 0xA0) || (b == 0xED && byte(i + 1) > 0x9F) || (b == 0xF0 && byte(i + 1) < 0x90) ||
      (b == 0xF4 && byte(i + 1) > 0x8F))
    return 0;
  return length;
}

void write_string(std::string& out, std::string_view s) {
  static constexpr char hex[] = "0123456789abcdef";
  out += '"';
  for (std::size_t i = 0; i < s.size();) {
    const char c = s[i];
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
      ++i;
    } else if (c == '\n') {
      out += "\\n";
      ++i;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      out += "\\u00";
      out += hex[(c >> 4) & 0xF];
      out += hex[c & 0xF];
      ++i;
    } else if (const std::size_t length = utf8_length(s, i); length > 0) {
      out.append(s.substr(i, length));
      i += length;
    } else {
      out += "\\ufffd";
      ++i;
    }
  }
  out += '"';
}

void write_value(std::string& out, const Value& value, int indent, int level) {
  const auto newline = [&](int at) {
    if (indent > 0) {
      out += '\n';
      out.append(static_cast<std::size_t>(indent * at), ' ');
    }
  };
  if (value.is_null()) {
    out += "null";
  } else if (const auto* b = std::get_if<bool>(&value.data())) {
    out += *b ? "true" : "false";
  } else if (const auto* i = std::get_if<std::int64_t>(&value.data())) {
    out += std::to_string(*i);
  } else if (const auto* d = std::get_if<double>(&value.data())) {
    out += number_text(*d);
  } else if (const auto* s = value.string()) {
    write_string(out, *s);
  } else if (const auto* array = value.array()) {
    const bool flat =
        std::all_of(array->begin(), array->end(), [](const Value& v) { return !v.array() && !v.object(); });
    out += '[';
    for (std::size_t k = 0; k < array->size(); ++k) {
      if (k > 0) out += flat ? ", " : ",";
      if (!flat) newline(level + 1);
      write_value(out, (*array)[k], indent, level + 1);
    }
    if (!flat) newline(level);
    out += ']';
  } else {
    const Object& object = *value.object();
    out += '{';
    for (std::size_t k = 0; k < object.size(); ++k) {
      if (k > 0) out += indent > 0 ? "," : ", ";
      newline(level + 1);
      write_string(out, object[k].key);
      out += ": ";
      write_value(out, object[k].value, indent, level + 1);
    }
    if (!object.empty()) newline(level);
    out += '}';
  }
}

}  // namespace

Value::Value() : data_(nullptr) {}
Value::Value(std::nullptr_t) : data_(nullptr) {}
Value::Value(bool v) : data_(v) {}
Value::Value(int v) : data_(std::int64_t{v}) {}
Value::Value(std::int64_t v) : data_(v) {}
Value::Value(std::size_t v) : data_(static_cast<std::int64_t>(v)) {}
Value::Value(double v) : data_(v) {}
Value::Value(const char* v) : data_(std::string(v)) {}
Value::Value(std::string v) : data_(std::move(v)) {}
Value::Value(Array v) : data_(std::move(v)) {}
Value::Value(Object v) : data_(std::move(v)) {}
Value::Value(const std::optional<double>& v) : data_(nullptr) {
  if (v) data_ = *v;
}
Value::Value(const Value&) = default;
Value::Value(Value&&) noexcept = default;
Value& Value::operator=(const Value&) = default;
Value& Value::operator=(Value&&) noexcept = default;
Value::~Value() = default;

std::optional<double> Value::number() const {
  if (const auto* d = std::get_if<double>(&data_)) return *d;
  if (const auto* i = std::get_if<std::int64_t>(&data_)) return static_cast<double>(*i);
  return std::nullopt;
}

const Value* Value::find(std::string_view key) const {
  if (const Object* members = object())
    for (const Member& member : *members)
      if (member.key == key) return &member.value;
  return nullptr;
}

void Value::set(std::string key, Value value) {
  if (is_null()) data_ = Object{};
  std::get<Object>(data_).push_back({std::move(key), std::move(value)});
}

Array array_of(const std::vector<double>& values) { return Array(values.begin(), values.end()); }
Array array_of(const std::vector<std::string>& values) { return Array(values.begin(), values.end()); }
Array array_of(Vec3 v) { return {v.x, v.y, v.z}; }

Value parse(std::string_view text, const std::string& file, ErrorKind kind) {
  Builder builder;
  const bool good = nlohmann::json::sax_parse(text.begin(), text.end(), &builder, nlohmann::json::input_format_t::json,
                                              /*strict=*/true, /*ignore_comments=*/true);
  if (!good || !builder.problem.empty())
    throw_kind(kind, "bad_json", file, builder.problem.empty() ? "not valid JSON" : builder.problem,
               "mend the file (strict JSON, // comments allowed)");
  return std::move(builder.root);
}

Value parse_file(const std::string& path, ErrorKind kind) {
  std::ifstream stream(path, std::ios::binary | std::ios::ate);
  if (!stream) throw_kind(kind, "cannot_read", path, "cannot be opened", "check the name and the permission");
  const std::streamoff size = stream.tellg();
  if (size < 0 || size > (std::streamoff{256} << 20))
    throw_kind(kind, "too_large", path, "not a file of at most 256 MiB");
  std::string text(static_cast<std::size_t>(size), '\0');
  stream.seekg(0);
  if (!stream.read(text.data(), size)) throw_kind(kind, "cannot_read", path, "could not be read to its end");
  return parse(text, path, kind);
}

std::string number_text(double value) {
  if (!std::isfinite(value)) throw std::logic_error("a number that is not finite was about to be written");
  if (value == 0 && std::signbit(value)) return "-0.0";  // -0 would be read back as the whole number 0
  char buffer[32];
  const auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, value);
  return std::string(buffer, end);
}

std::string write(const Value& value, int indent) {
  std::string out;
  write_value(out, value, indent, 0);
  return out;
}

Object object_of(const std::map<std::string, std::string>& texts) {
  Object object;
  for (const auto& [key, value] : texts) object.push_back({key, value});
  return object;
}

std::string text_at(const Value* object, std::string_view key) {
  const Value* found = object ? object->find(key) : nullptr;
  return found && found->string() ? *found->string() : "";
}

std::optional<double> number_at(const Value* object, std::string_view key) {
  const Value* found = object ? object->find(key) : nullptr;
  return found ? found->number() : std::nullopt;
}

bool flag_at(const Value* object, std::string_view key) {
  const Value* found = object ? object->find(key) : nullptr;
  const bool* flag = found ? std::get_if<bool>(&found->data()) : nullptr;
  return flag && *flag;
}

const Array& list_at(const Value* object, std::string_view key) {
  static const Array empty;
  const Value* found = object ? object->find(key) : nullptr;
  return found && found->array() ? *found->array() : empty;
}

Fields::Fields(const Value& value, std::string file, std::string path, ErrorKind kind)
    : object_(&value), file_(std::move(file)), path_(std::move(path)), kind_(kind) {
  if (!value.object()) throw_kind(kind_, "wrong_type", file_ + " " + path_, "expected an object");
}

void Fields::fail(std::string_view key, const std::string& code, const std::string& why) const {
  throw_kind(kind_, code, file_ + ", key " + path_ + (path_.empty() ? "" : "/") + std::string(key), why);
}

bool Fields::has(std::string_view key) const { return object_->find(key) != nullptr; }

const Value* Fields::optional_value(std::string_view key) {
  seen_.emplace_back(key);
  return object_->find(key);
}

const Value& Fields::value(std::string_view key) {
  const Value* found = optional_value(key);
  if (!found) fail(key, "missing_key", "is missing");
  return *found;
}

double Fields::number(std::string_view key) {
  const auto number = value(key).number();
  if (!number) fail(key, "wrong_type", "expected a number");
  return *number;
}

std::optional<double> Fields::optional_number(std::string_view key) {
  const Value* found = optional_value(key);
  if (!found || found->is_null()) return std::nullopt;
  if (!found->number()) fail(key, "wrong_type", "expected a number or null");
  return found->number();
}

double Fields::number_or(std::string_view key, double fallback) { return optional_number(key).value_or(fallback); }

std::string Fields::text(std::string_view key) {
  const std::string* s = value(key).string();
  if (!s) fail(key, "wrong_type", "expected a text");
  return *s;
}

std::string Fields::text_or(std::string_view key, std::string fallback) { return has(key) ? text(key) : fallback; }

bool Fields::flag_or(std::string_view key, bool fallback) {
  const Value* found = optional_value(key);
  if (!found) return fallback;
  const bool* flag = std::get_if<bool>(&found->data());
  if (!flag) fail(key, "wrong_type", "expected true or false");
  return *flag;
}

std::vector<double> Fields::numbers(std::string_view key) {
  const Array* array = value(key).array();
  if (!array) fail(key, "wrong_type", "expected a list of numbers");
  std::vector<double> result;
  for (const Value& v : *array) {
    if (!v.number()) fail(key, "wrong_type", "expected a list of numbers");
    result.push_back(*v.number());
  }
  return result;
}

Vec3 Fields::vec3(std::string_view key) {
  const auto v = numbers(key);
  if (v.size() != 3) fail(key, "wrong_type", "expected three numbers");
  for (const double d : v)
    if (!(std::abs(d) <= largest_component)) fail(key, "out_of_range", "a component is larger than 1e6");
  return {v[0], v[1], v[2]};
}

std::vector<std::string> Fields::texts(std::string_view key) {
  const Array* array = value(key).array();
  if (!array) fail(key, "wrong_type", "expected a list of texts");
  std::vector<std::string> result;
  for (const Value& v : *array) {
    if (!v.string()) fail(key, "wrong_type", "expected a list of texts");
    result.push_back(*v.string());
  }
  return result;
}

std::vector<Fields> Fields::objects(std::string_view key) {
  const Array* array = value(key).array();
  if (!array) fail(key, "wrong_type", "expected a list of objects");
  std::vector<Fields> result;
  for (std::size_t k = 0; k < array->size(); ++k)
    result.emplace_back((*array)[k], file_, path_ + "/" + std::string(key) + "[" + std::to_string(k) + "]", kind_);
  return result;
}

Fields Fields::object(std::string_view key) { return Fields(value(key), file_, path_ + "/" + std::string(key), kind_); }

void Fields::done() const {
  for (const Member& member : *object_->object())
    if (std::find(seen_.begin(), seen_.end(), member.key) == seen_.end())
      fail(member.key, "unknown_key", "is not known here; a mistyped key would silently not apply");
}

}  // namespace iqgate::json
