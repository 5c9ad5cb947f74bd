#pragma once
#include <optional>
#include <vector>

#include "iqgate/measure/metric.hpp"
#include "iqgate/phantom/model.hpp"

namespace iqgate::pipeline {

/// Takes the scan of role `reference` out of a group, if there is one.
std::optional<Scan> take_reference(std::vector<Scan>& scans);

/// Looks for the phantom in the reference, and lays the reference onto the grid of the first scan of the job, whose
/// placement must be known. Adds the region `image`: the part of the phantom in which both are compared. `scan` must
/// outlive the job. Throws InputError where the two cannot be compared.
void add_reference(const Scan& scan, const phantom::Model& model, measure::Job& job);

}  // namespace iqgate::pipeline
