#pragma once

#include <type_traits>

/// CUDA's atomics on integers, for exactly the types that CUDA has them for.
/// Really atomic: streams are threads. None on floats, whose sums would depend
/// on the order.
#define TROUPE_ATOMIC(name, type, becomes)                                     \
  inline type name(type* where, type value) {                                  \
    type old = __atomic_load_n(where, __ATOMIC_RELAXED);                       \
    while (!__atomic_compare_exchange_n(                                       \
        where, &old, becomes, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {     \
    }                                                                          \
    return old;                                                                \
  }
#define TROUPE_ATOMICS(type)                                                   \
  TROUPE_ATOMIC(atomicMax, type, old > value ? old : value)                    \
  TROUPE_ATOMIC(atomicMin, type, old < value ? old : value)                    \
  TROUPE_ATOMIC(atomicAnd, type, old& value)                                   \
  TROUPE_ATOMIC(atomicOr, type, old | value)                                   \
  TROUPE_ATOMIC(atomicXor, type, old ^ value)
TROUPE_ATOMICS(int)
TROUPE_ATOMICS(unsigned)
TROUPE_ATOMICS(long long)
TROUPE_ATOMICS(unsigned long long)
#undef TROUPE_ATOMICS

// Sums wrap around, as the hardware's do.
#define TROUPE_ATOMICS(type)                                                   \
  inline type atomicAdd(type* where, type value) {                             \
    return __atomic_fetch_add(where, value, __ATOMIC_RELAXED);                 \
  }                                                                            \
  inline type atomicExch(type* where, type value) {                            \
    return __atomic_exchange_n(where, value, __ATOMIC_RELAXED);                \
  }                                                                            \
  inline type atomicCAS(type* where, type expected, type value) {              \
    __atomic_compare_exchange_n(                                               \
        where, &expected, value, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);   \
    return expected;                                                           \
  }
TROUPE_ATOMICS(int)
TROUPE_ATOMICS(unsigned)
TROUPE_ATOMICS(unsigned long long)
#undef TROUPE_ATOMICS
#undef TROUPE_ATOMIC

inline int atomicSub(int* where, int value) {
  return __atomic_fetch_sub(where, value, __ATOMIC_RELAXED);
}
inline unsigned atomicSub(unsigned* where, unsigned value) {
  return __atomic_fetch_sub(where, value, __ATOMIC_RELAXED);
}
