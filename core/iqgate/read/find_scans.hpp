#pragma once
#include <set>
#include <string>
#include <vector>

#include "iqgate/base/scan.hpp"
#include "iqgate/read/bytes.hpp"
#include "iqgate/read/scan_header.hpp"

namespace iqgate::read {

/// named: somebody chose these paths. tree: nobody did (a batch): volumes form a group within one study only, volumes
/// without tags never, and a file is treated as one that a folder holds.
enum class Gather { named, tree };

/// Every scan under the given files and folders (zip archives are read in place), in a fixed order that does not
/// depend on the order or names of files. Unknown files inside folders are left out; one named by itself is refused.
/// Throws InputError when a path does not exist. `without`: files and folders that are not looked at.
std::vector<ScanHeader> find_scans(const std::vector<std::string>& paths, const IntakeLimits& limits = {},
                                   Gather gather = Gather::named, const std::set<std::string>& without = {});

/// DICOM keywords that a site's rules may look at: those of ScanHeader's tags and identity.
std::vector<std::string> rule_keywords();

/// Decodes one scan. A time series (raster file with a fourth dimension) gives one Scan a volume.
std::vector<Scan> load_scan(const ScanHeader& header);

}  // namespace iqgate::read
