#pragma once
// Strict JSON as a value: ordered keys, equal keys refused, `//` comments allowed, NaN and Inf never written.
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "iqgate/base/error.hpp"
#include "iqgate/base/geometry.hpp"

namespace iqgate::json {

struct Member;
class Value;
using Array = std::vector<Value>;
using Object = std::vector<Member>;

class Value {
 public:
  using Data = std::variant<std::nullptr_t, bool, std::int64_t, double, std::string, Array, Object>;
  Value();
  Value(std::nullptr_t);
  Value(bool v);
  Value(int v);
  Value(std::int64_t v);
  Value(std::size_t v);
  Value(double v);
  Value(const char* v);
  Value(std::string v);
  Value(Array v);
  Value(Object v);
  /// Absent becomes null.
  Value(const std::optional<double>& v);
  Value(const Value& other);
  Value(Value&& other) noexcept;
  Value& operator=(const Value& other);
  Value& operator=(Value&& other) noexcept;
  ~Value();

  const Data& data() const { return data_; }
  bool is_null() const { return std::holds_alternative<std::nullptr_t>(data_); }
  bool is_number() const {
    return std::holds_alternative<double>(data_) || std::holds_alternative<std::int64_t>(data_);
  }
  bool is_string() const { return std::holds_alternative<std::string>(data_); }
  const Array* array() const { return std::get_if<Array>(&data_); }
  const Object* object() const { return std::get_if<Object>(&data_); }
  const std::string* string() const { return std::get_if<std::string>(&data_); }
  std::optional<double> number() const;
  /// The member of an object, or nullptr.
  const Value* find(std::string_view key) const;
  /// Appends a member (objects only).
  void set(std::string key, Value value);

 private:
  Data data_;
};

struct Member {
  std::string key;
  Value value;
};

Array array_of(const std::vector<double>& values);
Array array_of(const std::vector<std::string>& values);
Array array_of(Vec3 v);
Object object_of(const std::map<std::string, std::string>& texts);

/// Parses `text`; errors name `file` and the byte. `kind` chooses UsageError or InputError behaviour.
Value parse(std::string_view text, const std::string& file, ErrorKind kind);
/// Reads and parses a file of at most 256 MiB.
Value parse_file(const std::string& path, ErrorKind kind);

/// Shortest text that reads back as the same double; refuses NaN and Inf with std::logic_error.
std::string number_text(double value);
/// `indent` 0: one line; else that many spaces a level (arrays of numbers stay on one line).
std::string write(const Value& value, int indent = 2);

/// A look into a document that was checked elsewhere: empty where the member is not there or of another type.
std::string text_at(const Value* object, std::string_view key);
std::optional<double> number_at(const Value* object, std::string_view key);
bool flag_at(const Value* object, std::string_view key);
const Array& list_at(const Value* object, std::string_view key);

/// Strict access to an object's members: every key must be consumed, errors name file and key.
class Fields {
 public:
  Fields(const Value& value, std::string file, std::string path, ErrorKind kind);
  bool has(std::string_view key) const;
  const Value& value(std::string_view key);
  const Value* optional_value(std::string_view key);
  double number(std::string_view key);
  std::optional<double> optional_number(std::string_view key);
  double number_or(std::string_view key, double fallback);
  std::string text(std::string_view key);
  std::string text_or(std::string_view key, std::string fallback);
  bool flag_or(std::string_view key, bool fallback);
  Vec3 vec3(std::string_view key);
  std::vector<double> numbers(std::string_view key);
  std::vector<std::string> texts(std::string_view key);
  /// Members of an array of objects, each as Fields.
  std::vector<Fields> objects(std::string_view key);
  Fields object(std::string_view key);
  /// Throws if a key was never asked for.
  void done() const;
  [[noreturn]] void fail(std::string_view key, const std::string& code, const std::string& why) const;
  const std::string& file() const { return file_; }
  const std::string& path() const { return path_; }

 private:
  const Value* object_;
  std::string file_, path_;
  ErrorKind kind_;
  std::vector<std::string> seen_;
};

}  // namespace iqgate::json
