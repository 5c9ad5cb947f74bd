// The gate's whole story on rendered scans: a reference scanner of ten set-ups with a between-scan CV of about 1 %, a
// margin of 5 %, and sites: an equal one, one with 8 % lower MTF50, and single scans with 7 % and with 15 % more noise.
#include <cmath>

#include "iqgate/base/atomic_file.hpp"
#include "iqgate/base/distributions.hpp"
#include "iqgate/base/json.hpp"
#include "iqgate/base/random.hpp"
#include "iqgate/base/sha256.hpp"
#include "support/support.hpp"

namespace iqgate {
namespace {

using test::Ran;
using test::run_program;

const json::Value& at(const json::Value& v, std::initializer_list<const char*> keys) {
  const json::Value* here = &v;
  for (const char* key : keys) here = here->find(key);
  return *here;
}

constexpr const char* plan_text = R"({
  "schema": "iqgate.plan/1", "name": "story", "version": "1", "source": "rendered",
  "planned_scans": 5, "metrics": [
    {"name": "mtf50_per_mm", "variant": "radial", "where": "wire", "unit": "1/mm", "title": "Spatial resolution", "role": "gate",
     "scale": "log", "better": "higher", "margin": 0.05, "margin_kind": "relative", "rationale": "agreed for this story", "set_by": "the story"},
    {"name": "noise_sd_hu", "where": "water", "unit": "HU", "title": "Noise", "role": "gate",
     "scale": "log", "better": "lower", "margin": 0.05, "margin_kind": "relative", "rationale": "agreed for this story", "set_by": "the story"},
    {"name": "roi_mean", "variant": "center", "where": "water", "unit": "HU", "title": "CT number of water", "role": "gate",
     "scale": "linear", "better": "target", "margin": 2, "margin_kind": "absolute", "rationale": "agreed for this story", "set_by": "the story"}]})";

class GateStorySlow : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new test::TemporaryFolder;
    for (unsigned k = 0; k < 10; ++k) scan("reference/scan_" + std::to_string(k), {k, 10}, 1, 1);
    for (unsigned k = 0; k < 5; ++k) scan("equal/scan_" + std::to_string(k), {k, 5, 20}, 1, 1);
    for (unsigned k = 0; k < 5; ++k) scan("blurred/scan_" + std::to_string(k), {k, 5, 40}, 1 / 0.92, 1);
    scan("noisy/scan_0", {0, 1, 60}, 1, 1.07);
    scan("gross/scan_0", {0, 1, 61}, 1, 1.15);
    write_file_atomically(path("plan.json"), plan_text);
    built_ = run_program("profile build " + path("reference") + " --plan " + path("plan.json") + " -o " +
                         path("profile.json"));
  }
  static void TearDownTestSuite() { delete folder_; }
  static std::string path(const std::string& name) { return folder_->path(name); }

  // One set-up of several: blur and noise of the scanner lie at the quantiles of a normal distribution, in another
  // order each, so that a site scatters by 0.9 % and not by luck; the phantom lies somewhere else.
  struct SetUp {
    unsigned k, of, seed = 0;
    double quantile(unsigned stride) const { return normal_quantile(((k * stride + 1) % of + 0.5) / of); }
  };
  static void scan(const std::string& name, const SetUp& set_up, double blur, double noise) {
    const unsigned seed = set_up.seed + set_up.k;
    const NormalPair place = normal_pair(77, 1, seed);
    const double sigma = 0.65 * blur * (1 + 0.009 * set_up.quantile(1)),
                 sd = 6 * noise * (1 + 0.009 * set_up.quantile(3));
    const auto n = [](double v) { return std::to_string(v) + " "; };
    const std::string scans = path("scans/" + name), to = path(name);
    ASSERT_EQ(run_program("phantoms render wire_in_water -q --size 160 160 24 --voxel 0.9 0.9 2.5 --psf " + n(sigma) +
                          n(sigma) + "0.8 --noise " + n(sd) + "--seed " + std::to_string(seed) + " --pose 0.3 -0.4 " +
                          n(place.first * 20) + "--shift " + n(place.first) + n(place.second) + "1 -o " + scans)
                  .code,
              0);
    ASSERT_EQ(run_program("measure " + scans + " --phantom wire_in_water -q -o " + to).code, 0);
  }
  static Ran compare(const std::string& site, const std::string& more = {}) {
    return run_program("compare " + path(site) + " --reference " + path("profile.json") + " " + more);
  }
  static json::Value document(const Ran& ran) { return json::parse(ran.out, "stdout", ErrorKind::input); }

  // The chapters: one process tells them all, since the scans take long to render.
  void the_reference_is_what_was_rendered();
  void the_equal_site_is_go();
  void the_blurred_site_is_no_go_for_its_resolution();
  void the_single_noisy_scan_is_inconclusive_with_a_number_of_scans();
  void a_single_scan_may_be_a_gross_failure();
  void looks_are_counted_and_the_log_tells_tampering();
  void what_is_no_evidence_is_refused();
  void the_dossier_answers_and_tells_later_changes();

  static test::TemporaryFolder* folder_;
  static Ran built_;
};
test::TemporaryFolder* GateStorySlow::folder_ = nullptr;
Ran GateStorySlow::built_;

void GateStorySlow::the_reference_is_what_was_rendered() {
  ASSERT_EQ(built_.code, 0) << built_.err;
  const json::Value profile = json::parse_file(path("profile.json"), ErrorKind::input);
  const json::Value& mtf = (*profile.find("metrics")->array())[0];
  // f50 of a Gaussian of 0.65 mm; the mean of the set-ups lies at it, and the noise of each, about 0.5 %, moves it by
  // 0.16 %: four standard errors, and the 0.9 mm pixels as 0.3 %.
  EXPECT_NEAR(*mtf.find("mean")->number() / (0.187391 / 0.65), 1, 0.010);
  EXPECT_GT(*mtf.find("sd_within")->number() / *mtf.find("mean")->number(), 0.005);
  EXPECT_LT(*mtf.find("sd_within")->number() / *mtf.find("mean")->number(), 0.02);
  EXPECT_NE(at(profile, {"conditions", "spacing_x_mm"}).array(), nullptr);
  const Ran show = run_program("profile show " + path("profile.json"));
  EXPECT_NE(show.out.find("gate noise_sd_hu water"), std::string::npos);
  const Ran same = run_program("profile diff " + path("profile.json") + " " + path("profile.json"));
  EXPECT_EQ(same.out, "the profiles are equal\n");
}

void GateStorySlow::the_equal_site_is_go() {
  const Ran ran = compare("equal", "--json --log " + path("equal.jsonl") + " -o " + path("cmp"));
  ASSERT_EQ(ran.code, 0) << ran.out << ran.err;
  const json::Value c = document(ran);
  EXPECT_EQ(*c.find("overall")->string(), "GO");
  EXPECT_FALSE(json::flag_at(&c, "provisional"));
  // The comparison stands in its log, and a log that was made anew does not hold it.
  EXPECT_EQ(run_program("verify " + path("cmp") + " --log " + path("equal.jsonl")).code, 0);
  write_file_atomically(path("empty.jsonl"), "");
  EXPECT_EQ(run_program("verify " + path("cmp") + " --log " + path("empty.jsonl")).code, 5);
  // Without a log nobody knows how often the site was looked at.
  const Ran unlogged = compare("equal", "--json");
  EXPECT_EQ(unlogged.code, 3);
  const json::Value again = document(unlogged);
  EXPECT_TRUE(json::flag_at(&again, "provisional"));
  EXPECT_EQ(c.find("decides")->array()->size(), 1u);
}

void GateStorySlow::the_blurred_site_is_no_go_for_its_resolution() {
  const Ran ran = compare("blurred", "--json");
  ASSERT_EQ(ran.code, 1) << ran.out << ran.err;
  const json::Value c = document(ran);
  EXPECT_EQ(*c.find("overall")->string(), "NO-GO");
  ASSERT_EQ(c.find("decides")->array()->size(), 1u);
  EXPECT_EQ(*(*c.find("decides")->array())[0].find("name")->string(), "mtf50_per_mm");
  const Ran words = compare("blurred");
  EXPECT_EQ(words.out.rfind("NO-GO\n", 0), 0u) << words.out;
  EXPECT_NE(words.out.find("Spatial resolution"), std::string::npos);
}

void GateStorySlow::the_single_noisy_scan_is_inconclusive_with_a_number_of_scans() {
  const Ran ran = compare("noisy", "--json");
  ASSERT_EQ(ran.code, 3) << ran.out << ran.err;
  const json::Value c = document(ran);
  EXPECT_EQ(*c.find("overall")->string(), "INCONCLUSIVE");
  const auto needed = at(c, {"scans_needed", "if_equal", "site"}).number();
  ASSERT_TRUE(needed);
  EXPECT_GE(*needed, 3);
  EXPECT_LE(*needed, 10);
  // As it was seen, 7 % more noise lies beyond the margin: no number of scans makes that a GO.
  EXPECT_TRUE(std::get<bool>(at(c, {"scans_needed", "as_observed", "never"}).data()));
}

// One scan condemns with twice the profile's SD only: (ln 1.15 - ln 1.05) / (2 x 0.01 x sqrt 1.1) = 4.3, p = .001 at 9
// degrees of freedom, below .05 / 3. What is 15 % too noisy at a margin of 5 % and a CV of 1 % is gross enough for
// that.
void GateStorySlow::a_single_scan_may_be_a_gross_failure() {
  const Ran ran = compare("gross", "--json");
  EXPECT_EQ(ran.code, 1) << ran.out << ran.err;
  EXPECT_EQ(*(*document(ran).find("decides")->array())[0].find("name")->string(), "noise_sd_hu");
}

void GateStorySlow::looks_are_counted_and_the_log_tells_tampering() {
  const std::string log = path("decisions.jsonl");
  const Ran first = compare("equal", "--log " + log + " -o " + path("first") + " --json");
  EXPECT_EQ(first.code, 0) << first.err;
  EXPECT_EQ(*document(first).find("look")->number(), 1);
  EXPECT_EQ(test::bytes_of(path("first/comparison.json")), first.out);
  const Ran second = compare("equal", "--log " + log + " --json");  // one look was planned
  EXPECT_EQ(second.code, 3);
  EXPECT_EQ(*document(second).find("overall")->string(), "GO");
  EXPECT_TRUE(std::get<bool>(document(second).find("provisional")->data()));
  EXPECT_EQ(run_program("verify " + log).code, 0);
  std::string changed = test::bytes_of(log);
  changed.replace(changed.find("\"GO\""), 4, "\"NO\"");
  write_file_atomically(log, changed);
  const Ran verify = run_program("verify " + log);
  EXPECT_EQ(verify.code, 5);
  EXPECT_NE(verify.out.find("entry 1 was changed"), std::string::npos) << verify.out;
  const Ran onto = compare("equal", "--log " + log + " -o " + path("onto"));  // nothing is decided on a broken log
  EXPECT_EQ(onto.code, 5);
  EXPECT_TRUE(onto.out.empty());
  EXPECT_FALSE(std::filesystem::exists(path("onto/comparison.json")));
}

void GateStorySlow::what_is_no_evidence_is_refused() {
  // The same scan twice; a scan of the reference; one scan alone among differing conditions; a changed profile.
  const Ran twice =
      run_program("compare " + path("equal") + " " + path("equal/scan_0") + " --reference " + path("profile.json"));
  EXPECT_EQ(twice.code, 3);
  EXPECT_NE(twice.err.find("same_scan"), std::string::npos) << twice.err;
  EXPECT_NE(compare("reference").err.find("same_scan"), std::string::npos);
  std::string other = test::bytes_of(path("profile.json"));
  const std::size_t digest = other.find("\"digest\"");
  std::string changed = other;
  changed.replace(changed.find("\"margin\": 0.05"), 14, "\"margin\": 0.50");
  write_file_atomically(path("changed.json"), changed);
  const Ran tampered = run_program("compare " + path("equal") + " --reference " + path("changed.json"));
  EXPECT_EQ(tampered.code, 2);
  EXPECT_NE(tampered.err.find("changed_profile"), std::string::npos);
  // The same with another condition and no digest: another profile, whose condition the scans do not meet.
  changed = other.substr(0, other.rfind(',', digest)) + "\n}\n";
  changed.replace(changed.find("\"modality\": \"CT\""), 16, "\"modality\": \"CT\", \"CTDIvol\": 12");
  write_file_atomically(path("other.json"), changed);
  const Ran differs = run_program("compare " + path("equal") + " --reference " + path("other.json"));
  EXPECT_EQ(differs.code, 3);
  EXPECT_NE(differs.err.find("conditions_differ"), std::string::npos) << differs.err;
  const Ran forced = run_program("compare " + path("equal") + " --force --reference " + path("other.json"));
  EXPECT_EQ(forced.code, 3);
  EXPECT_EQ(forced.out.rfind("INCONCLUSIVE\n", 0), 0u) << forced.out;
  EXPECT_NE(forced.out.find("CTDIvol"), std::string::npos);
  EXPECT_EQ(run_program("profile diff " + path("profile.json") + " " + path("other.json")).out,
            "conditions CTDIvol: not there -> [12, 12]\n");
}

// The board's question: is the answer on the first page, and would a later change be seen?
void GateStorySlow::the_dossier_answers_and_tells_later_changes() {
  const std::string log = path("dossier.jsonl");
  ASSERT_EQ(compare("equal", "--log " + log + " -o " + path("dossier_cmp")).code, 0);
  write_file_atomically(path("context.json"), R"({"schema": "iqgate.context/1", "site": "St. Elsewhere",
    "question": "May CT-3 run <b>the protocol</b>?", "method": "Lung volumetry 2.1", "deviations": ["none"]})");
  const std::string common = "report --dossier " + path("equal") + " --comparison " + path("dossier_cmp") + " --log " +
                             log + " --context " + path("context.json") + " -o ";
  ASSERT_EQ(run_program(common + path("dossier")).code, 0);
  const std::string html = test::bytes_of(path("dossier/dossier.html"));
  EXPECT_NE(html.find("<div class=\"answer pass\"><b>GO</b>"), std::string::npos);
  EXPECT_NE(html.find("May CT-3 run &lt;b&gt;the protocol&lt;/b&gt;?"), std::string::npos);
  EXPECT_LT(html.find("answer pass"), html.find("<h2>"));  // before any section
  EXPECT_EQ(html.find("<script"), std::string::npos);
  for (const char* words : {"Sign-off", "Spatial resolution", "agreed for this story", "No evidence of a self-test"})
    EXPECT_NE(html.find(words), std::string::npos) << words;
  const std::string verify = "verify " + path("dossier") + " --log " + log;
  EXPECT_EQ(run_program(verify).code, 0);
  for (const char* name : {"dossier.html", "comparison.json", "result_scan_2.json", "dossier.json"}) {
    const std::string file = path(std::string("dossier/") + name), good = test::bytes_of(file);
    std::string bad = good;
    const std::string date = "\"created_utc\": \"2", go = "<b>GO</b>";
    if (const std::size_t at = bad.find(date); at != std::string::npos)
      bad.replace(at, date.size(), "\"created_utc\": \"3");
    else bad.replace(bad.find(go), go.size(), "<b>NO</b>");
    write_file_atomically(file, bad);
    const Ran changed = run_program(verify);
    EXPECT_EQ(changed.code, 5) << name;
    EXPECT_NE(changed.out.find("CHANGED"), std::string::npos) << name;
    write_file_atomically(file, good);
  }
  std::string entries = test::bytes_of(log);
  write_file_atomically(log, "");  // a cut tail
  EXPECT_EQ(run_program(verify).code, 5);
  write_file_atomically(log, entries);
  // Digests that were worked out anew do not help: the log holds the comparison's own.
  const auto forged = [&] {
    std::string page = test::bytes_of(path("dossier/comparison.json"));
    page.replace(page.find("\"GO\""), 4, "\"NO\"");
    write_file_atomically(path("dossier/comparison.json"), page);
    const json::Value manifest = json::parse_file(path("dossier/dossier.json"), ErrorKind::input);
    json::Object rest, files;
    for (const json::Member& m : *manifest.find("files")->object())
      files.push_back({m.key, sha256_file(path("dossier/" + m.key))});
    for (const json::Member& m : *manifest.object())
      if (m.key != "digest") rest.push_back(m.key == "files" ? json::Member{m.key, files} : m);
    rest.push_back({"digest", sha256_hex(json::write(json::Value(rest), 0))});
    write_file_atomically(path("dossier/dossier.json"), json::write(json::Value(rest)));
    return run_program(verify);
  };
  const Ran forgery = forged();
  EXPECT_EQ(forgery.code, 5);
  EXPECT_NE(forgery.out.find("in no entry of the log"), std::string::npos) << forgery.out;
  ASSERT_EQ(run_program(common + path("dossier")).code, 0);  // an earlier dossier goes whole
  EXPECT_EQ(run_program(verify).code, 0);
  write_file_atomically(path("dossier/extra.pdf"), "x");
  EXPECT_EQ(run_program(verify).code, 5);
  EXPECT_EQ(run_program(common + path("dossier")).code, 5);  // what it does not know it does not remove
  // Without the log that the comparison was entered in; for another question; with a changed result.
  EXPECT_EQ(
      run_program("report --dossier " + path("equal") + " --comparison " + path("dossier_cmp") + " -o " + path("d4"))
          .code,
      2);
  ASSERT_EQ(
      compare("equal", "--log " + path("other.jsonl") + " --context " + path("context.json") + " -o " + path("asked"))
          .code,
      0);
  write_file_atomically(path("other_context.json"), R"({"schema": "iqgate.context/1", "question": "Another?"})");
  EXPECT_EQ(run_program("report --dossier " + path("equal") + " --comparison " + path("asked") + " --log " +
                        path("other.jsonl") + " --context " + path("other_context.json") + " -o " + path("d5"))
                .code,
            2);
  const std::string result = path("equal/scan_1/result.json"), whole = test::bytes_of(result);
  std::string touched = whole;
  touched.replace(touched.find("noise_sd_hu"), 11, "noise_sd_xx");
  write_file_atomically(result, touched);
  EXPECT_EQ(compare("equal").code, 3);
  EXPECT_EQ(run_program("verify " + path("equal/scan_1")).code, 5);
  write_file_atomically(result, whole);
  EXPECT_EQ(run_program("verify " + path("equal/scan_1")).code, 0);
  // The comparison speaks of other results than those given; or it is not in the log.
  EXPECT_EQ(run_program("report --dossier " + path("blurred") + " --comparison " + path("dossier_cmp") + " --log " +
                        log + " -o " + path("d2"))
                .code,
            3);
  ASSERT_EQ(compare("equal", "-o " + path("unlogged")).code, 3);
  EXPECT_EQ(run_program("report --dossier " + path("equal") + " --comparison " + path("unlogged") + " --log " + log +
                        " -o " + path("d3"))
                .code,
            3);
  EXPECT_EQ(run_program("report --dossier " + path("equal")).code, 2);
}

TEST_F(GateStorySlow, FromTheReferenceToTheDossier) {
  the_reference_is_what_was_rendered();
  the_equal_site_is_go();
  the_blurred_site_is_no_go_for_its_resolution();
  the_single_noisy_scan_is_inconclusive_with_a_number_of_scans();
  a_single_scan_may_be_a_gross_failure();
  looks_are_counted_and_the_log_tells_tampering();
  what_is_no_evidence_is_refused();
  the_dossier_answers_and_tells_later_changes();
}

}  // namespace
}  // namespace iqgate
