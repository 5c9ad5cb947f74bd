#pragma once
#include <string>
#include <vector>

#include "iqgate/store/store.hpp"

namespace iqgate::batch {

struct VerifiedStore {
  std::size_t results = 0, files = 0;
  std::vector<std::string> faults;  ///< empty: unchanged
};

/// Every row bears its seal, every file its SHA-256, no result is missing and none was added.
VerifiedStore verify_store(store::Store& store, const std::string& results_folder);

}  // namespace iqgate::batch
