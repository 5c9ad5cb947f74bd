#include <algorithm>
#include <map>

#include "cli/options.hpp"
#include "iqgate/base/error.hpp"
#include "iqgate/base/json.hpp"

namespace iqgate::cli {
namespace {

std::string word(const json::Value& v) { return v.string() ? *v.string() : json::write(v, 0); }

// Given on the command line, as --key, --key=value or its short name.
bool given(const std::vector<std::string>& args, const std::string& key) {
  static const std::map<std::string, std::string> short_names{
      {"output", "-o"}, {"jobs", "-j"}, {"quiet", "-q"}, {"dry-run", "-n"}};
  const std::string option = "--" + key;
  const auto found = short_names.find(key);
  return std::any_of(args.begin(), args.end(), [&](const std::string& arg) {
    return arg == option || arg.rfind(option + "=", 0) == 0 ||
           (found != short_names.end() && arg.rfind(found->second, 0) == 0);
  });
}

void append(std::vector<std::string>& args, const json::Member& m) {
  const std::string option = "--" + m.key;
  if (const bool* flag = std::get_if<bool>(&m.value.data())) {
    if (*flag) args.push_back(option);
  } else if (m.value.array()) {
    // Texts repeat the option; numbers are the values of one.
    bool first = true;
    for (const json::Value& v : *m.value.array()) {
      if (first || v.string()) args.push_back(option);
      args.push_back(word(v));
      first = false;
    }
  } else {
    args.push_back(option);
    args.push_back(word(m.value));
  }
}

}  // namespace

std::vector<std::string> with_config(std::vector<std::string> args) {
  std::string file;
  for (std::size_t k = 0; k < args.size(); ++k) {
    if ((args[k] == "-c" || args[k] == "--config") && k + 1 < args.size()) file = args[k + 1];
    else if (args[k].rfind("--config=", 0) == 0) file = args[k].substr(9);
    else if (args[k].size() > 2 && args[k].rfind("-c", 0) == 0) file = args[k].substr(2);
  }
  if (file.empty()) return args;
  const json::Value document = json::parse_file(file, ErrorKind::usage);
  if (!document.object()) throw UsageError("wrong_type", file, "expected an object with long option names as keys");
  const std::vector<std::string> typed = args;
  for (const json::Member& m : *document.object())
    if (m.key == "help" || m.key == "version" || m.key == "config")
      throw UsageError("unknown_key", file, "\"" + m.key + "\" cannot be set in a config file");
  for (const json::Member& m : *document.object())
    if (m.key != "schema" && !given(typed, m.key)) append(args, m);
  return args;
}

}  // namespace iqgate::cli
