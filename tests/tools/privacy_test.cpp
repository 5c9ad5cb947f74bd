// What a scan says of people goes nowhere; what it says to machines is never obeyed; the place where the program runs
// changes no byte; and it talks to nobody.
#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dctk.h>

#include <algorithm>
#include <fstream>

#include "iqgate/base/atomic_file.hpp"
#include "support/batch_world.hpp"

namespace iqgate::test {
namespace {
namespace fs = std::filesystem;

const std::string mark = "CANARY", uid_mark = "9876543219876", date_mark = "19330303";

// Every attribute of the dictionary that holds free text, a name or a person's date, but those that tell which scanner
// it was and how it scanned (and so are kept), filled with a mark; likewise UIDs, nested items and a private block.
void fill_with_marks(DcmDataset& data) {
  const std::vector<DcmTagKey> kept{DCM_Manufacturer,
                                    DCM_ManufacturerModelName,
                                    DCM_DeviceSerialNumber,
                                    DCM_SoftwareVersions,
                                    DCM_ConvolutionKernel,
                                    DCM_FilterType,
                                    DCM_ReceiveCoilName,
                                    DCM_SequenceName,
                                    DCM_RescaleType,
                                    DCM_ReconstructionMethod,
                                    DCM_Units};
  DcmDataDictionary& dictionary = dcmDataDict.wrlock();
  std::vector<std::pair<DcmTagKey, DcmEVR>> tags;
  for (auto it = dictionary.normalBegin(); it != dictionary.normalEnd(); ++it) {
    const DcmDictEntry& entry = **it;
    const DcmTagKey key(entry.getGroup(), entry.getElement());
    if (entry.getGroup() < 0x0008 || entry.isRepeating() || entry.getPrivateCreator()) continue;
    tags.emplace_back(key, entry.getEVR());
  }
  dcmDataDict.wrunlock();
  int number = 0;
  for (const auto& [key, vr] : tags) {
    if (std::find(kept.begin(), kept.end(), key) != kept.end() || key.getGroup() == 0x0028) continue;
    const std::string text = mark + std::to_string(number++);
    switch (vr) {
      case EVR_LO:
      case EVR_PN:
      case EVR_SH:
      case EVR_LT:
      case EVR_ST:
      case EVR_UT:
      case EVR_UC:
      case EVR_AE: data.putAndInsertString(key, text.substr(0, 16).c_str()); break;
      default: break;
    }
  }
  for (const DcmTagKey& key : {DCM_PatientBirthDate, DCM_StudyDate, DCM_SeriesDate, DCM_ContentDate})
    data.putAndInsertString(key, date_mark.c_str());
  data.putAndInsertString(DCM_StudyInstanceUID, ("1.2." + uid_mark + ".1").c_str());
  data.putAndInsertString(DCM_SeriesInstanceUID, ("1.2." + uid_mark + ".2").c_str());
  data.putAndInsertString(DCM_FrameOfReferenceUID, ("1.2." + uid_mark + ".3").c_str());
  DcmItem* item = nullptr;
  data.findOrCreateSequenceItem(DCM_RequestAttributesSequence, item, -2);
  item->putAndInsertString(DCM_ScheduledProcedureStepDescription, (mark + "nested").c_str());
  data.putAndInsertString(DcmTag(0x0009, 0x0010, EVR_LO), (mark + "creator").c_str());
  data.putAndInsertString(DcmTag(0x0009, 0x1001, EVR_LO), (mark + "private").c_str());
}

class Privacy : public BatchWorld {
 protected:
  void marked_scan(const std::string& to) const {
    write_small_scan(to, 1);
    int k = 0;
    std::vector<std::string> paths;
    for (const auto& entry : fs::directory_iterator(to)) paths.push_back(entry.path().string());
    std::sort(paths.begin(), paths.end());
    for (const std::string& path : paths) {
      DcmFileFormat format;
      ASSERT_TRUE(format.loadFile(path.c_str()).good());
      format.loadAllDataIntoMemory();
      fill_with_marks(*format.getDataset());
      const std::string uid = "1.2." + uid_mark + ".4." + std::to_string(++k);
      format.getDataset()->putAndInsertString(DCM_SOPInstanceUID, uid.c_str());
      ASSERT_TRUE(
          format.saveFile((to + "/" + mark + "file" + std::to_string(k) + ".dcm").c_str(), EXS_LittleEndianExplicit)
              .good());
      fs::remove(path);
    }
  }
  static void expect_clean(const std::string& text, const std::string& where) {
    for (const std::string& m : {mark, uid_mark, date_mark}) {
      const std::size_t at = text.find(m);
      EXPECT_EQ(at, std::string::npos) << m << " in " << where << ": "
                                       << (at == std::string::npos ? "" : text.substr(at < 60 ? 0 : at - 60, 160));
    }
  }
  static void expect_clean_folder(const std::string& folder) {
    std::size_t files = 0;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      expect_clean(entry.path().string().substr(folder.size()), "a name");
      if (entry.is_regular_file()) ++files, expect_clean(bytes_of(entry.path().string()), entry.path().string());
    }
    EXPECT_GT(files, 0u);
  }
};

TEST_F(Privacy, NoMarkComesOutOfAnyVerb) {
  marked_scan(in() + "/" + mark + "folder/" + mark + "sub");
  ASSERT_FALSE(HasFailure());
  const std::string out = folder.path("out"), water = " --phantom water_cylinder ";
  const std::vector<std::string> commands{"inspect " + in(),
                                          "inspect --json " + in(),
                                          "check " + in() + water + "-o " + out,
                                          "measure --json " + in() + water,
                                          "measure --dry-run " + in() + water,
                                          command(),
                                          command("--json", folder.path("other")),
                                          "export " + out + " --to sr -o " + folder.path("result.dcm"),
                                          "export " + out + " --to prometheus",
                                          "export " + out + " --to junit",
                                          "export " + out + " --to qatrack --collection http://x/1/",
                                          "report " + out + " --format pdf",
                                          "export " + out + " --to dicom-pdf -o " + folder.path("pdf.dcm"),
                                          "trend " + store() + " --metric roi_mean",
                                          "verify " + store(),
                                          "check " + in() + " --phantom catphan_504",
                                          "check " + in() + " --phantom auto",
                                          "check " + in() + water + "--max-memory 1K"};
  for (const std::string& c : commands) {
    const Ran ran = run_program(c);
    EXPECT_NE(ran.code, 70) << c << ran.err;
    expect_clean(ran.out, "stdout of " + c);
    expect_clean(ran.err, "stderr of " + c);
  }
  expect_clean_folder(out);
  expect_clean_folder(store());
  for (const char* file : {"result.dcm", "pdf.dcm"}) expect_clean(bytes_of(folder.path(file)), file);
  ASSERT_EQ(std::system(("pdftotext " + out + "/report.pdf " + folder.path("report.txt")).c_str()), 0);
  expect_clean(bytes_of(folder.path("report.txt")), "report.pdf");
}

TEST_F(Privacy, NoMarkComesOutWithAFault) {
  const std::string scan = in() + "/" + mark + "folder";
  marked_scan(scan);
  fs::resize_file(scan + "/" + mark + "file2.dcm", fs::file_size(scan + "/" + mark + "file2.dcm") - 100);
  std::ofstream(scan + "/" + mark + ".nii") << std::string(400, 'x');
  std::ofstream(scan + "/" + mark + ".h5") << "\x89HDF\r\n\x1a\n" << std::string(400, 'x');
  std::ofstream(scan + "/" + mark + ".zip") << "PK\x03\x04" << std::string(400, 'x');
  fs::create_symlink("/nowhere/" + mark, scan + "/" + mark + "link.dcm");
  for (const std::string& c :
       {"inspect " + in(), "inspect --json " + in(), "check " + in() + " --phantom auto",
        "check " + in() + " --phantom auto --series all", command(), command("--json", folder.path("o"))}) {
    const Ran ran = run_program(c);
    EXPECT_NE(ran.code, 70) << c << ran.err;
    EXPECT_NE(ran.code, 0) << c;
    expect_clean(ran.out, "stdout of " + c);
    expect_clean(ran.err, "stderr of " + c);
  }
  expect_clean_folder(store());
  EXPECT_NE(run_program("inspect --show-names " + in()).out.find(mark), std::string::npos) << "told when asked for";
  EXPECT_NE(run_program(command("--again --show-names")).out.find(mark), std::string::npos);
}

TEST_F(Privacy, RulesMayLookAtWhatIsNeverTold) {
  marked_scan(in() + "/a");
  write_file_atomically(folder.path("rules.json"),
                        "{\"schema\": \"iqgate.rules/1\", \"rules\": [{\"name\": \"q\", \"match\": {\"tags\": "
                        "{\"PatientName\": \"" +
                            mark +
                            "*\", \"SeriesDescription\": \"*\"}}, \"action\": \"measure\", "
                            "\"phantom\": \"water_cylinder\", \"metrics\": [\"roi_mean\"], \"limits\": [\"none\"]}]}");
  const Ran ran = run_program("batch " + in() + " --json --store " + store() + " --rules " + folder.path("rules.json"));
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(number(summary_of(ran), "computed", "no_limit"), 1);
  expect_clean(ran.out, "stdout");
  expect_clean_folder(store());
}

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

TEST_F(Privacy, HostileTextsAreTextsAndNoMore) {
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

TEST_F(Privacy, LanguageTimeZoneAndClockChangeNoByte) {
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

TEST_F(Privacy, NumbersAreTheSameAtAnyNumberOfThreads) {
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
