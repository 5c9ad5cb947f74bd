#include "iqgate/base/voxels.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <mutex>

namespace iqgate {
namespace {

constexpr std::size_t large = std::size_t{4} << 20, huge_page = std::size_t{2} << 20, line = 64;
#if defined(__SANITIZE_ADDRESS__)
constexpr std::size_t most_kept = 0;  // so that the use of freed memory is seen
#else
constexpr std::size_t most_kept = std::size_t{3} << 29;  // 1.5 GiB
#endif

std::size_t rounded(std::size_t bytes, std::size_t to) { return (bytes + to - 1) / to * to; }

// Large blocks that were given back, to be taken again: touching fresh pages takes as long as working on them.
class Kept {
 public:
  void* take(std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    const auto found = std::find_if(blocks_.begin(), blocks_.end(), [&](const Block& b) { return b.bytes == bytes; });
    if (found == blocks_.end()) return nullptr;
    void* memory = found->memory;
    blocks_.erase(found);
    total_ -= bytes;
    return memory;
  }
  bool give(void* memory, std::size_t bytes) noexcept {
    const std::lock_guard lock(mutex_);
    if (total_ + bytes > most_kept || blocks_.size() == blocks_.capacity()) return false;
    blocks_.push_back({memory, bytes});
    total_ += bytes;
    return true;
  }
  void release() noexcept {
    const std::lock_guard lock(mutex_);
    for (const Block& b : blocks_) std::free(b.memory);
    blocks_.clear();
    total_ = 0;
  }
  Kept() { blocks_.reserve(64); }

 private:
  struct Block {
    void* memory;
    std::size_t bytes;
  };
  std::mutex mutex_;
  std::vector<Block> blocks_;
  std::size_t total_ = 0;
};

std::atomic<bool> any_kept = false;

Kept& kept() {
  static Kept* const blocks = [] {
    Kept* const made = new Kept;  // outlives every volume, static ones too
    any_kept = true;
    return made;
  }();
  return *blocks;
}

}  // namespace

void* allocate_voxels(std::size_t bytes) {
  if (bytes > static_cast<std::size_t>(-1) - huge_page) throw std::bad_alloc();
  const std::size_t alignment = bytes >= large ? huge_page : line,
                    whole = rounded(std::max<std::size_t>(bytes, 1), alignment);
  if (bytes >= large)
    if (void* again = kept().take(whole)) return again;
  void* memory = std::aligned_alloc(alignment, whole);
  if (!memory) {
    kept().release();
    memory = std::aligned_alloc(alignment, whole);
  }
  if (!memory) throw std::bad_alloc();
  if (bytes >= large) madvise(memory, whole, MADV_HUGEPAGE);  // a wish: failure changes nothing
  return memory;
}

void free_voxels(void* memory, std::size_t bytes) noexcept {
  if (bytes >= large && kept().give(memory, rounded(bytes, huge_page))) return;
  std::free(memory);
}

void release_kept_voxels() noexcept {
  if (any_kept) kept().release();  // never made for this: there may be no memory
}

}  // namespace iqgate
