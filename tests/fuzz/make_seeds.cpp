// Writes the sound inputs that the fuzz targets start from: make_seeds CORPUS, into CORPUS/TARGET.
#include <cstdio>
#include <exception>
#include <filesystem>

#include "iqgate/base/atomic_file.hpp"
#include "support/doors.hpp"
#include "support/seeds.hpp"

int main(int count, char** arguments) try {
  if (count != 2) return 2;
  int unread = 0;
  for (const iqgate::test::Seed& seed : iqgate::test::good_seeds(IQGATE_SOURCE_DIR "/phantoms")) {
    const auto folder = std::filesystem::path(arguments[1]) / seed.door;
    std::filesystem::create_directories(folder);
    iqgate::write_file_atomically((folder / ("seed_" + seed.name)).string(), seed.bytes);
    const auto outcome = iqgate::test::through_door(seed.door, seed.bytes, iqgate::test::small_limits());
    if (!outcome.ok() || !outcome.fault.empty()) {
      ++unread;
      std::fprintf(stderr, "%s/%s is not read: %s %s\n", seed.door.c_str(), seed.name.c_str(), outcome.code.c_str(),
                   outcome.fault.c_str());
    }
  }
  return unread == 0 ? 0 : 1;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
