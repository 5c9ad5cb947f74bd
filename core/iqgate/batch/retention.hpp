#pragma once
#include <string>

#include "iqgate/store/store.hpp"

namespace iqgate::batch {

/// Of results settled more than so many days ago, pictures, tables and reports go; result.json and every number stay.
/// Returns how many results gave files up.
std::size_t give_up_old_files(store::Store& store, const std::string& results_folder, double keep_days,
                              const std::string& now);

}  // namespace iqgate::batch
