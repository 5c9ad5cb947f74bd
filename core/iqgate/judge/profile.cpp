#include "iqgate/judge/profile.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "iqgate/judge/margin_test.hpp"

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
  if (m.dof && !(*m.dof >= 1 && *m.dof <= double(m.n) - 1))
    fields.fail("dof", "out_of_range", "must be from 1 to n - 1");
  if (!(std::abs(m.mean) < 1e12)) fields.fail("mean", "out_of_range", "is beyond any number of this program");
  if (m.sd_within && !(*m.sd_within < 1e12 && *m.sd_within > 1e-9 * std::abs(m.mean)))
    fields.fail("sd_within", "out_of_range", "is no scatter that a scanner has");
  if (!fields.has("values")) return;
  m.values = fields.numbers("values");
  if (m.values.size() != m.n || (scans > 0 && m.n != scans))
    fields.fail("values", "inconsistent", "must hold one number for each reference scan");
  double sum = 0;
  for (const double v : m.values) sum += v;
  if (std::abs(sum / double(m.n) - m.mean) > 1e-9 * std::abs(m.mean) + 1e-12)
    fields.fail("mean", "inconsistent", "is not the mean of the values");
}

// Mean, worst acceptable values and values must have a place on the scale.
void check_domain(json::Fields& fields, const ProfileMetric& m) {
  if (!std::isfinite(to_scale(m.mean, m.scale, m.unit)))
    fields.fail("mean", "out_of_range", "has no place on the " + std::string(word(m.scale)) + " scale");
  for (const double v : m.values)
    if (!std::isfinite(to_scale(v, m.scale, m.unit)))
      fields.fail("values", "out_of_range", "have no place on the " + std::string(word(m.scale)) + " scale");
  if (!(m.margin > 0)) return;
  const double width = m.margin_kind == MarginKind::relative ? m.margin * m.mean : m.margin;
  if (m.margin_kind == MarginKind::relative && !(m.mean > 0))
    fields.fail("margin_kind", "out_of_range", "a share of a mean that is not positive is no margin");
  if ((m.better != Better::lower && !std::isfinite(to_scale(m.mean - width, m.scale, m.unit))) ||
      (m.better != Better::higher && !std::isfinite(to_scale(m.mean + width, m.scale, m.unit))))
    fields.fail("margin", "out_of_range", "reaches beyond the " + std::string(word(m.scale)) + " scale");
}

// What the values say must be what stands beside them.
void check_spread(const std::string& file, const Profile& profile) {
  for (const ProfileMetric& m : profile.metrics) {
    if (m.values.empty()) continue;
    ProfileMetric linear = m;
    linear.scale = Scale::linear;
    const ReferenceStatistics r = reference_statistics(linear, profile);
    const bool same_sd = m.sd_within ? std::abs(*m.sd_within - r.sample.sd) <= 1e-6 * r.sample.sd : !(r.dof > 0);
    if (!same_sd || (m.dof && *m.dof != r.dof))
      throw UsageError("inconsistent", file,
                       metric_key(m.name, m.variant, m.where) + ": sd_within or dof is not that of the values");
  }
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
  if (m.limit && fields.has("margin"))
    fields.fail("margin", "out_of_range", "a metric has a margin or a limit, not both");
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
  if (!plan) read_numbers(fields, scans, m), check_domain(fields, m);
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
  if (p.fixed && !p.scans.empty())
    fields.fail("reference", "out_of_range",
                "a reference of measured scans is estimated; fixed is for published numbers");
  p.repositioned = fields.flag_or("repositioned", true);
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
  if (!plan) check_spread(path, p);
  p.digest = profile_digest(document);
  p.sealed = !stated.empty();
  if (!stated.empty() && stated != p.digest)
    throw UsageError("changed_profile", path, "was changed after it was fixed: its digest is not that of its text",
                     "take the profile as it was, or leave the digest out and say why it is another profile");
  return p;
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

std::map<std::string, std::string> Profile::inputs() const {
  std::map<std::string, std::string> all;
  for (const ReferenceScan& s : scans)
    for (const std::string& hash : s.inputs) all[hash] = "the profile's own scans";
  return all;
}

std::size_t Profile::scanners() const {
  std::set<std::string> names;
  for (const ReferenceScan& s : scans) names.insert(s.scanner);
  return std::max<std::size_t>(names.size(), 1);
}

Profile read_profile(const std::string& path) { return read(path, false); }
Profile read_plan(const std::string& path) { return read(path, true); }

}  // namespace iqgate::judge
