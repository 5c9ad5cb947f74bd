// Any later change to a result is found by `verify`: bits, cuts, swaps, edits, additions.
#include <algorithm>
#include <fstream>

#include "iqgate/base/atomic_file.hpp"
#include "iqgate/base/error.hpp"
#include "iqgate/base/random.hpp"
#include "iqgate/batch/verify_store.hpp"
#include "support/batch_world.hpp"

namespace iqgate::test {
namespace {
namespace fs = std::filesystem;

class Integrity : public BatchWorld {
 protected:
  void SetUp() override {
    scans(2);
    ASSERT_EQ(batch().code, 0);
    for (const auto& entry : fs::recursive_directory_iterator(store() + "/results"))
      if (entry.is_regular_file()) files.push_back(entry.path().string());
    std::sort(files.begin(), files.end());
    ASSERT_EQ(files.size(), 10u);
  }
  std::vector<std::string> faults() const {
    store::Store opened(store());
    return batch::verify_store(opened, store()).faults;
  }
  void flip_bits(int count, std::uint64_t seed) {
    store::Store opened(store());
    for (int k = 0; k < count; ++k) {
      const std::string& file = files[uniform_index(seed, 1, std::uint64_t(k), files.size())];
      const std::string before = bytes_of(file);
      std::string after = before;
      const std::uint64_t bit = uniform_index(seed, 2, std::uint64_t(k), 8 * before.size());
      after[bit / 8] = static_cast<char>(after[bit / 8] ^ (1 << (bit % 8)));
      write_file_atomically(file, after);
      EXPECT_EQ(batch::verify_store(opened, store()).faults.size(), 1u) << file << " bit " << bit;
      write_file_atomically(file, before);
    }
    EXPECT_TRUE(faults().empty());
  }
  std::vector<std::string> files;
};

TEST_F(Integrity, EachFlippedBitIsFound) { flip_bits(200, 1); }

class IntegrityLong : public Integrity {};
TEST_F(IntegrityLong, EachOfTwoThousandFlippedBitsIsFound) { flip_bits(2000, 2); }

TEST_F(Integrity, CutsSwapsEditsAndAdditionsAreFound) {
  EXPECT_TRUE(faults().empty());
  const std::string json = files[4], other = files[9];
  const auto changed_and_back = [&](const std::function<void()>& change, const std::function<void()>& back) {
    change();
    EXPECT_FALSE(faults().empty());
    EXPECT_EQ(run_program("verify " + store()).code, 5);
    back();
    EXPECT_TRUE(faults().empty());
  };
  const std::string text = bytes_of(json);
  changed_and_back([&] { fs::resize_file(json, text.size() - 1); }, [&] { write_file_atomically(json, text); });
  const auto swap = [&] { fs::rename(json, json + ".x"), fs::rename(other, json), fs::rename(json + ".x", other); };
  ASSERT_NE(bytes_of(json), bytes_of(other));
  changed_and_back(swap, swap);
  std::string edited = text;
  const std::size_t value = edited.find("\"value\": ") + 9;
  edited[value] = edited[value] == '1' ? '2' : '1';
  changed_and_back([&] { write_file_atomically(json, edited); }, [&] { write_file_atomically(json, text); });
  changed_and_back([&] { fs::rename(json, json + ".x"); }, [&] { fs::rename(json + ".x", json); });
  const std::string foreign = store() + "/results/ab/" + std::string(64, 'a');
  changed_and_back([&] { fs::create_directories(foreign); },
                   [&] {
                     fs::remove_all(store() + "/results/ab/" + std::string(64, 'a'));
                     if (fs::is_empty(store() + "/results/ab")) fs::remove(store() + "/results/ab");
                   });
}

TEST_F(Integrity, ADamagedDatabaseIsFoundOrSaysTheSame) {
  const std::string file = store() + "/iqgate.sqlite", before = bytes_of(file);
  int found = 0, refused = 0;
  for (int k = 0; k < 150; ++k) {
    std::string after = before;
    const std::uint64_t bit = uniform_index(4, 3, std::uint64_t(k), 8 * before.size());
    after[bit / 8] = static_cast<char>(after[bit / 8] ^ (1 << (bit % 8)));
    write_file_atomically(file, after);
    try {
      store::Store opened(store());
      const bool told = !batch::verify_store(opened, store()).faults.empty();
      found += told;
      if (told) continue;
      // Not a word of what was settled may differ.
      std::size_t done = 0;
      opened.each("", [&](const store::Entry& e) {
        done += e.outcome.overall == "pass" && e.outcome.state == store::State::done;
      });
      EXPECT_EQ(done, 2u) << "bit " << bit;
    } catch (const Error&) {
      ++refused;
    }
  }
  write_file_atomically(file, before);
  EXPECT_GE(found + refused, 10) << "much of the file is empty pages";
  EXPECT_TRUE(faults().empty());
}

}  // namespace
}  // namespace iqgate::test
