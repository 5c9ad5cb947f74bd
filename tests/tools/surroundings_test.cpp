// What a scan says to machines is never obeyed; the place where the program runs changes no byte; it talks to nobody.
#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dctk.h>

#include <algorithm>
#include <fstream>

#include "support/batch_world.hpp"

namespace iqgate::test {
namespace {
namespace fs = std::filesystem;

class Surroundings : public BatchWorld {};

const std::vector<std::string>& hostile_texts() {
  static const std::vector<std::string> texts = [] {
    std::vector<std::string> list{"`touch PWNED`",
                                  "$(touch PWNED)",
                                  "; touch PWNED;",
                                  "| touch PWNED",
                                  "&& touch PWNED",
                                  "'\"; touch PWNED #",
                                  "<script>alert(1)</script>",
                                  "<img src=x onerror=alert(1)>",
                                  "\"><svg/onload=1>",
                                  "{{&x}}",
                                  "{{>x}}",
                                  "=cmd|'/C calc'!A0",
                                  "+1+1",
                                  "-2+3",
                                  "@SUM(1)",
                                  "../../../PWNED",
                                  "..",
                                  "/etc/PWNED",
                                  "a/../../b",
                                  "\x1b[31mred",
                                  "\x1b]0;title\x07",
                                  "\xC2\x9B"
                                  "2J",
                                  "\xE2\x80\xAE"
                                  "gpj.exe",
                                  "\xE2\x81\xA6x",
                                  "\xFF\xFE",
                                  "\xC3(",
                                  "%n%s%x%p",
                                  "%s%s%s%s",
                                  "a\nb",
                                  "a\r\nb: c",
                                  "]]>",
                                  "<!--",
                                  "&amp;&#x3c;",
                                  "${jndi:ldap://x}",
                                  "';DROP TABLE scans;--",
                                  "\" OR 1=1 --",
                                  "set terminal; !touch PWNED",
                                  "system(\"touch PWNED\")",
                                  "\\\\",
                                  "\\\"",
                                  "\t\t"};
    for (int k = 0; k < 42; ++k)
      list.push_back(std::string(std::size_t(k) + 1, "<'\"&;$`|\\{}()=+-@%#!~^*?[]"[k % 26]) + "touch PWNED");
    list.push_back(std::string(60, 'A'));
    return list;
  }();
  return texts;
}

TEST_F(Surroundings, HostileTextsAreTextsAndNoMore) {
  ASSERT_GE(hostile_texts().size(), 80u);
  for (std::size_t k = 0; k < hostile_texts().size(); k += 3) {  // three texts a scan: manufacturer, model, kernel
    const std::string scan = in() + "/s" + std::to_string(k);
    write_small_scan(scan, k + 1);
    for (const auto& entry : fs::directory_iterator(scan)) {
      DcmFileFormat format;
      ASSERT_TRUE(format.loadFile(entry.path().c_str()).good());
      format.loadAllDataIntoMemory();
      const auto text = [&](std::size_t n) {
        return hostile_texts()[std::min(k + n, hostile_texts().size() - 1)].substr(0, 64);
      };
      format.getDataset()->putAndInsertString(DCM_Manufacturer, text(0).c_str());
      format.getDataset()->putAndInsertString(DCM_ManufacturerModelName, text(1).c_str());
      format.getDataset()->putAndInsertString(DCM_ConvolutionKernel, text(2).substr(0, 16).c_str());
      ASSERT_TRUE(format.saveFile(entry.path().c_str(), EXS_LittleEndianExplicit).good());
    }
  }
  // A name that a shell would run, too.
  fs::rename(in() + "/s0", in() + "/$(touch PWNED);`touch PWNED` 'x' \"y\"");
  const Ran ran = batch("-j 2");
  EXPECT_EQ(ran.code, 0) << ran.err;
  const std::size_t scans = (hostile_texts().size() + 2) / 3;
  EXPECT_EQ(std::size_t(std::count(ran.out.begin(), ran.out.end(), '\n')), scans + 1) << "a line a scan";
  EXPECT_EQ(std::count_if(ran.out.begin(), ran.out.end(), [](char c) { return c == '\x1b' || c == '\r' || c == '\a'; }),
            0);
  for (const auto& entry : fs::recursive_directory_iterator(folder.path()))
    EXPECT_EQ(entry.path().string().find("PWNED") == std::string::npos ||
                  entry.path().string().find("$(touch") != std::string::npos,
              true)
        << entry.path();
  EXPECT_FALSE(fs::exists("PWNED"));
  for (const auto& entry : fs::recursive_directory_iterator(store())) {
    const std::string ending = entry.path().extension().string(),
                      text = entry.is_regular_file() ? bytes_of(entry.path().string()) : "";
    if (ending == ".html" || ending == ".xml")
      for (const char* live : {"<script>", "<img src=x", "<svg/onload", "<!--"})
        EXPECT_EQ(text.find(live), std::string::npos) << entry.path();
    if (ending == ".xml")
      EXPECT_EQ(std::system(("python3 -c \"import xml.dom.minidom,sys; xml.dom.minidom.parse(sys.argv[1])\" " +
                             entry.path().string())
                                .c_str()),
                0);
    if (ending == ".csv")
      for (std::size_t at = 0; at < text.size();
           at = text.find('\n', at) == std::string::npos ? text.size() : text.find('\n', at) + 1)
        EXPECT_EQ(std::string("=+@").find(text[at]), std::string::npos) << entry.path();
  }
}

TEST_F(Surroundings, LanguageTimeZoneAndClockChangeNoByte) {
  scans(1);
  const std::string locales = folder.path("locales"), check = "check " + in() + " --phantom water_cylinder --json";
  fs::create_directories(locales);
  std::string environment = "LOCPATH=" + locales;
  const Ran plain = run_program(check, "env -i PATH=$PATH SOURCE_DATE_EPOCH=1700000000");
  ASSERT_EQ(plain.code, 0) << plain.err;
  for (const char* name : {"de_DE", "fr_FR", "tr_TR", "ar_EG"}) {
    const std::string made = locales + "/" + name + ".UTF-8";
    ASSERT_EQ(std::system(("localedef -i " + std::string(name) + " -f UTF-8 " + made + " 2>/dev/null").c_str()), 0)
        << "package locales";
    for (const char* zone : {"Etc/GMT-14", "Etc/GMT+12"}) {
      const Ran ran = run_program(check, "env LOCPATH=" + locales + " LC_ALL=" + name + ".UTF-8 LANG=" + name +
                                             ".UTF-8 TZ=" + zone + " SOURCE_DATE_EPOCH=1700000000");
      EXPECT_EQ(ran.code, 0) << ran.err;
      EXPECT_TRUE(ran.out == plain.out) << name << " " << zone;
    }
  }
  // A clock set back: a batch goes on, and its results are the same but for their time.
  ASSERT_EQ(batch("", "SOURCE_DATE_EPOCH=1900000000").code, 0);
  scans(2);
  EXPECT_EQ(batch("", "SOURCE_DATE_EPOCH=1500000000").code, 0);
  EXPECT_EQ(results_of(store()).size(), 2u);
}

TEST_F(Surroundings, NumbersAreTheSameAtAnyNumberOfThreads) {
  scans(1);
  std::string first;
  for (const int threads : {1, 2, 3, 4, 8, 16})
    for (int repeat = 0; repeat < 2; ++repeat) {
      const Ran ran = run_program("check " + in() + " --phantom water_cylinder --json -j " + std::to_string(threads),
                                  "SOURCE_DATE_EPOCH=1700000000");
      ASSERT_EQ(ran.code, 0) << ran.err;
      if (first.empty()) first = ran.out;
      EXPECT_TRUE(ran.out == first) << threads;
    }
}

// Every metric of three phantoms, six numbers of threads, twenty times each.
class ThreadsLong : public BatchWorld {};
TEST_F(ThreadsLong, EveryMetricTwentyTimes) {
  for (const std::string render : {"catphan_504 --size 256 256 64 --voxel 0.9 0.9 2.5 --noise 8",
                                   "acr_mri_large --noise 6", "mercury_4 --noise 8"}) {
    const std::string name = render.substr(0, render.find(' ')), scan = folder.path(name);
    ASSERT_EQ(run_program("phantoms render " + render + " -q -o " + scan).code, 0) << render;
    std::string first;
    for (const int threads : {1, 2, 3, 4, 8, 16})
      for (int repeat = 0; repeat < 20; ++repeat) {
        const Ran ran = run_program("measure " + scan + " --phantom " + name + " --json -j " + std::to_string(threads),
                                    "SOURCE_DATE_EPOCH=1700000000");
        ASSERT_EQ(ran.code, 0) << name << ran.err;
        if (first.empty()) first = ran.out;
        ASSERT_TRUE(ran.out == first) << name << ' ' << threads << ' ' << repeat;
      }
  }
}

class NetworkSlow : public BatchWorld {};  // the leak checker and strace do not go together
TEST_F(NetworkSlow, NobodyIsTalkedTo) {
  scans(2);
  const std::string trace = folder.path("trace");
  const std::string all = "strace -f -qq -e trace=network -o " + trace + " env ";
  for (const std::string& c :
       {command(), "check " + in() + "/scan_1 --phantom water_cylinder -o " + folder.path("o"), std::string("devices"),
        "report " + folder.path("o"), "export " + folder.path("o") + " --to csv"}) {
    const Ran ran = run_program(c, all);
    EXPECT_TRUE(ran.code == 0 || ran.code == 3) << c << ran.err;
    ASSERT_TRUE(fs::exists(trace)) << "package strace";
    const std::string calls = bytes_of(trace);
    for (const char* call : {"connect(", "AF_INET", "sendto(", "bind("})
      EXPECT_EQ(calls.find(call), std::string::npos) << c << "\n" << calls;
  }
}

}  // namespace
}  // namespace iqgate::test
