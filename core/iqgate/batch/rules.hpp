#pragma once
// A site's rules (iqgate.rules/1): which phantom, limits and reference belong to a scan. The first match wins.
#include <map>
#include <string>
#include <vector>

namespace iqgate::batch {

/// What a rule may look at.
struct ScanFacts {
  std::string modality;
  std::string folder;                       ///< below the root, with / between names
  std::map<std::string, std::string> tags;  ///< DICOM keyword, text
};

struct Rule {
  std::string name = "default";
  std::string modality, folder;             ///< patterns; empty: any
  std::map<std::string, std::string> tags;  ///< keyword, pattern: all must match
  bool skip = false;
  std::string phantom = "auto";
  std::vector<std::string> limits;  ///< empty: those of the phantom's file
  bool judge = true;
  std::string reference;  ///< a profile; empty: not compared
  std::vector<std::string> metrics;
};

/// `known_tags`: keywords that a scan can have; another one is an error. Throws UsageError naming file and key.
std::vector<Rule> read_rules(const std::string& path, const std::vector<std::string>& known_tags);
/// nullptr where none matches.
const Rule* first_match(const std::vector<Rule>& rules, const ScanFacts& facts);
/// `*` stands for any text, `?` for one character; upper and lower case are one.
bool matches(const std::string& pattern, const std::string& text);

}  // namespace iqgate::batch
