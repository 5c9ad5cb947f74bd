#pragma once
// DCMTK says of damaged pixel streams only in its log what it has filled in: here that is counted.
#include <cstddef>

namespace iqgate::read {

/// Turns DCMTK's output off and starts counting. Any number of calls, from any thread.
void listen_to_dcmtk();
/// Warnings and errors of DCMTK's image codecs in this thread so far.
std::size_t codec_complaints();

}  // namespace iqgate::read
