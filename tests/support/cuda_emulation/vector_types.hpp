#pragma once

/// CUDA's small vectors, with its alignments: a misaligned one faults there,
/// and is told of by the undefined-behaviour sanitizer here.
#define TROUPE_VECTOR_TYPES(scalar, name, align2, align4)                      \
  struct name##1 {                                                             \
    scalar x;                                                                  \
  };                                                                           \
  struct alignas(align2) name##2 {                                             \
    scalar x, y;                                                               \
  };                                                                           \
  struct name##3 {                                                             \
    scalar x, y, z;                                                            \
  };                                                                           \
  struct alignas(align4) name##4 {                                             \
    scalar x, y, z, w;                                                         \
  };                                                                           \
  inline name##2 make_##name##2(scalar x, scalar y) {                          \
    return {x, y};                                                             \
  }                                                                            \
  inline name##3 make_##name##3(scalar x, scalar y, scalar z) {                \
    return {x, y, z};                                                          \
  }                                                                            \
  inline name##4 make_##name##4(scalar x, scalar y, scalar z, scalar w) {      \
    return {x, y, z, w};                                                       \
  }

TROUPE_VECTOR_TYPES(signed char, char, 2, 4)
TROUPE_VECTOR_TYPES(unsigned char, uchar, 2, 4)
TROUPE_VECTOR_TYPES(short, short, 4, 8)
TROUPE_VECTOR_TYPES(unsigned short, ushort, 4, 8)
TROUPE_VECTOR_TYPES(int, int, 8, 16)
TROUPE_VECTOR_TYPES(unsigned, uint, 8, 16)
TROUPE_VECTOR_TYPES(long, long, 16, 16)
TROUPE_VECTOR_TYPES(unsigned long, ulong, 16, 16)
TROUPE_VECTOR_TYPES(long long, longlong, 16, 16)
TROUPE_VECTOR_TYPES(unsigned long long, ulonglong, 16, 16)
TROUPE_VECTOR_TYPES(float, float, 8, 16)
TROUPE_VECTOR_TYPES(double, double, 16, 16)
#undef TROUPE_VECTOR_TYPES

// CUDA 13's fours of eight bytes each, of which Thrust 3 knows.
#define TROUPE_ALIGNED_FOURS(scalar, name)                                     \
  struct alignas(16) name##4_16a {                                             \
    scalar x, y, z, w;                                                         \
  };                                                                           \
  struct alignas(32) name##4_32a {                                             \
    scalar x, y, z, w;                                                         \
  };
TROUPE_ALIGNED_FOURS(long, long)
TROUPE_ALIGNED_FOURS(unsigned long, ulong)
TROUPE_ALIGNED_FOURS(long long, longlong)
TROUPE_ALIGNED_FOURS(unsigned long long, ulonglong)
TROUPE_ALIGNED_FOURS(double, double)
#undef TROUPE_ALIGNED_FOURS

struct dim3 {
  unsigned x = 1, y = 1, z = 1;
  constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1)
      : x(x_), y(y_), z(z_) {}
};
