#pragma once
// A run of malformed inputs through one door after another: each is answered within 10 s and 512 MiB, by a scan of
// finite numbers or by a refusal whose code is one of a fixed list.
#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "support/doors.hpp"
#include "support/seeds.hpp"

namespace iqgate::test {

/// Memory of this process in bytes: now, and the most since `forget_peak`.
std::uint64_t resident_bytes();
std::uint64_t peak_bytes();
void forget_peak();
/// What a sanitizer may add to the resident size: freed blocks stay in its quarantine (256 MiB), each block carries red
/// zones, and the shadow is an eighth of it all.
std::uint64_t sanitizer_allowance();
/// The largest block that DCMTK asked for since `forget_request` (0 under sanitizers): it may lie there untouched.
std::size_t largest_request();
void forget_request();
/// Seconds of the thread that calls, and how much slower a sanitizer may make it.
double thread_seconds();
double sanitizer_slowness();

class Corpus {
 public:
  explicit Corpus(std::string name) : name_(std::move(name)) {}
  ~Corpus();
  Corpus(const Corpus&) = delete;
  Corpus& operator=(const Corpus&) = delete;

  /// Sends one input through and checks the promises. `what` names it in messages.
  Outcome send(std::string_view door, const std::string& bytes, const std::string& what, std::string_view suffix = {});
  /// The same, for an input that no reader may take.
  void refuse(std::string_view door, const std::string& bytes, const std::string& what, std::string_view suffix = {});
  std::size_t sent() const { return sent_; }

 private:
  std::string name_;
  std::size_t sent_ = 0, taken_ = 0;
  std::map<std::string, std::size_t> codes_;
};

/// The seeds of this door, or all.
std::vector<Seed> seeds_of(std::string_view door = {});

/// `value` in `width` bytes at `at`, little endian or big.
std::string with_number(std::string bytes, std::size_t at, std::uint64_t value, int width, bool big = false);

}  // namespace iqgate::test
