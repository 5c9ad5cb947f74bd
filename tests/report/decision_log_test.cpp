#include "iqgate/report/decision_log.hpp"

#include "iqgate/base/atomic_file.hpp"
#include "support/support.hpp"

namespace iqgate::report {
namespace {

// A log of 200 entries, its lines.
class DecisionLog : public ::testing::Test {
 protected:
  void SetUp() override {
    for (int k = 0; k < 200; ++k)
      state = append_decision(path, "2026-01-01T00:00:00Z", [&](const CheckedLog& log) -> json::Object {
        EXPECT_EQ(log.state.length, std::size_t(k));
        return {{"kind", "comparison"},
                {"scanner", k % 2 ? "A" : "B"},
                {"profile_digest", "d"},
                {"profile_name", "p"},
                {"overall", k % 3 ? "GO" : "NO-GO"}};
      });
    std::string line;
    for (const char c : test::bytes_of(path)) {
      if (c != '\n') line += c;
      else lines.push_back(line), line.clear();
    }
  }
  std::string joined() const {
    std::string text;
    for (const std::string& l : lines) text += l + "\n";
    return text;
  }
  std::size_t first_bad(const std::optional<LogState>& expected = {}) const {
    const CheckedLog log = check_log(joined(), expected);
    return log.fault ? log.fault->line : 0;
  }
  test::TemporaryFolder folder;
  const std::string path = folder.path("log.jsonl");
  LogState state;
  std::vector<std::string> lines;
};

TEST_F(DecisionLog, IsWholeAndCountsLooks) {
  ASSERT_EQ(lines.size(), 200u);
  EXPECT_EQ(first_bad(), 0u);
  EXPECT_EQ(first_bad(state), 0u);
  const CheckedLog log = read_log(path);
  EXPECT_EQ(log.state.last_digest, state.last_digest);
  EXPECT_EQ(next_look(log, "d", "p", "A"), 101u);
  EXPECT_EQ(next_look(log, "other", "p", "A"), 101u);  // a changed text of the same name is no fresh start
  EXPECT_EQ(next_look(log, "other", "q", "A"), 1u);
}

TEST_F(DecisionLog, EachKindOfTamperingIsFoundAtItsFirstEntry) {
  const std::vector<std::string> good = lines;
  const auto with = [&](const std::function<void()>& change) {
    lines = good;
    change();
    return first_bad();
  };
  for (const std::size_t k : {0u, 57u, 199u}) {
    const std::size_t line = k + 1;
    EXPECT_EQ(with([&] { lines[k].replace(lines[k].find("GO\""), 3, "OK\""); }), line) << k;   // a word
    EXPECT_EQ(with([&] { lines[k].insert(lines[k].find(',') + 1, " "); }), line) << k;         // spelling alone
    EXPECT_EQ(with([&] { lines[k].replace(lines[k].find("2026"), 4, "2025"); }), line) << k;   // the date
    EXPECT_EQ(with([&] { lines[k].pop_back(); }), line) << k;                                  // cut
    EXPECT_EQ(with([&] { lines[k] = ""; }), line) << k;                                        // blanked
    EXPECT_EQ(with([&] { lines.insert(lines.begin() + long(k), lines[k]); }), line + 1) << k;  // twice
  }
  EXPECT_EQ(with([&] { lines.erase(lines.begin() + 57); }), 58u);
  EXPECT_EQ(with([&] { std::swap(lines[57], lines[58]); }), 58u);
  EXPECT_EQ(with([&] { lines.erase(lines.begin()); }), 1u);
  // Made anew with right digests, from entry 101 on: only what stands elsewhere can tell.
  write_file_atomically(path, "");
  LogState middle, end;
  for (int k = 0; k < 200; ++k)
    end = append_decision(path, k < 100 ? "2026-01-01T00:00:00Z" : "2026-01-02T00:00:00Z",
                          [&](const CheckedLog&) -> json::Object {
                            return {{"kind", "comparison"},
                                    {"scanner", k % 2 ? "A" : "B"},
                                    {"profile_digest", "d"},
                                    {"profile_name", "p"},
                                    {"overall", k % 3 ? "GO" : "NO-GO"}};
                          });
  const CheckedLog anew = read_log(path, state);
  ASSERT_TRUE(anew.fault);
  EXPECT_EQ(anew.fault->line, 200u);
  // A cut tail.
  lines = good;
  lines.resize(150);
  EXPECT_EQ(first_bad(), 0u);
  EXPECT_EQ(first_bad(state), 151u);
  // No end of line at the end.
  std::string text = joined();
  text.pop_back();
  EXPECT_EQ(check_log(text).fault->line, 150u);
}

TEST_F(DecisionLog, NothingIsAddedToABrokenOne) {
  lines[10][20] = 'x';
  write_file_atomically(path, joined());
  EXPECT_THROW(append_decision(path, "2026-01-01T00:00:00Z", [](const CheckedLog&) { return json::Object{}; }),
               OutputError);
  EXPECT_EQ(test::bytes_of(path), joined());
}

}  // namespace
}  // namespace iqgate::report
