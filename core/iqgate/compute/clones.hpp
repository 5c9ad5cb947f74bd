#pragma once
// Hot loops are compiled for the newest vector units too and chosen when the library is loaded. All clones give the
// same bits: element by element, nothing is reassociated or fused. Sanitizers and clang get the plain version.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define IQGATE_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define IQGATE_CLONES
#endif

#define IQGATE_INLINE inline __attribute__((always_inline))

namespace iqgate::compute {

/// A vector of the compiler from memory that is aligned as its elements are, and back. (A type with `aligned` would do
/// it in one compiler; another one drops the attribute.)
template <class Vector, class T>
IQGATE_INLINE Vector loaded(const T* from) {
  Vector v;
  __builtin_memcpy(&v, from, sizeof v);
  return v;
}
template <class Vector, class T>
IQGATE_INLINE void stored(const Vector& v, T* to) {
  __builtin_memcpy(to, &v, sizeof v);
}

}  // namespace iqgate::compute
