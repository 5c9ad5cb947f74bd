// C4: memory that is refused at any allocation. What was asked for comes out right or is refused; nothing crashes, no
// number is wrong, and the next run knows nothing of it. This binary's operator new fails when it is told to, for the
// library too.
#include <atomic>
#include <cstdlib>
#include <new>
#include <random>

#include "iqgate/base/atomic_file.hpp"
#include "iqgate/base/sha256.hpp"
#include "iqgate/locate/registration.hpp"
#include "iqgate/pipeline/bench_cases.hpp"
#include "iqgate/read/find_scans.hpp"
#include "iqgate/report/volume_writer.hpp"
#include "support/any_phantom.hpp"

namespace {

constexpr long never = 1L << 60;
std::atomic<long> left{never};     // allocations until one fails
std::atomic<bool> lasting{false};  // all that follow too
std::atomic<long> counted{0};

bool refused() {
  counted.fetch_add(1, std::memory_order_relaxed);
  const long before = left.fetch_sub(1, std::memory_order_relaxed);
  return before == 0 || (before < 0 && lasting.load(std::memory_order_relaxed));
}

void* allocated(std::size_t size, std::size_t alignment) {
  if (refused()) return nullptr;
  return alignment > alignof(std::max_align_t)
             ? std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment)
             : std::malloc(size ? size : 1);
}

void* or_throw(void* p) {
  if (!p) throw std::bad_alloc();
  return p;
}

}  // namespace

void* operator new(std::size_t n) { return or_throw(allocated(n, 1)); }
void* operator new[](std::size_t n) { return or_throw(allocated(n, 1)); }
void* operator new(std::size_t n, std::align_val_t a) { return or_throw(allocated(n, std::size_t(a))); }
void* operator new[](std::size_t n, std::align_val_t a) { return or_throw(allocated(n, std::size_t(a))); }
void* operator new(std::size_t n, const std::nothrow_t&) noexcept { return allocated(n, 1); }
void* operator new[](std::size_t n, const std::nothrow_t&) noexcept { return allocated(n, 1); }
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete[](void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, const std::nothrow_t&) noexcept { std::free(p); }
void operator delete[](void* p, const std::nothrow_t&) noexcept { std::free(p); }

namespace iqgate {
namespace {

// `work` gives what it found as text. It is run with its k-th allocation refused, alone or with all that follow, for
// the first `every` of them and `drawn` more by chance.
void endures(const std::string& name, long every, long drawn, const std::function<std::string()>& work) {
  const std::string truth = work();  // and what is made once
  counted = 0;
  ASSERT_EQ(work(), truth) << name;
  const long all = counted;
  std::vector<long> places;
  for (long k = 0; k < std::min(every, all); ++k) places.push_back(k);
  std::mt19937_64 generator(11);
  for (long k = 0; k < drawn && all > every; ++k)
    places.push_back(std::uniform_int_distribution<long>(every, all - 1)(generator));
  long thrown = 0;
  for (const long place : places)
    for (const bool all_that_follow : {false, true}) {
      std::string found;
      bool failed = false;
      lasting = all_that_follow;
      left = place;
      try {
        found = work();
      } catch (const std::bad_alloc&) {
        failed = true;
      } catch (const Error& error) {
        failed = error.kind == ErrorKind::resource;
        if (!failed) found = error.what();
      }
      left = never;
      thrown += failed;
      if (!failed) EXPECT_EQ(found, truth) << name << ": allocation " << place << " of " << all << " refused";
    }
  EXPECT_GT(thrown, 0) << name;
  EXPECT_EQ(work(), truth) << name;
}

// Each operation on the small volume with the closed-form truth that benchmarks check before they time it.
TEST(Allocations, EveryOperation) {
  const auto backend = compute::cpu_backend();
  for (const pipeline::BenchCase& c : pipeline::bench_cases())
    endures(c.name, 60, 60, [&] { return c.fault(*backend); });
}

std::string text_of(const Results& r) {
  std::string text;
  char line[64];
  for (const Measurement& m : r.measurements) {
    std::snprintf(line, sizeof line, " %.17g %.17g\n", m.value, m.se.value_or(-1));
    text += m.name + m.variant + m.where + line;
  }
  for (const NotMeasured& n : r.not_measured) text += n.name + n.where + n.reason + "\n";
  return text;
}

void measured_and_located(long every, long drawn, const std::vector<std::string>& phantoms) {
  for (const std::string& name : phantoms) {
    const test::AnyPhantom p = test::any_phantom(name, 5);
    endures(name + ", measured", every, drawn, [&] { return text_of(test::measured(p, p.scan.volume, 20)); });
    endures(name + ", located", every, drawn, [&] {
      const Placement found = locate::locate_phantom(p.scan, p.model);
      char line[128];
      std::snprintf(line, sizeof line, "%.17g %.17g %.17g %.17g", found.translation_mm.x, found.translation_mm.y,
                    found.translation_mm.z, found.score);
      return std::string(line);
    });
  }
}

TEST(Allocations, PhantomsLocatedAndMeasured) { measured_and_located(3, 5, {"water_cylinder"}); }
TEST(AllocationsLong, EveryPhantomLocatedAndMeasured) { measured_and_located(40, 150, test::phantoms_of_one_scan()); }

TEST(Allocations, ScansReadFromFiles) {
  const test::TemporaryFolder folder;
  ASSERT_EQ(test::run_program("phantoms render water_cylinder -o " + folder.path("scan")).code, 0);
  // File by file: the standard library's walk through folders does not pass a refused allocation on.
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder.path("scan")))
    if (entry.is_regular_file() && entry.path().extension() == ".dcm") files.push_back(entry.path().string());
  std::sort(files.begin(), files.end());
  ASSERT_GT(files.size(), 3u);
  endures("read", 400, 400, [&] {
    std::string text;
    for (const read::ScanHeader& h : read::find_scans(files)) {
      text += h.code + h.reason + h.id;
      if (h.usable && h.is_scan)
        for (const Scan& s : read::load_scan(h))
          text += sha256_hex({reinterpret_cast<const char*>(s.volume.values.data()), 4 * s.volume.values.size()});
    }
    return text;
  });
}

// ITK tells refused memory as an exception of its own; a stream takes it for the end of its text. (MetaImage is left
// out: ITK's own reader of it does the latter. HDF5 too: ITK's threads end the process when a fork finds no memory.)
TEST(Allocations, RastersAndTables) {
  const test::TemporaryFolder folder;
  const Scan scan = test::painted({12, 10, 8}, {1, 1, 2}, [](Vec3 p) { return p.x + 10 * p.y + 100 * p.z; });
  const std::string name = report::write_volume(scan, report::VolumeFormat::nifti, folder.path(), "scan", {}).front();
  endures(name, 400, 100, [&] {
    std::string text;
    for (const read::ScanHeader& h : read::find_scans({name})) {
      text += h.code + h.reason;
      if (h.usable)
        for (const Scan& s : read::load_scan(h))
          text += sha256_hex({reinterpret_cast<const char*>(s.volume.values.data()), 4 * s.volume.values.size()});
    }
    return text;
  });
  std::string table = "id,x_mm,y_mm,z_mm,diameter_mm\n";
  for (int k = 0; k < 60; ++k) {
    table += "ball" + std::to_string(k) + "," + std::to_string(k % 4 * 20) + "," + std::to_string(k / 4 % 4 * 20) +
             "," + std::to_string(k / 16 * 20) + ",8\n";
    if (k % 10 == 3) table += "# " + std::string(90, '-') + "\n";
  }
  write_file_atomically(folder.path("balls.csv"), table);
  endures("table", 400, 400, [&] {
    const phantom::Model model = phantom::read_model(folder.path("balls.csv"));
    return std::to_string(model.features.size()) + " " + std::to_string(model.shapes.size());
  });
}

}  // namespace
}  // namespace iqgate
