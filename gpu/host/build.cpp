#include "gpu/host/build.hpp"

#include <cblas.h>

#include <gnu/libc-version.h>
#include <sstream>

#if __has_include(<sys/platform/x86.h>)
#include <sys/platform/x86.h>
#endif

namespace troupe::gpu::host {

std::string blas_release() {
  std::istringstream config{openblas_get_config()};
  std::string library;
  std::string version;
  config >> library >> version;
  return library + ' ' + version;
}

// As glibc chooses; elsewhere than on x86-64 there is one way only.
bool fuses() noexcept {
#if defined(CPU_FEATURE_ACTIVE)
  return (CPU_FEATURE_ACTIVE(FMA) && CPU_FEATURE_ACTIVE(AVX2)) ||
         CPU_FEATURE_ACTIVE(FMA4);
#else
  return true;
#endif
}

// Most processors do, and a fingerprint is as it always was there.
std::string build(bool fused) {
#if defined(__clang__)
  const std::string compiler = "clang " __clang_version__;
#else
  const std::string compiler = "gcc " __VERSION__;
#endif
  return compiler + ", glibc " + gnu_get_libc_version() +
         (fused ? "" : " without fma");
}

} // namespace troupe::gpu::host
