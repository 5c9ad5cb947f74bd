// A libFuzzer target: one reader or parser of text (IQGATE_DOOR) on any bytes. The project's own errors are answers;
// every other exception, a broken promise of a reader, a crash, a hang or too much memory is a finding.
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "support/doors.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const iqgate::read::IntakeLimits limits = iqgate::test::small_limits();
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const iqgate::test::Outcome outcome = iqgate::test::through_door(IQGATE_DOOR, bytes, limits);
  if (!outcome.fault.empty()) {
    std::fprintf(stderr, "broken promise: %s\n", outcome.fault.c_str());
    std::abort();
  }
  return 0;
}
