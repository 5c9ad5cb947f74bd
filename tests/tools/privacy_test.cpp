// What a scan says of people goes nowhere.
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

}  // namespace
}  // namespace iqgate::test
