#include "iqgate/pipeline/identify.hpp"

#include <algorithm>

#include "iqgate/base/error.hpp"
#include "iqgate/locate/registration.hpp"
#include "iqgate/pipeline/data_files.hpp"

namespace iqgate::pipeline {
namespace {

constexpr double clear_lead = 0.05;  // of one phantom's score over another's

}  // namespace

bool made_for(const phantom::Model& model, const std::string& modality) {
  return modality.empty() ||
         std::find(model.modalities.begin(), model.modalities.end(), modality) != model.modalities.end();
}

std::vector<Candidate> phantoms_that_fit(const Scan& scan) {
  std::vector<Candidate> by_body, by_inserts;
  locate::BodyFinder bodies(scan);
  const auto try_all = [&](bool points) {
    for (const std::string& name : shipped_phantoms()) {
      Candidate candidate{.model = phantom::read_model(find_phantom(name))};
      if (candidate.model.body.kind == phantom::BodyKind::none ||
          (candidate.model.body.kind == phantom::BodyKind::points) != points ||
          !made_for(candidate.model, scan.modality))
        continue;
      try {
        candidate.placement = locate::locate_phantom(scan, candidate.model, bodies);
        candidate.by_inserts = candidate.placement.method == "registration";
        (candidate.by_inserts ? by_inserts : by_body).push_back(std::move(candidate));
      } catch (const locate::AmbiguousPose& error) {
        candidate.by_inserts = candidate.pose_ambiguous = true;
        candidate.placement = locate::as_body(scan, bodies.find(candidate.model.body.kind), candidate.model.body);
        candidate.placement.score = error.score;
        candidate.placement.runner_up = error.score;
        by_inserts.push_back(std::move(candidate));
      } catch (const InputError&) {  // this one is not it
      }
    }
  };
  try_all(false);
  // Laying a cloud of balls takes its time: only where no body is known.
  if (by_inserts.empty() && by_body.empty()) try_all(true);
  if (by_inserts.empty()) return by_body;
  std::stable_sort(by_inserts.begin(), by_inserts.end(),
                   [](const Candidate& a, const Candidate& b) { return a.placement.score > b.placement.score; });
  double& runner_up = *by_inserts.front().placement.runner_up;
  if (by_inserts.size() > 1) runner_up = std::max(runner_up, by_inserts[1].placement.score);
  std::erase_if(by_inserts, [best = by_inserts.front().placement.score](const Candidate& c) {
    return c.placement.score < best - clear_lead;
  });
  return by_inserts;
}

Candidate identify_phantom(const Scan& scan) {
  std::vector<Candidate> accepted = phantoms_that_fit(scan);
  if (accepted.size() == 1 && accepted.front().pose_ambiguous)
    locate::locate_phantom(scan, accepted.front().model);  // says which poses
  if (accepted.size() == 1) return std::move(accepted.front());
  if (accepted.empty()) {
    locate::BodyFinder bodies(scan);
    bodies.find(phantom::BodyKind::cylinder);  // a body that is cut off or not there says so itself
  }
  std::string list;
  for (const Candidate& candidate : accepted) list += " " + candidate.model.name;
  throw InputError(
      accepted.empty() ? "phantom_not_found" : "phantom_ambiguous", "scan " + scan.id,
      accepted.empty() ? "no shipped phantom fits the body in the scan" : "several phantoms fit the scan alike:" + list,
      "name it with --phantom");
}

}  // namespace iqgate::pipeline
