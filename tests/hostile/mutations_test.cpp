// Seeded mutations of sound inputs: bits turned, runs overwritten, pieces moved, put in and left out.
#include "hostile/corpus.hpp"
#include "iqgate/base/random.hpp"

namespace iqgate::test {
namespace {

constexpr std::uint64_t seed_of_run = 20261128;

// Numbers of one mutation: they depend on the mutation's own number alone.
class Dice {
 public:
  explicit Dice(std::uint64_t mutation) : mutation_(mutation) {}
  std::size_t below(std::size_t limit) {
    return limit == 0 ? 0 : static_cast<std::size_t>(uniform_index(seed_of_run, mutation_, counter_++, limit));
  }

 private:
  std::uint64_t mutation_, counter_ = 0;
};

void mutate_once(std::string& bytes, const std::string& other, Dice& dice) {
  const std::size_t at = dice.below(bytes.size()), run = 1 + dice.below(16);
  const std::size_t held = std::min(run, bytes.size() - at);
  switch (dice.below(7)) {
    case 0:
      if (!bytes.empty()) bytes[at] = static_cast<char>(bytes[at] ^ (1 << dice.below(8)));
      break;
    case 1: {
      static constexpr char fills[] = {'\0', '\xFF', '\x7F', '\x80', '9', '-', 'A'};
      bytes.replace(at, held, held, fills[dice.below(sizeof fills)]);
      break;
    }
    case 2:
      for (std::size_t k = 0; k < held; ++k) bytes[at + k] = static_cast<char>(dice.below(256));
      break;
    case 3: bytes.erase(at, held); break;
    case 4: bytes.insert(at, std::string(run, static_cast<char>(dice.below(256)))); break;
    case 5: bytes.insert(at, bytes.substr(dice.below(bytes.size()), run * 8)); break;
    default: bytes = bytes.substr(0, at) + other.substr(dice.below(other.size())); break;
  }
}

void run_mutations(Corpus& corpus, std::uint64_t first, std::uint64_t each) {
  const std::vector<Seed> seeds = seeds_of();
  for (std::size_t s = 0; s < seeds.size(); ++s)
    for (std::uint64_t k = first; k < first + each; ++k) {
      Dice dice(s * 1000003 + k);
      std::string bytes = seeds[s].bytes;
      const std::string& other = seeds[dice.below(4) == 0 ? dice.below(seeds.size()) : s].bytes;
      for (std::size_t times = 1 + dice.below(4); times > 0; --times) mutate_once(bytes, other, dice);
      corpus.send(seeds[s].door, bytes, seeds[s].name + " mutation " + std::to_string(k), seeds[s].suffix);
    }
}

TEST(HostileMutations, OfEverySeed) {
  Corpus corpus("mutations");
  run_mutations(corpus, 0, 60);
  EXPECT_GT(corpus.sent(), 2400u);
}

TEST(HostileMutationsLong, OfEverySeed) {
  Corpus corpus("mutations, long");
  run_mutations(corpus, 60, 1200);
}

TEST(HostileMutations, SeedsThemselvesAreTaken) {
  Corpus corpus("seeds");
  for (const Seed& seed : seeds_of())
    EXPECT_EQ(corpus.send(seed.door, seed.bytes, seed.name, seed.suffix).code, "ok") << seed.door << " " << seed.name;
}

}  // namespace
}  // namespace iqgate::test
