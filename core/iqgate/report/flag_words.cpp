#include "iqgate/report/flag_words.hpp"

#include <map>

namespace iqgate::report {

std::string flag_words(const std::string& flag) {
  static const std::map<std::string, std::string> texts{
      {"profile_sd", "few scans: the reference's scatter stands for the site's, unless the site's is larger"},
      {"few_scans", "fewer scans than the profile asks for a GO"},
      {"reference_fixed", "the reference is a published number without scatter"},
      {"paired", "compared in pairs with reference scans"},
      {"no_repositioning", "the phantom was not set up anew between the scans"},
      {"site_less_repeatable", "the site's scans scatter more than the reference's (information, p < 0.05)"},
      {"same_phantom", "site and reference measured the same phantom: its certificate's uncertainty drops out"},
      {"repositioning_unknown", "it is not known whether the phantom was set up anew between the scans"},
      {"reference_not_repositioned", "the phantom was not set up anew between the reference's scans"},
      {"profile_without_digest", "the profile was written or changed by hand and never sealed with its digest"},
      {"scanner_not_told", "the scans do not tell which scanner they are of"},
      {"one_day", "all scans are of one day: nothing is known about drift"},
      {"conditions_differ", "the scans were not taken as the profile demands"},
      {"no_gate_metric", "the profile names no gate metric"},
      {"no_conditions", "the profile demands no acquisition conditions"},
      {"looks_not_counted", "no decision log was given: it is not known how often this site was looked at"},
      {"unplanned_look", "more looks or scans than were planned: a GO is provisional"}};
  const auto found = texts.find(flag);
  return found == texts.end() ? flag : found->second;
}

}  // namespace iqgate::report
