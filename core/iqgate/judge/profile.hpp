#pragma once
// A reference profile (iqgate.profile/1): what a research-grade scanner gives, and by how much a site may be worse. It
// is fixed before any scan of the site; its digest says that it still is what was fixed.
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "iqgate/base/json.hpp"
#include "iqgate/judge/limits.hpp"
#include "iqgate/judge/record.hpp"

namespace iqgate::judge {

enum class Scale { linear, log, logit };
enum class Better { higher, lower, target };
enum class MarginKind { absolute, relative };
/// What a GO is about: the scanner's mean, each next scan, a share of its scans, or scanners like those of the
/// reference.
enum class Claim { mean, next_scan, proportion, population };

/// An absolute limit that the site's mean must keep, whatever the reference does.
struct HardLimit {
  Bounds bounds;
  bool simple = false;  ///< the plain value decides on the GO side (JCGM 106, simple acceptance)
  std::string source;
};

/// One number of the profile. Means, SDs and margins are in `unit`; comparisons happen on `scale`.
struct ProfileMetric {
  std::string name, variant, where, unit;
  std::string title;  ///< in words for readers who are not physicists; may be empty
  bool gate = false;  ///< false: shown, decides nothing
  std::size_t n = 0;  ///< reference scans
  double mean = 0;
  std::optional<double> sd_within;   ///< between repeated scans of one scanner, the phantom set up anew
  std::optional<double> sd_between;  ///< between the scanners of the reference fleet
  std::optional<double> dof;         ///< of sd_within; n - 1 where not told
  std::vector<double> values;        ///< one a reference scan, in the order of Profile::scans; may be empty
  double systematic = 0;             ///< standard uncertainty that no number of scans makes smaller
  Scale scale = Scale::linear;
  Better better = Better::target;
  double margin = 0;  ///< absolute: in `unit`; relative: a share, 0.05 for 5 %
  MarginKind margin_kind = MarginKind::absolute;
  std::string rationale, set_by;
  std::optional<HardLimit> limit;       ///< instead of a margin
  std::vector<std::string> refused_if;  ///< flags with which the number is no evidence
  std::optional<double> min_n_eff;
};

/// What an acquisition must be like: a text, or a number from low to high.
struct Condition {
  std::string text;
  std::optional<Interval> range;
};

struct ReferenceScan {
  std::string scanner;              ///< manufacturer, model and serial number
  std::vector<std::string> inputs;  ///< SHA-256 of its files
};

struct Profile {
  std::string name, version, source;
  std::map<std::string, Condition> conditions;
  double alpha_go = 0.05;    ///< one-sided, for each metric
  double alpha_nogo = 0.05;  ///< for the whole family
  std::size_t n_min = 3;
  std::size_t planned_scans = 0;  ///< 0: not planned
  std::size_t looks = 1;
  bool allow_few_scans = false, allow_no_repositioning = false;
  bool fixed = false;        ///< published numbers without an SD
  bool repositioned = true;  ///< the reference's scans were set up anew
  Claim claim = Claim::mean;
  double content = 0.95;  ///< share of scans that claim `proportion` speaks of
  std::string phantom_serial;
  std::vector<ReferenceScan> scans;
  std::vector<ProfileMetric> metrics;
  std::vector<std::vector<double>> correlation;  ///< of the gate metrics, in their order; empty: not known
  std::string digest;                            ///< SHA-256 of all else
  bool sealed = false;                           ///< the file holds its digest

  std::vector<const ProfileMetric*> gates() const;
  /// SHA-256 of the reference's files, each with whose it is.
  std::map<std::string, std::string> inputs() const;
  /// Scanners that the reference scans come from (1 where not told).
  std::size_t scanners() const;
};

std::string_view word(Scale scale);
std::string_view word(Better better);
std::string_view word(Claim claim);
std::string_view word(MarginKind kind);
std::string metric_key(std::string_view name, std::string_view variant, std::string_view where);

/// Reads and checks a profile; throws UsageError naming file and key, and when the digest in it is not that of its
/// text. A profile written by hand may leave the digest out.
Profile read_profile(const std::string& path);
/// What a plan (iqgate.plan/1) fixes: a profile without numbers.
Profile read_plan(const std::string& path);
/// SHA-256 over the document as it stands, without its digest: any change to a frozen file is another profile.
std::string profile_digest(const json::Value& document);
/// The document, its digest last.
json::Value profile_json(const Profile& profile);

}  // namespace iqgate::judge
