#pragma once
// The one place that asks the preprocessor about CUDA: per-voxel mathematics is written once, for host and device.
#if defined(__CUDACC__)
#define IQGATE_HD __host__ __device__
#else
#define IQGATE_HD
#endif
