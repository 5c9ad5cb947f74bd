#include "iqgate/report/document.hpp"

namespace iqgate::report {
namespace {

using json::Value;

Value bounds_json(const judge::Bounds& b) { return json::Array{Value(b.low), Value(b.high)}; }

Value scan_json(const ScanRecord& s) {
  Value v;
  v.set("id", s.id);
  v.set("role", s.role);
  v.set("modality", s.modality);
  v.set("value_unit", s.value_unit);
  v.set("matrix", json::Array{Value(s.grid.size.x), Value(s.grid.size.y), Value(s.grid.size.z)});
  v.set("spacing_mm", json::Array{Value(s.grid.spacing_mm.x), Value(s.grid.spacing_mm.y),
                                  s.slice_spacing_known ? Value(s.grid.spacing_mm.z) : Value()});
  v.set("files", s.files);
  v.set("frames", s.frames);
  v.set("sha256", json::array_of(s.sha256));
  v.set("flags", json::array_of(s.flags));
  v.set("tags", json::object_of(s.tags));
  return v;
}

Value placement_json(const Placement& p) {
  Value v;
  v.set("method", p.method);
  json::Array rows;
  for (int r = 0; r < 3; ++r)
    rows.emplace_back(json::Array{Value(p.rotation(r, 0)), Value(p.rotation(r, 1)), Value(p.rotation(r, 2))});
  v.set("rotation", std::move(rows));
  v.set("translation_mm", json::array_of(p.translation_mm));
  const Vec3 turn = degrees_from_rotation(p.rotation);
  v.set("pitch_deg", turn.x);
  v.set("yaw_deg", turn.y);
  v.set("roll_deg", turn.z);
  v.set("mirrored", p.mirrored);
  v.set("center_se_mm", Value(p.center_se_mm));
  v.set("axial_se_mm", Value(p.axial_se_mm));
  v.set("axis_se_deg", Value(p.axis_se_deg));
  v.set("roll_se_deg", Value(p.roll_se_deg));
  v.set("runner_up_score", Value(p.runner_up));
  json::Array modules;
  for (const ModuleRoll& m : p.modules) {
    Value entry;
    entry.set("name", m.name);
    entry.set("residual_roll_deg", m.residual_roll_deg);
    entry.set("se_deg", m.se_deg);
    modules.push_back(std::move(entry));
  }
  v.set("modules", std::move(modules));
  v.set("radius_mm", Value(p.radius_mm));
  v.set("radius_se_mm", Value(p.radius_se_mm));
  v.set("length_mm", Value(p.length_mm));
  v.set("fit_rms_mm", p.fit_rms_mm);
  v.set("flags", json::array_of(p.flags));
  return v;
}

Value measurement_json(const Measurement& m) {
  Value v;
  v.set("name", m.name);
  v.set("variant", m.variant);
  v.set("where", m.where);
  v.set("value", m.value);
  v.set("unit", m.unit);
  v.set("se", Value(m.se));
  v.set("se_localisation", Value(m.se_localisation));
  v.set("ci95_lo", m.ci95 ? Value(m.ci95->low) : Value());
  v.set("ci95_hi", m.ci95 ? Value(m.ci95->high) : Value());
  v.set("n_eff", Value(m.n_eff));
  v.set("method", m.method);
  v.set("standard", m.standard);
  v.set("flags", json::array_of(m.flags));
  return v;
}

Value axis_json(const Axis& a) {
  Value v;
  v.set("name", a.name);
  v.set("unit", a.unit);
  v.set("values", json::array_of(a.values));
  return v;
}

Value curve_json(const Curve& c) {
  Value v;
  v.set("name", c.name);
  v.set("variant", c.variant);
  v.set("where", c.where);
  v.set("x", axis_json(c.x));
  v.set("y", axis_json(c.y));
  if (!c.ci95_lo.empty()) {
    v.set("ci95_lo", json::array_of(c.ci95_lo));
    v.set("ci95_hi", json::array_of(c.ci95_hi));
  }
  return v;
}

Value verdict_json(const judge::Verdict& d) {
  Value v;
  v.set("name", d.name);
  v.set("variant", d.variant);
  v.set("where", d.where);
  v.set("state", std::string(word(d.state)));
  if (d.limit) {
    Value limit;
    limit.set("act", bounds_json(d.limit->act));
    limit.set("warn", bounds_json(d.limit->warn));
    limit.set("unit", d.limit->unit);
    limit.set("open", d.limit->open);
    limit.set("relative_to", d.limit->relative_to == judge::RelativeTo::none      ? "none"
                             : d.limit->relative_to == judge::RelativeTo::nominal ? "nominal"
                                                                                  : "baseline");
    limit.set("decision", std::string(word(d.limit->decision)));
    if (d.limit->due_days) limit.set("due_days", *d.limit->due_days);
    limit.set("certainty", d.limit->certainty);
    if (d.applied) limit.set("applied", bounds_json(*d.applied));
    v.set("limit", std::move(limit));
    v.set("source", d.limit->source);
  } else {
    v.set("limit", Value());
    v.set("source", "");
  }
  v.set("flags", json::array_of(d.flags));
  return v;
}

template <class T, class F>
Value list(const std::vector<T>& items, F&& convert) {
  json::Array array;
  for (const T& item : items) array.push_back(convert(item));
  return array;
}

}  // namespace

Value document_json(const Document& d) {
  Value v;
  v.set("schema", "iqgate.result/1");
  v.set("software", json::object_of(d.software));
  Value input;
  input.set("scans", list(d.scans, scan_json));
  input.set("settings", json::object_of(d.settings));
  v.set("input", std::move(input));
  Value phantom;
  phantom.set("name", d.phantom_name);
  phantom.set("title", d.phantom_title);
  phantom.set("source", d.phantom_source);
  phantom.set("sha256", d.phantom_digest);
  phantom.set("score", d.placement ? Value(d.placement->score) : Value());
  phantom.set("placement", d.placement ? placement_json(*d.placement) : Value());
  v.set("phantom", std::move(phantom));
  Value backend;
  backend.set("name", d.backend);
  backend.set("device", d.device);
  backend.set("reason", d.backend_reason);
  v.set("backend", std::move(backend));
  v.set("context", json::object_of(d.context));
  v.set("measurements", list(d.results.measurements, measurement_json));
  v.set("not_measured", list(d.results.not_measured, [](const NotMeasured& n) {
          Value item;
          item.set("name", n.name);
          item.set("where", n.where);
          item.set("reason", n.reason);
          return item;
        }));
  v.set("curves", list(d.results.curves, curve_json));
  v.set("regions", list(d.results.regions, region_json));
  v.set("verdicts", list(d.judgement.verdicts, verdict_json));
  v.set("limits", list(d.limits, [](const judge::LimitsFile& f) {
          Value item;
          item.set("name", f.name);
          item.set("source", f.source);
          item.set("edition", f.edition);
          item.set("sha256", f.digest);
          return item;
        }));
  v.set("overall", std::string(word(d.judgement.overall)));
  v.set("files", json::object_of(d.files));
  v.set("created_utc", d.created_utc);
  return v;
}

}  // namespace iqgate::report
