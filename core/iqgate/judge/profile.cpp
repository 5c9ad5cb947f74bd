#include "iqgate/judge/profile.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "iqgate/base/sha256.hpp"

namespace iqgate::judge {
namespace {

constexpr std::array scale_words{"linear", "log", "logit"};
constexpr std::array better_words{"higher", "lower", "target"};
constexpr std::array margin_words{"absolute", "relative"};
constexpr std::array claim_words{"mean", "next_scan", "proportion", "population"};

template <class Enum, std::size_t N>
Enum choice(json::Fields& fields, std::string_view key, const std::array<const char*, N>& words,
            std::optional<Enum> fallback = {}) {
  if (fallback && !fields.has(key)) return *fallback;
  const std::string text = fields.text(key);
  std::string all;
  for (std::size_t k = 0; k < N; ++k) {
    if (text == words[k]) return static_cast<Enum>(k);
    all += (k ? ", " : "") + std::string(words[k]);
  }
  fields.fail(key, "unknown_value", "\"" + text + "\" is none of " + all);
}

double in_range(json::Fields& fields, std::string_view key, double fallback, double low, double high) {
  const double value = fields.number_or(key, fallback);
  if (!(value >= low && value <= high))
    fields.fail(key, "out_of_range", "must be from " + json::number_text(low) + " to " + json::number_text(high));
  return value;
}

std::size_t whole(json::Fields& fields, std::string_view key, std::size_t fallback, std::size_t low) {
  const double value = in_range(fields, key, double(fallback), double(low), 1e6);
  if (value != std::floor(value)) fields.fail(key, "out_of_range", "must be a whole number");
  return static_cast<std::size_t>(value);
}

std::map<std::string, Condition> read_conditions(json::Fields& fields) {
  std::map<std::string, Condition> conditions;
  const json::Value& value = fields.value("conditions");
  if (!value.object()) fields.fail("conditions", "wrong_type", "expected an object of tags");
  for (const json::Member& m : *value.object()) {
    const json::Array* pair = m.value.array();
    if (m.value.string()) {
      conditions[m.key].text = *m.value.string();
    } else if (const auto number = m.value.number()) {
      conditions[m.key].range = Interval{*number, *number};
    } else if (pair && pair->size() == 2 && (*pair)[0].number() && (*pair)[1].number() &&
               *(*pair)[0].number() <= *(*pair)[1].number()) {
      conditions[m.key].range = Interval{*(*pair)[0].number(), *(*pair)[1].number()};
    } else {
      fields.fail("conditions", "wrong_type", m.key + ": expected a text, a number or [low, high]");
    }
  }
  return conditions;
}

void read_numbers(json::Fields& fields, std::size_t scans, ProfileMetric& m) {
  m.n = whole(fields, "n", 0, 1);
  m.mean = fields.number("mean");
  m.sd_within = fields.optional_number("sd_within");
  m.sd_between = fields.optional_number("sd_between");
  m.dof = fields.optional_number("dof");
  if (m.sd_within && !(*m.sd_within > 0)) fields.fail("sd_within", "out_of_range", "must be greater than 0");
  if (m.sd_between && !(*m.sd_between >= 0)) fields.fail("sd_between", "out_of_range", "must not be negative");
  if (m.dof && !(*m.dof > 0)) fields.fail("dof", "out_of_range", "must be greater than 0");
  if (!fields.has("values")) return;
  m.values = fields.numbers("values");
  if (m.values.size() != m.n || (scans > 0 && m.n != scans))
    fields.fail("values", "inconsistent", "must hold one number for each reference scan");
  double sum = 0;
  for (const double v : m.values) sum += v;
  if (std::abs(sum / double(m.n) - m.mean) > 1e-9 * std::abs(m.mean) + 1e-12)
    fields.fail("mean", "inconsistent", "is not the mean of the values");
}

void read_aim(json::Fields& fields, ProfileMetric& m) {
  m.gate = fields.text_or("role", "info") == "gate";
  if (const std::string role = fields.text_or("role", "info"); role != "gate" && role != "info")
    fields.fail("role", "unknown_value", "must be gate or info");
  m.scale = choice<Scale>(fields, "scale", scale_words, m.gate ? std::optional<Scale>() : Scale::linear);
  if (fields.has("limit")) {
    json::Fields limit = fields.object("limit");
    HardLimit hard;
    const json::Array* pair = limit.value("bounds").array();
    if (!pair || pair->size() != 2) limit.fail("bounds", "wrong_type", "expected [low, high], null for no bound");
    hard.bounds = {(*pair)[0].number(), (*pair)[1].number()};
    if (!hard.bounds.low && !hard.bounds.high) limit.fail("bounds", "out_of_range", "bounds nothing");
    const std::string rule = limit.text_or("rule", "interval");
    if (rule != "simple" && rule != "interval") limit.fail("rule", "unknown_value", "must be simple or interval");
    hard.simple = rule == "simple";
    hard.source = limit.text("source");
    limit.done();
    m.limit = hard;
    if (m.scale != Scale::linear) fields.fail("scale", "out_of_range", "a limit is judged on the linear scale");
  }
  const bool aims = m.gate && !m.limit;
  m.better = choice<Better>(fields, "better", better_words, aims ? std::optional<Better>() : Better::target);
  if (aims || fields.has("margin")) {
    m.margin = fields.number("margin");
    m.margin_kind = choice<MarginKind>(fields, "margin_kind", margin_words);
    if (!(m.margin > 0)) fields.fail("margin", "out_of_range", "must be greater than 0");
    if (m.margin_kind == MarginKind::relative && m.margin >= 1)
      fields.fail("margin", "out_of_range", "is a share of the reference: 0.05 for 5 %");
    m.rationale = fields.text("rationale");
    m.set_by = fields.text("set_by");
  } else {
    m.rationale = fields.text_or("rationale", "");
    m.set_by = fields.text_or("set_by", "");
  }
  m.systematic = in_range(fields, "systematic", 0, 0, 1e12);
  if (fields.has("refused_if")) m.refused_if = fields.texts("refused_if");
  m.min_n_eff = fields.optional_number("min_n_eff");
}

ProfileMetric read_metric(json::Fields& fields, bool plan, std::size_t scans) {
  ProfileMetric m;
  m.name = fields.text("name");
  m.variant = fields.text_or("variant", "");
  m.where = fields.text("where");
  m.unit = fields.text("unit");
  m.title = fields.text_or("title", "");
  if (!known_unit(m.unit)) fields.fail("unit", "unknown_value", "\"" + m.unit + "\" is not a unit of this program");
  read_aim(fields, m);
  if (!plan) read_numbers(fields, scans, m);
  fields.done();
  return m;
}

void read_correlation(json::Fields& fields, Profile& profile) {
  const json::Array* rows = fields.value("correlation").array();
  const std::size_t n = profile.gates().size();
  if (!rows) fields.fail("correlation", "wrong_type", "expected a matrix");
  for (const json::Value& row : *rows) {
    std::vector<double> numbers;
    if (row.array())
      for (const json::Value& v : *row.array())
        if (const auto number = v.number(); number && std::abs(*number) <= 1) numbers.push_back(*number);
    if (numbers.size() != n) fields.fail("correlation", "wrong_type", "expected one row and column for each gate");
    profile.correlation.push_back(std::move(numbers));
  }
  if (!profile.correlation.empty() && profile.correlation.size() != n)
    fields.fail("correlation", "wrong_type", "expected one row and column for each gate");
}

void read_scans(json::Fields& fields, Profile& profile) {
  for (json::Fields& entry : fields.objects("scans")) {
    profile.scans.push_back({entry.text_or("scanner", ""), entry.texts("inputs")});
    entry.done();
  }
}

// The digest is over the file as it stands, without the digest: any change to a frozen file is another profile.
std::string digest_of(const json::Value& document) {
  json::Object rest;
  for (const json::Member& m : *document.object())
    if (m.key != "digest") rest.push_back(m);
  return sha256_hex(json::write(rest, 0));
}

Profile read(const std::string& path, bool plan) {
  const json::Value document = json::parse_file(path, ErrorKind::usage);
  json::Fields fields(document, path, "", ErrorKind::usage);
  const std::string schema = plan ? "iqgate.plan/1" : "iqgate.profile/1";
  if (fields.text("schema") != schema) fields.fail("schema", "unknown_value", "must be " + schema);
  Profile p;
  p.name = fields.text("name");
  p.version = fields.text("version");
  p.source = fields.text_or("source", "");
  if (!plan || fields.has("conditions")) p.conditions = read_conditions(fields);
  p.alpha_go = in_range(fields, "alpha_go", 0.05, 1e-6, 0.2);
  p.alpha_nogo = in_range(fields, "alpha_nogo", 0.05, 1e-6, 0.2);
  p.n_min = whole(fields, "n_min", 3, 1);
  p.planned_scans = whole(fields, "planned_scans", 0, 0);
  p.looks = whole(fields, "looks", 1, 1);
  p.allow_few_scans = fields.flag_or("allow_few_scans", false);
  p.allow_no_repositioning = fields.flag_or("allow_no_repositioning", false);
  const std::string reference = fields.text_or("reference", "estimated");
  if (reference != "estimated" && reference != "fixed")
    fields.fail("reference", "unknown_value", "must be estimated or fixed");
  p.fixed = reference == "fixed";
  p.claim = choice<Claim>(fields, "claim", claim_words, Claim::mean);
  p.content = in_range(fields, "content", 0.95, 0.5, 0.9999);
  if (p.claim == Claim::proportion && !p.fixed)
    fields.fail("claim", "out_of_range", "proportion is defined for a fixed reference only");
  p.phantom_serial = fields.text_or("phantom_serial", "");
  if (!plan && fields.has("scans")) read_scans(fields, p);
  std::set<std::string> seen;
  for (json::Fields& entry : fields.objects("metrics")) {
    p.metrics.push_back(read_metric(entry, plan, p.scans.size()));
    const ProfileMetric& m = p.metrics.back();
    if (!seen.insert(metric_key(m.name, m.variant, m.where)).second)
      entry.fail("name", "duplicate", metric_key(m.name, m.variant, m.where) + " stands there twice");
  }
  if (!plan && fields.has("correlation")) read_correlation(fields, p);
  const std::string stated = plan ? "" : fields.text_or("digest", "");
  fields.done();
  p.digest = digest_of(document);
  if (!stated.empty() && stated != p.digest)
    throw UsageError("changed_profile", path, "was changed after it was fixed: its digest is not that of its text",
                     "take the profile as it was, or leave the digest out and say why it is another profile");
  return p;
}

json::Value metric_json(const ProfileMetric& m) {
  json::Value v;
  v.set("name", m.name), v.set("variant", m.variant), v.set("where", m.where), v.set("unit", m.unit);
  if (!m.title.empty()) v.set("title", m.title);
  v.set("role", m.gate ? "gate" : "info");
  v.set("n", m.n), v.set("mean", m.mean);
  v.set("sd_within", json::Value(m.sd_within)), v.set("sd_between", json::Value(m.sd_between));
  if (m.dof) v.set("dof", *m.dof);
  v.set("scale", std::string(word(m.scale))), v.set("better", std::string(word(m.better)));
  if (m.margin > 0) {
    v.set("margin", m.margin);
    v.set("margin_kind", std::string(word(m.margin_kind)));
  }
  if (m.limit) {
    json::Value limit;
    limit.set("bounds", json::Array{json::Value(m.limit->bounds.low), json::Value(m.limit->bounds.high)});
    limit.set("rule", m.limit->simple ? "simple" : "interval");
    limit.set("source", m.limit->source);
    v.set("limit", std::move(limit));
  }
  v.set("rationale", m.rationale), v.set("set_by", m.set_by);
  if (m.systematic > 0) v.set("systematic", m.systematic);
  if (!m.refused_if.empty()) v.set("refused_if", json::array_of(m.refused_if));
  if (m.min_n_eff) v.set("min_n_eff", *m.min_n_eff);
  if (!m.values.empty()) v.set("values", json::array_of(m.values));
  return v;
}

}  // namespace

std::string_view word(Scale s) { return scale_words[static_cast<std::size_t>(s)]; }
std::string_view word(Better b) { return better_words[static_cast<std::size_t>(b)]; }
std::string_view word(Claim c) { return claim_words[static_cast<std::size_t>(c)]; }

std::string_view word(MarginKind k) { return margin_words[static_cast<std::size_t>(k)]; }

std::string metric_key(std::string_view name, std::string_view variant, std::string_view where) {
  return std::string(name) + (variant.empty() ? "" : "[" + std::string(variant) + "]") + " " + std::string(where);
}

std::vector<const ProfileMetric*> Profile::gates() const {
  std::vector<const ProfileMetric*> list;
  for (const ProfileMetric& m : metrics)
    if (m.gate) list.push_back(&m);
  return list;
}

std::size_t Profile::scanners() const {
  std::set<std::string> names;
  for (const ReferenceScan& s : scans) names.insert(s.scanner);
  return std::max<std::size_t>(names.size(), 1);
}

Profile read_profile(const std::string& path) { return read(path, false); }
Profile read_plan(const std::string& path) { return read(path, true); }

json::Value profile_json(const Profile& p) {
  json::Value v;
  v.set("schema", "iqgate.profile/1");
  v.set("name", p.name), v.set("version", p.version), v.set("source", p.source);
  json::Value conditions = json::Object{};
  for (const auto& [tag, c] : p.conditions) {
    if (!c.range) conditions.set(tag, c.text);
    else conditions.set(tag, json::array_of(std::vector<double>{c.range->low, c.range->high}));
  }
  v.set("conditions", std::move(conditions));
  v.set("alpha_go", p.alpha_go), v.set("alpha_nogo", p.alpha_nogo);
  v.set("n_min", p.n_min), v.set("planned_scans", p.planned_scans), v.set("looks", p.looks);
  v.set("allow_few_scans", p.allow_few_scans), v.set("allow_no_repositioning", p.allow_no_repositioning);
  v.set("reference", p.fixed ? "fixed" : "estimated");
  v.set("claim", std::string(word(p.claim)));
  if (p.claim == Claim::proportion) v.set("content", p.content);
  v.set("phantom_serial", p.phantom_serial);
  json::Array scans, metrics, correlation;
  for (const ReferenceScan& s : p.scans) {
    json::Value entry;
    entry.set("scanner", s.scanner), entry.set("inputs", json::array_of(s.inputs));
    scans.push_back(std::move(entry));
  }
  v.set("scans", std::move(scans));
  for (const ProfileMetric& m : p.metrics) metrics.push_back(metric_json(m));
  v.set("metrics", std::move(metrics));
  for (const std::vector<double>& row : p.correlation) correlation.emplace_back(json::array_of(row));
  v.set("correlation", std::move(correlation));
  v.set("digest", digest_of(v));
  return v;
}

}  // namespace iqgate::judge
