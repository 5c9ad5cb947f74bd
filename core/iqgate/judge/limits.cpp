#include "iqgate/judge/limits.hpp"

#include "iqgate/base/json.hpp"
#include "iqgate/base/sha256.hpp"

namespace iqgate::judge {
namespace {

Bounds read_bounds(json::Fields& fields, std::string_view key) {
  const json::Array* pair = fields.value(key).array();
  if (!pair || pair->size() != 2) fields.fail(key, "wrong_type", "expected [low, high], null for no bound");
  Bounds bounds;
  for (std::size_t k = 0; k < 2; ++k) {
    const json::Value& v = (*pair)[k];
    if (!v.is_null() && !v.number()) fields.fail(key, "wrong_type", "expected [low, high], null for no bound");
    (k == 0 ? bounds.low : bounds.high) = v.number();
  }
  if (bounds.low && bounds.high && *bounds.low > *bounds.high)
    fields.fail(key, "out_of_range", "the low bound lies above the high one");
  return bounds;
}

Limit read_limit(json::Fields& fields) {
  Limit limit;
  limit.name = fields.text("name");
  limit.variant = fields.text_or("variant", "*");
  limit.where = fields.text_or("where", "*");
  limit.unit = fields.text("unit");
  if (!known_unit(limit.unit))
    fields.fail("unit", "unknown_value", "\"" + limit.unit + "\" is not a unit of this program");
  limit.act = read_bounds(fields, "act");
  if (fields.has("warn")) limit.warn = read_bounds(fields, "warn");
  limit.open = fields.flag_or("open", false);
  const std::string relative = fields.text_or("relative_to", "none");
  if (relative == "nominal") limit.relative_to = RelativeTo::nominal;
  else if (relative == "baseline") limit.relative_to = RelativeTo::baseline;
  else if (relative != "none") fields.fail("relative_to", "unknown_value", "must be none, nominal or baseline");
  const std::string decision = fields.text_or("decision", "interval");
  if (decision == "value") limit.decision = Decision::value;
  else if (decision == "guarded") limit.decision = Decision::guarded;
  else if (decision != "interval") fields.fail("decision", "unknown_value", "must be interval, value or guarded");
  if (fields.has("when")) {
    json::Fields when = fields.object("when");
    for (const char* key : {"field_strength_t", "tube_voltage_kv"})
      if (when.has(key)) limit.when[key] = read_bounds(when, key);
    when.done();
  }
  limit.due_days = fields.optional_number("due_days");
  if (limit.due_days && !(*limit.due_days > 0 && *limit.due_days < 1e5))
    fields.fail("due_days", "out_of_range", "must be greater than 0 and less than 100000");
  limit.certainty = fields.text_or("certainty", "");
  if (!limit.certainty.empty() && limit.certainty != "H" && limit.certainty != "M" && limit.certainty != "L")
    fields.fail("certainty", "unknown_value", "must be H, M or L");
  limit.source = fields.text("source");
  if (!limit.act.low && !limit.act.high && !limit.warn.low && !limit.warn.high)
    fields.fail("act", "out_of_range", "bounds nothing");
  fields.done();
  return limit;
}

}  // namespace

LimitsFile read_limits(const std::string& path) {
  const json::Value document = json::parse_file(path, ErrorKind::usage);
  json::Fields fields(document, path, "", ErrorKind::usage);
  if (fields.text("schema") != "iqgate.limits/1") fields.fail("schema", "unknown_value", "must be iqgate.limits/1");
  LimitsFile file;
  file.name = fields.text("name");
  file.source = fields.text("source");
  file.edition = fields.text("edition");
  file.phantom = fields.text_or("phantom", "");
  for (json::Fields& entry : fields.objects("limits")) file.limits.push_back(read_limit(entry));
  fields.done();
  file.digest = sha256_file(path);
  return file;
}

}  // namespace iqgate::judge
