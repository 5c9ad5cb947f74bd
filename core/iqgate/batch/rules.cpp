#include "iqgate/batch/rules.hpp"

#include <algorithm>
#include <cctype>

#include "iqgate/base/json.hpp"

namespace iqgate::batch {
namespace {

char lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

void read_match(json::Fields match, const std::vector<std::string>& known_tags, Rule& rule) {
  rule.modality = match.text_or("modality", "");
  rule.folder = match.text_or("folder", "");
  if (match.has("tags")) {
    const json::Value& tags = match.value("tags");
    if (!tags.object()) match.fail("tags", "wrong_type", "expected an object of keyword and pattern");
    for (const json::Member& m : *tags.object()) {
      if (std::find(known_tags.begin(), known_tags.end(), m.key) == known_tags.end())
        match.fail("tags", "unknown_key", "\"" + m.key + "\" is no tag that rules can look at");
      if (!m.value.string()) match.fail("tags", "wrong_type", "the pattern of " + m.key + " is no text");
      rule.tags[m.key] = *m.value.string();
    }
  }
  match.done();
}

}  // namespace

std::vector<Rule> read_rules(const std::string& path, const std::vector<std::string>& known_tags) {
  const json::Value document = json::parse_file(path, ErrorKind::usage);
  json::Fields fields(document, path, "", ErrorKind::usage);
  if (fields.text("schema") != "iqgate.rules/1") fields.fail("schema", "unknown_value", "must be iqgate.rules/1");
  std::vector<Rule> rules;
  for (json::Fields& entry : fields.objects("rules")) {
    Rule rule;
    rule.name = entry.text("name");
    if (std::any_of(rules.begin(), rules.end(), [&](const Rule& r) { return r.name == rule.name; }))
      entry.fail("name", "duplicate", "two rules are named \"" + rule.name + "\"");
    if (entry.has("match")) read_match(entry.object("match"), known_tags, rule);
    const std::string action = entry.text("action");
    if (action != "measure" && action != "skip") entry.fail("action", "unknown_value", "is neither measure nor skip");
    rule.skip = action == "skip";
    rule.phantom = entry.text_or("phantom", "auto");
    if (entry.has("limits")) rule.limits = entry.texts("limits");
    rule.reference = entry.text_or("reference", "");
    if (entry.has("metrics")) rule.metrics = entry.texts("metrics");
    entry.done();
    rules.push_back(std::move(rule));
  }
  fields.done();
  if (rules.empty()) fields.fail("rules", "out_of_range", "holds no rule: no scan would be measured");
  return rules;
}

bool matches(const std::string& pattern, const std::string& text) {
  std::size_t p = 0, t = 0, star = std::string::npos, kept = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++, kept = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || lower(pattern[p]) == lower(text[t]))) {
      ++p, ++t;
    } else if (star != std::string::npos) {
      p = star + 1, t = ++kept;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

const Rule* first_match(const std::vector<Rule>& rules, const ScanFacts& facts) {
  for (const Rule& rule : rules) {
    bool fits = (rule.modality.empty() || matches(rule.modality, facts.modality)) &&
                (rule.folder.empty() || matches(rule.folder, facts.folder));
    for (const auto& [keyword, pattern] : rule.tags) {
      const auto found = facts.tags.find(keyword);
      fits = fits && matches(pattern, found == facts.tags.end() ? "" : found->second);
    }
    if (fits) return &rule;
  }
  return nullptr;
}

}  // namespace iqgate::batch
