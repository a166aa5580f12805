#include "gpu/cuda/shared_library.hpp"

#include <dlfcn.h>

namespace troupe::gpu::cuda {
namespace {

std::string last_error() {
  const char* text = dlerror();
  return text != nullptr ? text : "no reason given";
}

} // namespace

shared_library::shared_library(std::initializer_list<const char*> names) {
  std::string reasons;
  for (const auto* name : names) {
    handle_ = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (handle_ != nullptr) {
      name_ = name;
      return;
    }
    reasons += (reasons.empty() ? "" : "; ") + last_error();
  }
  throw library_missing("cannot open " +
                        (names.size() > 0 ? std::string{*names.begin()}
                                          : std::string{"no library"}) +
                        " (" + reasons +
                        "): install it, or add its folder to "
                        "LD_LIBRARY_PATH");
}

void* shared_library::find(const char* symbol) const noexcept {
  return dlsym(handle_, symbol);
}

void* shared_library::address(const char* symbol) const {
  if (void* found = find(symbol))
    return found;
  throw std::runtime_error(
      name_ + " has no function " + symbol + ": install a newer version");
}

} // namespace troupe::gpu::cuda
