// Archives made to write elsewhere, or to become large: nothing is written at all, and the limits hold.
#include <filesystem>
#include <set>

#include "hostile/corpus.hpp"
#include "iqgate/base/atomic_file.hpp"
#include "iqgate/base/error.hpp"
#include "iqgate/read/archive.hpp"
#include "iqgate/read/find_scans.hpp"
#include "support/dicom_bytes.hpp"
#include "support/raster_bytes.hpp"
#include "support/support.hpp"

namespace iqgate::test {
namespace {
namespace fs = std::filesystem;

std::string slice() {
  return dicom::meta(dicom::explicit_little) + dicom::header({}) + dicom::native(std::string(512, '\5'));
}

ZipEntry deflated_entry(const std::string& name, const std::string& plain) {
  return {.name = name,
          .data = dicom::deflate_raw(plain),
          .method = 8,
          .unpacked = static_cast<std::uint32_t>(plain.size()),
          .crc = static_cast<std::uint32_t>(
              crc32(0, reinterpret_cast<const Bytef*>(plain.data()), static_cast<uInt>(plain.size())))};
}

class HostileArchives : public ::testing::Test {
 protected:
  TemporaryFolder folder;
  std::size_t sent = 0;

  std::set<std::string> below(const fs::path& path) {
    std::set<std::string> names;
    for (const auto& entry : fs::recursive_directory_iterator(path)) names.insert(entry.path().string());
    return names;
  }
  /// `ok`, or the code; nothing but the archive may lie there afterwards.
  std::string code_of(const std::vector<ZipEntry>& entries, const read::IntakeLimits& limits = {}) {
    return code_of_bytes(zip_bytes(entries), limits);
  }
  std::string code_of_bytes(const std::string& bytes, const read::IntakeLimits& limits = {}) {
    ++sent;
    fs::create_directories(folder.path("in/deep"));
    const std::string path = folder.path("in/deep/a.zip");
    write_file_atomically(path, bytes);
    const std::set<std::string> before = below(folder.path());
    std::string code = "no_scan";
    for (const read::ScanHeader& h : read::find_scans({path}, limits)) {
      code = h.usable ? "ok" : h.code;
      if (h.usable) read::load_scan(h);
    }
    EXPECT_EQ(below(folder.path()), before) << "an archive was unpacked into files";
    EXPECT_FALSE(fs::exists("/tmp/iqgate_evil"));
    return code;
  }
};

TEST_F(HostileArchives, NamesLeadNowhere) {
  for (const char* name :
       {"../evil.dcm", "../../../../../../tmp/iqgate_evil", "/tmp/iqgate_evil", "//tmp/iqgate_evil", "..\\..\\evil.dcm",
        "C:\\evil.dcm", "a/../../evil.dcm", "./././x", "", " ", ".", "..", "a\nb", "\x1b[2J.dcm",
        "$(touch /tmp/iqgate_evil)", "`x`", "%s%n", "con", "a/b/c/d/e/f/g/h/i/j"})
    EXPECT_EQ(code_of({{.name = name, .data = slice()}}), "ok") << name;
  EXPECT_EQ(code_of({{.name = std::string(60000, 'x'), .data = slice()}}), "ok");
  EXPECT_EQ(code_of({{.name = std::string("a\0b", 3), .data = slice()}}), "ok");
}

TEST_F(HostileArchives, WhatIsNoFileIsLeftOut) {
  for (const std::uint32_t mode : {0120777u, 0040755u, 0020666u, 0060666u, 0010644u, 0140644u})
    for (const char* target : {"/etc/passwd", "../../x"}) {
      const std::string code = code_of({{.name = "link", .data = target, .mode = mode}});
      EXPECT_TRUE(code == "empty_archive" || code == "nothing_in_archive") << std::oct << mode << " " << code;
      // A file behind a link of the same name would be written through it.
      EXPECT_EQ(code_of({{.name = "link", .data = target, .mode = mode}, {.name = "link/a.dcm", .data = slice()}}),
                "ok");
    }
}

TEST_F(HostileArchives, ASliceTwiceIsNoScan) {
  EXPECT_EQ(code_of({{.name = "a.dcm", .data = slice()}, {.name = "a.dcm", .data = slice()}}), "ok");  // equal: dropped
  std::string other = slice();
  other.back() = '\6';
  EXPECT_EQ(code_of({{.name = "a.dcm", .data = slice()}, {.name = "a.dcm", .data = other}}), "duplicate_slices");
}

TEST_F(HostileArchives, ArchivesInArchivesAreNotEntered) {
  std::string inner = zip_bytes({{.name = "a.dcm", .data = slice()}});
  for (int depth = 0; depth < 5; ++depth) {
    EXPECT_EQ(code_of({{.name = "a.zip", .data = inner}}), "nothing_in_archive");
    inner = zip_bytes({{.name = "a.zip", .data = inner}});
  }
}

TEST_F(HostileArchives, EntriesThatOverlapOrLie) {
  const std::set<std::string> refusals{"bad_archive", "too_large", "empty_archive",   "nothing_in_archive",
                                       "no_scan",     "ok",        "duplicate_slices"};
  std::vector<ZipEntry> overlapping{deflated_entry("a", slice())};
  for (int k = 0; k < 200; ++k) {
    overlapping.push_back({.name = "b" + std::to_string(k), .data = "x"});
    overlapping.back().same_as = 0;
  }
  EXPECT_TRUE(refusals.count(code_of(overlapping)));
  EXPECT_EQ(code_of({{.name = "a", .data = slice(), .crc = 1}}), "bad_archive");
  EXPECT_EQ(code_of({{.name = "a", .data = slice(), .unpacked = 5}}), "bad_archive");
  EXPECT_EQ(code_of({{.name = "a", .data = slice(), .flags = 1}}), "bad_archive");    // encrypted
  EXPECT_EQ(code_of({{.name = "a", .data = slice(), .method = 99}}), "bad_archive");  // a method that is none
  EXPECT_EQ(code_of({{.name = "a", .data = slice(), .method = 8}}), "bad_archive");   // not deflated
}

TEST_F(HostileArchives, LimitsHold) {
  read::IntakeLimits limits;
  EXPECT_EQ(code_of({deflated_entry("a", std::string(std::size_t{40} << 20, '\0'))}), "too_large");  // 1000 : 1
  limits.max_archive_bytes = 1 << 20;
  EXPECT_EQ(code_of({deflated_entry("a", std::string((1 << 20) + 1, '\0'))}, limits), "too_large");
  std::vector<ZipEntry> many;
  for (int k = 0; k < 12; ++k) many.push_back(deflated_entry(std::to_string(k), std::string(100000, '\0')));
  EXPECT_EQ(code_of(many, limits), "too_large");
  limits = {};
  limits.max_ratio = 10;
  EXPECT_EQ(code_of({deflated_entry("a", std::string(100000, '\0'))}, limits), "too_large");
  limits = {};
  limits.max_frames = 10;
  EXPECT_EQ(code_of(many, limits), "too_many_frames");
  for (const ZipEntry& lie : {ZipEntry{.name = "a", .data = many[0].data, .method = 8, .unpacked = 10},
                              ZipEntry{.name = "a", .data = many[0].data, .method = 8, .unpacked = 0xFFFFFFFE}}) {
    const std::string code = code_of({lie});
    EXPECT_TRUE(code == "bad_archive" || code == "too_large") << code;
  }
}

}  // namespace
}  // namespace iqgate::test
