#pragma once
#include <vector>

#include "iqgate/read/bytes.hpp"

namespace iqgate::read {

bool looks_like_zip(const ByteSource& source);
/// The regular files of a zip archive, unpacked into memory under the limits; nothing is written anywhere.
/// Refuses (InputError) encryption, nested archives' bombs, and any entry or total over the limits.
std::vector<ByteSource> read_archive(const ByteSource& source, const IntakeLimits& limits);

}  // namespace iqgate::read
