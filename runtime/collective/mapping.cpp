#include "runtime/collective/mapping.hpp"

#include <cerrno>
#include <system_error>

#include <sys/mman.h>

namespace troupe::collective {
namespace {

void* map(int file, std::size_t first, std::size_t size) {
  const auto flags = file < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
  auto* at = mmap(nullptr, size, PROT_READ | PROT_WRITE, flags, file,
      static_cast<off_t>(first));
  if (at == MAP_FAILED)
    throw std::system_error{
        errno, std::generic_category(), "cannot map memory"};
  madvise(at, size, MADV_HUGEPAGE); // a wish
  return at;
}

} // namespace

mapping mapping::of_own(std::size_t size) {
  return {map(-1, 0, size), size};
}

mapping mapping::of_file(int file, std::size_t at, std::size_t size) {
  return {map(file, at, size), size};
}

mapping::~mapping() {
  if (at_)
    munmap(at_, size_);
}

} // namespace troupe::collective
