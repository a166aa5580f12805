#include "runtime/collective/mapping.hpp"

#include <cerrno>
#include <random>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

namespace troupe::collective {
namespace {

[[noreturn]] void fail(const char* what) {
  throw std::system_error{errno, std::generic_category(), what};
}

void* map(int file, std::size_t size) {
  const auto flags = file < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
  auto* at = mmap(nullptr, size, PROT_READ | PROT_WRITE, flags, file, 0);
  const auto error = errno;
  if (file >= 0)
    close(file);
  errno = error;
  if (at == MAP_FAILED)
    fail("cannot map shared memory");
  madvise(at, size, MADV_HUGEPAGE); // a wish
  return at;
}

std::string draw_name() {
  std::random_device system;
  return fmt::format(
      "/troupe-ranks-{:08x}{:08x}{:08x}", system(), system(), system());
}

} // namespace

mapping mapping::of_own(std::size_t size) {
  return {map(-1, size), size};
}

// All of it is taken at once, so that no rank dies of a full file system later.
mapping mapping::make(std::size_t size, std::string& name) {
  name = draw_name();
  const auto file = shm_open(name.c_str(), O_CREAT | O_EXCL | O_RDWR, 0600);
  if (file < 0)
    fail("cannot make shared memory");
  if (const auto error = posix_fallocate(file, 0, static_cast<off_t>(size))) {
    close(file);
    shm_unlink(name.c_str());
    errno = error;
    fail("there is not enough shared memory (/dev/shm)");
  }
  return {map(file, size), size};
}

mapping mapping::open(const std::string& name, std::size_t size) {
  const auto file = shm_open(name.c_str(), O_RDWR, 0);
  if (file < 0)
    fail("cannot open the shared memory of rank 0");
  return {map(file, size), size};
}

void mapping::forget(const std::string& name) noexcept {
  shm_unlink(name.c_str());
}

mapping::~mapping() {
  if (at_)
    munmap(at_, size_);
}

} // namespace troupe::collective
