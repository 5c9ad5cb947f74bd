#pragma once
// DICOM bytes in memory, for DCMTK. Internal to this folder.
#include <memory>
#include <string>

class DcmInputStream;

namespace iqgate::read {

/// A stream over bytes that are there as a whole. Unlike DCMTK's own buffer stream it lets long values be read when
/// they are asked for, as a file does: else each is allocated at the length that its header claims.
std::unique_ptr<DcmInputStream> memory_stream(std::shared_ptr<const std::string> bytes);

}  // namespace iqgate::read
