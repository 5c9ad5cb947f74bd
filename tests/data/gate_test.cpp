// The gate on real ACR scans of several vendors. No scanner here has five repeats: what must show is what few scans
// allow.
#include <algorithm>

#include "iqgate/base/atomic_file.hpp"
#include "iqgate/base/json.hpp"
#include "support/support.hpp"

namespace iqgate {
namespace {

using test::run_program;

constexpr const char* plan = R"({
  "schema": "iqgate.plan/1", "name": "acr_vendors", "version": "1", "conditions": {"modality": "MR"}, "metrics": [
    {"name": "diameter_h_mm", "where": "slice_5/diameters", "unit": "mm", "title": "Length in plane", "role": "gate",
     "scale": "linear", "better": "target", "margin": 2, "margin_kind": "absolute", "rationale": "ACR 2018: 2 mm", "set_by": "this test"},
    {"name": "slice_thickness_mm", "variant": "acr", "where": "slice_1/ramps", "unit": "mm", "title": "Slice thickness", "role": "gate",
     "scale": "linear", "better": "target", "margin": 0.7, "margin_kind": "absolute", "rationale": "ACR 2018: 0.7 mm", "set_by": "this test"}]})";

TEST(RealGateSlow, VendorsAgainstEachOther) {
  IQGATE_NEED_DATA("hazen");
  test::TemporaryFolder folder;
  const auto measure = [&](const std::string& to, const std::string& set) {
    ASSERT_EQ(run_program("measure " + test::data_folder() + "/hazen/acr_" + set + " --phantom auto -q -o " +
                          folder.path(to + "/" + set))
                  .code,
              0)
        << set;
  };
  for (const char* set : {"ge_artist_1.5t_t1", "ge_signa_1.5t_t1", "siemens_aera_1.5t_t1", "philips_achieva_1.5t",
                          "philips_dstream_3t_a", "philips_dstream_3t_b"})
    measure("reference", set);
  measure("site", "siemens_skyra_3t");
  measure("twice", "ge_signa_1.5t_t1");
  measure("twice", "ge_signa_artist_1.5t_t1");
  write_file_atomically(folder.path("plan.json"), plan);
  const std::string build = " --plan " + folder.path("plan.json") + " -o " + folder.path("profile.json");
  // These two sets are one scan under two names: a profile of both would count it twice.
  EXPECT_NE(run_program("profile build " + folder.path("twice") + build).err.find("same_scan"), std::string::npos);
  const test::Ran built = run_program("profile build " + folder.path("reference") + build);
  ASSERT_EQ(built.code, 0) << built.err;
  const json::Value profile = json::parse_file(folder.path("profile.json"), ErrorKind::input);
  const json::Value& first = json::list_at(&profile, "metrics")[0];
  // Six scans of four scanners: two degrees of freedom within, and a scatter between the scanners.
  EXPECT_EQ(*json::number_at(&first, "dof"), 2);
  EXPECT_NE(first.find("sd_between"), nullptr);
  EXPECT_NEAR(*json::number_at(&first, "mean"), 190,
              1.5);  // the phantom's 190 mm, read by six scanners within ACR's 2 mm
  const test::Ran ran = run_program("compare " + folder.path("site") + " --json --log " + folder.path("log.jsonl") +
                                    " --reference " + folder.path("profile.json"));
  EXPECT_EQ(ran.code, 3) << ran.err;
  const json::Value c = json::parse(ran.out, "stdout", ErrorKind::input);
  EXPECT_EQ(json::text_at(&c, "overall"), "INCONCLUSIVE");
  for (const json::Value& m : json::list_at(&c, "metrics")) {
    if (json::text_at(&m, "role") != "gate") continue;
    std::string flags;
    for (const json::Value& f : json::list_at(&m, "flags")) flags += *f.string() + " ";
    EXPECT_NE(flags.find("few_scans"), std::string::npos) << flags;
    EXPECT_NE(flags.find("profile_sd"), std::string::npos) << flags;
    EXPECT_EQ(*json::number_at(&m, "dof"), 2);  // that of the profile, not of the one scan
  }
}

}  // namespace
}  // namespace iqgate
