#pragma once
// Memory for voxels. Fresh 4 KiB pages cost more than any one-pass operation over them, so large blocks ask for huge
// pages; and nobody zeroes what is about to be written.
#include <cstddef>
#include <memory>
#include <new>
#include <utility>
#include <vector>

namespace iqgate {

/// 64-byte aligned; from 4 MiB on, 2 MiB aligned and in huge pages where the system gives them. Blocks of that size
/// that are given back are kept, up to 1.5 GiB in all, for the next of the same size. std::bad_alloc.
void* allocate_voxels(std::size_t bytes);
void free_voxels(void* memory, std::size_t bytes) noexcept;
/// Hands what is kept back to the system.
void release_kept_voxels() noexcept;

template <class T>
struct VoxelAllocator {
  using value_type = T;
  VoxelAllocator() = default;
  template <class U>
  VoxelAllocator(const VoxelAllocator<U>&) noexcept {}
  T* allocate(std::size_t n) {
    if (n > static_cast<std::size_t>(-1) / sizeof(T)) throw std::bad_alloc();
    return static_cast<T*>(allocate_voxels(n * sizeof(T)));
  }
  void deallocate(T* p, std::size_t n) noexcept { free_voxels(p, n * sizeof(T)); }
  /// Without a value: left as it is.
  template <class U>
  void construct(U* p) noexcept {
    ::new (static_cast<void*>(p)) U;
  }
  template <class U, class... Arguments>
  void construct(U* p, Arguments&&... arguments) {
    ::new (static_cast<void*>(p)) U(std::forward<Arguments>(arguments)...);
  }
  template <class U>
  bool operator==(const VoxelAllocator<U>&) const noexcept {
    return true;
  }
};

/// Like std::vector, but `Voxels(n)` and resize leave new values uninitialised.
template <class T>
using VoxelArray = std::vector<T, VoxelAllocator<T>>;
using Voxels = VoxelArray<float>;

}  // namespace iqgate
