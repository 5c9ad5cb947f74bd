#pragma once
// Hot loops are compiled for the newest vector units too and chosen when the library is loaded. All clones give the
// same bits: element by element, nothing is reassociated or fused. Sanitizers and clang get the plain version.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define IQGATE_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define IQGATE_CLONES
#endif
