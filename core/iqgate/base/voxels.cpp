#include "iqgate/base/voxels.hpp"

#include <sys/mman.h>

#include <cstdlib>

namespace iqgate {
namespace {

constexpr std::size_t large = std::size_t{4} << 20, huge_page = std::size_t{2} << 20, line = 64;

std::size_t rounded(std::size_t bytes, std::size_t to) { return (bytes + to - 1) / to * to; }

}  // namespace

void* allocate_voxels(std::size_t bytes) {
  if (bytes > static_cast<std::size_t>(-1) - huge_page) throw std::bad_alloc();
  const std::size_t alignment = bytes >= large ? huge_page : line;
  void* memory = std::aligned_alloc(alignment, rounded(bytes == 0 ? 1 : bytes, alignment));
  if (!memory) throw std::bad_alloc();
  if (bytes >= large) madvise(memory, rounded(bytes, huge_page), MADV_HUGEPAGE);  // a wish: failure changes nothing
  return memory;
}

void free_voxels(void* memory, std::size_t) noexcept { std::free(memory); }

}  // namespace iqgate
