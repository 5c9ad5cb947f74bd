// A night: rendered and real scans mixed, broken ones among them. The summary is true, the exit code is 4, a second run
// computes nothing. And ten thousand small scans, by which the parent does not grow.
#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dctk.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <thread>

#include "iqgate/base/atomic_file.hpp"
#include "iqgate/base/random.hpp"
#include "iqgate/base/sha256.hpp"
#include "support/batch_world.hpp"

namespace iqgate::test {
namespace {
namespace fs = std::filesystem;

// A real set under other UIDs: a scan of its own. A file without a series UID stays as it is.
void copy_under_other_uids(const std::string& from, const std::string& to, int number) {
  for (const auto& entry : fs::recursive_directory_iterator(from)) {
    if (!entry.is_regular_file()) continue;
    const std::string target = to + "/" + fs::relative(entry.path(), from).string();
    fs::create_directories(fs::path(target).parent_path());
    DcmFileFormat format;
    if (format.loadFile(entry.path().c_str()).bad() || !format.getDataset()->tagExists(DCM_SeriesInstanceUID)) {
      fs::copy_file(entry.path(), target);
      continue;
    }
    format.loadAllDataIntoMemory();
    for (const DcmTagKey& key :
         {DCM_StudyInstanceUID, DCM_SeriesInstanceUID, DCM_SOPInstanceUID, DCM_FrameOfReferenceUID}) {
      OFString uid;
      if (format.getDataset()->findAndGetOFString(key, uid).bad()) continue;
      std::string other = "1.2.";
      for (const char c : sha256_hex(uid.c_str() + std::string("/") + std::to_string(number)).substr(0, 40))
        other += static_cast<char>('1' + (c % 9));
      format.getDataset()->putAndInsertString(key, other.c_str());
    }
    ASSERT_TRUE(format.saveFile(target.c_str(), format.getDataset()->getOriginalXfer()).good());
  }
}

class NightLong : public BatchWorld {
 protected:
  int rendered = 0, real = 0, broken = 0;
  bool archive = false;

  void a_night(int scans) {
    const std::vector<std::string> sets{"hazen/acr_siemens_skyra_3t", "hazen/acr_ge_signa_1.5t_t1",
                                        "hazen/acr_philips_achieva_1.5t", "hazen/acr_siemens_sola_1.5t_t1_enhanced",
                                        "pylinac/ct_catphan504_varian_obi_a"};
    for (int k = 0; k < scans; ++k) {
      const std::string number = std::to_string(k);
      const std::uint64_t draw = uniform_index(3, 1, std::uint64_t(k), 100);
      if (draw < 20) {
        const std::size_t set = uniform_index(3, 2, std::uint64_t(k), draw < 1 ? 5 : 4);
        copy_under_other_uids(data_folder() + "/" + sets[set], in() + "/" + (set == 4 ? "catphan_" : "acr_") + number,
                              k);
        // The Catphan lies in an archive, whose copies stay equal to the last byte: they are one scan.
        if (set != 4 || !archive) ++real;
        archive = archive || set == 4;
        continue;
      }
      const std::string to = in() + "/water_" + number;
      write_small_scan(to, std::uint64_t(k) + 1);
      if (draw < 95) {
        ++rendered;
      } else {
        ++broken;
        if (draw == 95) fs::resize_file(to + "/slice_0002.dcm", 5000);
        if (draw == 96) fs::remove(to + "/slice_0002.dcm");
        if (draw == 97)
          fs::remove_all(to), fs::create_directories(to), std::ofstream(to + "/x.nii") << std::string(500, 'x') << k;
        if (draw == 98)
          fs::copy(to + "/slice_0001.dcm", to + "/again.dcm"), std::fstream(to + "/again.dcm").seekp(-10, std::ios::end)
                                                                   << number;
        if (draw == 99) fs::resize_file(to + "/slice_0003.dcm", 300);
      }
    }
    write_file_atomically(folder.path("rules.json"), R"({"schema": "iqgate.rules/1", "rules": [
      {"name": "water", "match": {"folder": "water_*"}, "action": "measure", "phantom": "water_cylinder", "limits": ["ct_water_generic"]},
      {"name": "acr", "match": {"folder": "acr_*"}, "action": "measure", "phantom": "auto"},
      {"name": "catphan", "match": {"folder": "catphan_*"}, "action": "measure", "phantom": "catphan_504", "limits": ["ct_catphan_manual"]}]})");
  }
};

TEST_F(NightLong, AThousandScansAndATrueSummary) {
  IQGATE_NEED_DATA("hazen");
  a_night(1000);
  const std::string run = "batch " + in() + " --json --store " + store() + " --rules " + folder.path("rules.json");
  const Ran ran = run_program(run);
  EXPECT_EQ(ran.code, 4) << ran.err;
  const json::Value s = summary_of(ran);
  std::printf("%d rendered, %d real, %d broken: %s\n", rendered, real, broken, json::write(s, 0).c_str());
  EXPECT_EQ(number(s, "computed", "pass") + number(s, "computed", "warn") + number(s, "computed", "fail") +
                number(s, "computed", "no_verdict"),
            rendered + real);
  EXPECT_GE(number(s, "computed", "failed"), broken) << "a file, and the series that it was to belong to";
  EXPECT_LE(number(s, "computed", "failed"), 2 * broken);
  EXPECT_EQ(number(s, "computed", "quarantined") + json::number_at(&s, "open").value_or(1), 0);
  EXPECT_EQ(results_of(store()).size(), std::size_t(rendered + real));
  const auto start = std::chrono::steady_clock::now();
  const json::Value again = summary_of(run_program(run));
  std::printf("the second run took %.1f s\n",
              std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  EXPECT_EQ(number(again, "computed", "total"), 0);
  EXPECT_EQ(json::number_at(&again, "found"), json::number_at(&s, "found"));
  EXPECT_EQ(run_program("verify " + store()).code, 0);
}

std::size_t resident_kib(pid_t pid) {
  std::ifstream stream("/proc/" + std::to_string(pid) + "/statm");
  std::size_t total = 0, resident = 0;
  stream >> total >> resident;
  return resident * 4;
}

std::size_t open_files(pid_t pid) {
  std::error_code error;
  std::size_t count = 0;
  for (fs::directory_iterator entry("/proc/" + std::to_string(pid) + "/fd", error); !error && entry != fs::end(entry);
       entry.increment(error))
    ++count;
  return count;
}

TEST_F(NightLong, TenThousandScansAndTheParentDoesNotGrow) {
  // One scan's files under other UIDs and one other voxel each: the pixels play no part here.
  write_small_scan(folder.path("one"), 1);
  for (int k = 0; k < 10000; ++k) {
    const std::string to = in() + "/" + std::to_string(k % 100) + "/" + std::to_string(k);
    copy_under_other_uids(folder.path("one"), to, k);
  }
  Child child(command("-q"), folder.path("out"));
  const auto settled = [&] {
    const std::string out = bytes_of(folder.path("out"));
    return std::size_t(std::count(out.begin(), out.end(), '\n'));
  };
  std::vector<std::pair<std::size_t, std::size_t>> seen;  // scans settled, KiB
  std::size_t fewest = 1000000, most = 0;
  while (!child.ended()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    const std::size_t n = settled();
    if (n < 500 || n > 9500) continue;
    seen.emplace_back(n, resident_kib(child.pid()));
    fewest = std::min(fewest, open_files(child.pid())), most = std::max(most, open_files(child.pid()));
  }
  EXPECT_EQ(child.wait(), 0);
  ASSERT_GT(seen.size(), 20u);
  double sx = 0, sy = 0, sxx = 0, sxy = 0;
  for (const auto& [n, kib] : seen)
    sx += double(n), sy += double(kib), sxx += double(n) * double(n), sxy += double(n) * double(kib);
  const double slope = (double(seen.size()) * sxy - sx * sy) / (double(seen.size()) * sxx - sx * sx);
  std::printf("%.3f KiB a scan, %zu to %zu KiB, %zu to %zu open files\n", slope, seen.front().second,
              seen.back().second, fewest, most);
  EXPECT_LE(slope, 1.0);
  EXPECT_LE(most, fewest + 4) << "databases open a file now and then";
}

}  // namespace
}  // namespace iqgate::test
