// The folders are the architecture: this holds the table of who may include whom against the code.
#include <fstream>
#include <map>
#include <regex>
#include <set>

#include "support/support.hpp"

namespace iqgate {
namespace {
namespace fs = std::filesystem;

const std::map<std::string, std::set<std::string>> allowed{
    {"base", {}},
    {"phantom", {"base"}},
    {"compute", {"base", "phantom"}},
    {"read", {"base"}},
    {"locate", {"base", "phantom", "compute"}},
    {"measure", {"base", "phantom", "compute"}},
    {"judge", {"base"}},
    {"report", {"base", "judge"}},
    {"store", {"base", "judge", "report"}},
    {"batch", {"base", "judge", "report", "store"}},
    {"pipeline", {"base", "phantom", "compute", "read", "locate", "measure", "judge", "report"}},
};

std::vector<fs::path> sources(const std::string& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(std::string(IQGATE_SOURCE_DIR) + "/" + folder)) {
    const std::string e = entry.path().extension();
    if (e == ".hpp" || e == ".cpp" || e == ".cu") files.push_back(entry.path());
  }
  return files;
}

std::vector<std::string> includes(const fs::path& file) {
  std::ifstream stream(file);
  std::vector<std::string> names;
  const std::regex pattern("^\\s*#\\s*include\\s*[<\"]([^>\"]+)[>\"]");
  for (std::string line; std::getline(stream, line);)
    if (std::smatch match; std::regex_search(line, match, pattern)) names.push_back(match[1]);
  return names;
}

TEST(IncludeRules, CoreFollowsItsTable) {
  std::size_t seen = 0;
  for (const auto& [folder, may] : allowed)
    for (const fs::path& file : sources("core/iqgate/" + folder)) {
      ++seen;
      for (const std::string& name : includes(file)) {
        EXPECT_EQ(name.rfind("iqgate_cuda/", 0), std::string::npos) << file;
        EXPECT_EQ(name.rfind("cli/", 0), std::string::npos) << file;
        if (name.rfind("iqgate/", 0) != 0) continue;
        const std::string other = name.substr(7, name.find('/', 7) - 7);
        EXPECT_TRUE(other == folder || may.count(other)) << file << " includes " << name;
      }
    }
  EXPECT_GT(seen, 60u);
}

TEST(IncludeRules, LibrariesStayOutOfOurHeaders) {
  for (const fs::path& file : sources("core")) {
    if (file.extension() != ".hpp") continue;
    for (const std::string& name : includes(file))
      for (const char* library : {"itk", "dcmtk", "hdf5", "nlohmann", "fftw", "cairo", "archive", "openssl", "Eigen",
                                  "boost", "openjpeg", "zlib", "kainjow", "cuda"})
        EXPECT_EQ(name.rfind(library, 0), std::string::npos) << file << " includes " << name;
  }
}

TEST(IncludeRules, KernelsKnowNoCudaHeaderAndOneFileAsksForCuda) {
  for (const fs::path& file : sources("cuda/iqgate_cuda"))
    for (const std::string& name : includes(file))
      EXPECT_EQ(name.rfind("cuda", 0), std::string::npos) << file << " includes " << name;
  for (const char* folder : {"core", "cuda/iqgate_cuda", "tools"})
    for (const fs::path& file : sources(folder)) {
      if (file.filename() == "host_device.hpp") continue;
      std::ifstream stream(file);
      for (std::string line; std::getline(stream, line);)
        EXPECT_FALSE(line.find("#if") != std::string::npos && line.find("CUDA") != std::string::npos)
            << file << ": " << line;
    }
}

TEST(IncludeRules, EachLibraryOfOneJobInOneFile) {
  for (const char* library : {"CLI/CLI.hpp", "nlohmann/json.hpp", "kainjow/mustache.hpp", "archive.h", "fftw3.h",
                              "openjpeg-2.5/openjpeg.h", "cairo.h"}) {
    int users = 0;
    for (const char* folder : {"core", "tools"})
      for (const fs::path& file : sources(folder))
        for (const std::string& name : includes(file)) users += name == library;
    EXPECT_EQ(users, 1) << library;
  }
}

}  // namespace
}  // namespace iqgate
