#include <algorithm>
#include <cstddef>

#include <dlfcn.h>
#include <pthread.h>

// The web server behind the exposer (civetweb) asks for threads with 100 KiB of
// stack and fills nearly all of it. A statically linked CUDA runtime keeps 8
// KiB of thread-local data on every stack, and the address sanitizer widens
// every frame: a scrape could overflow. So this takes the place of the C
// library's function in programs that are watched.
extern "C" int pthread_attr_setstacksize(
    pthread_attr_t* attributes, std::size_t size) {
  constexpr std::size_t least = std::size_t{256} << 10;
  using function = int(pthread_attr_t*, std::size_t);
  static auto* next = reinterpret_cast<function*>(
      dlsym(RTLD_NEXT, "pthread_attr_setstacksize"));
  return next(attributes, std::max(size, least));
}
