#include "hostile/corpus.hpp"

#include <time.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <new>
#include <sstream>

#include "hostile/codes.hpp"

namespace iqgate::test {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

std::atomic<std::size_t> largest{0};

std::uint64_t status_bytes(const std::string& key) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.rfind(key + ":", 0) == 0) return std::stoull(line.substr(key.size() + 1)) * 1024;
  return 0;
}

// What is being read, for the message of a hang: a signal handler can only write bytes that are there.
char current_input[256];

void hang(int) {
  static constexpr char text[] = "an input was not answered within 10 s: ";
  ssize_t ignored = write(STDERR_FILENO, text, sizeof text - 1);
  ignored = write(STDERR_FILENO, current_input, std::strlen(current_input));
  ignored = write(STDERR_FILENO, "\n", 1);
  (void)ignored;
  std::abort();
}

class Watchdog {
 public:
  explicit Watchdog(const std::string& what) {
    std::strncpy(current_input, what.c_str(), sizeof current_input - 1);
    std::signal(SIGALRM, hang);
    alarm(10);
  }
  ~Watchdog() { alarm(0); }
};

[[maybe_unused]] void* note_request(std::size_t size) {
  if (size > largest) largest = size;
  return std::malloc(size);
}

}  // namespace
}  // namespace iqgate::test

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
// DCMTK's own way to ask for the value of an element; the libraries find this one first.
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return iqgate::test::note_request(size); }
#endif

namespace iqgate::test {

std::size_t largest_request() { return largest; }
void forget_request() { largest = 0; }
std::uint64_t resident_bytes() { return status_bytes("VmRSS"); }
std::uint64_t peak_bytes() { return status_bytes("VmHWM"); }
void forget_peak() { std::ofstream("/proc/self/clear_refs") << "5"; }
std::uint64_t sanitizer_allowance() { return sanitized ? std::uint64_t{1} << 30 : 0; }
double sanitizer_slowness() { return sanitized ? 10 : 1; }

double thread_seconds() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return double(t.tv_sec) + 1e-9 * double(t.tv_nsec);
}

Outcome Corpus::send(std::string_view door, const std::string& bytes, const std::string& what,
                     std::string_view suffix) {
  const std::string name = name_ + ": " + std::string(door) + " " + what;
  // The whole machine may not be asked after every input: the peak of sixteen is.
  if (sent_++ % 16 == 0) forget_peak();
  const std::uint64_t before = sent_ % 16 == 0 ? resident_bytes() : 0;
  Outcome outcome;
  try {
    const Watchdog watchdog(name);
    outcome = through_door(door, bytes, {}, suffix);
  } catch (const std::exception& error) {
    ADD_FAILURE() << name << ": an exception that is no refusal: " << error.what();
    return {"exception", error.what()};
  }
  EXPECT_EQ(outcome.fault, "") << name;
  EXPECT_TRUE(outcome.ok() || stable_codes().count(outcome.code)) << name << ": unlisted code " << outcome.code;
  if (sent_ % 16 == 0) EXPECT_LT(peak_bytes(), before + (std::uint64_t{512} << 20) + sanitizer_allowance()) << name;
  taken_ += outcome.ok();
  ++codes_[outcome.code];
  return outcome;
}

void Corpus::refuse(std::string_view door, const std::string& bytes, const std::string& what, std::string_view suffix) {
  EXPECT_FALSE(send(door, bytes, what, suffix).ok()) << name_ << ": " << door << " " << what << " was taken";
}

Corpus::~Corpus() {
  std::ostringstream codes;
  for (const auto& [code, count] : codes_) codes << " " << code << " " << count;
  std::printf("[  corpus  ] %s: %zu inputs, %zu taken;%s\n", name_.c_str(), sent_, taken_, codes.str().c_str());
}

std::vector<Seed> seeds_of(std::string_view door) {
  static const std::vector<Seed> all = good_seeds(IQGATE_SOURCE_DIR "/phantoms");
  std::vector<Seed> some;
  for (const Seed& seed : all)
    if (door.empty() || seed.door == door) some.push_back(seed);
  return some;
}

std::string with_number(std::string bytes, std::size_t at, std::uint64_t value, int width, bool big) {
  for (int k = 0; k < width; ++k)
    bytes.at(at + static_cast<std::size_t>(k)) = static_cast<char>(value >> (8 * (big ? width - 1 - k : k)));
  return bytes;
}

}  // namespace iqgate::test
