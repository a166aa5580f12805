#include "runtime/collective/memory_file.hpp"

#include <system_error>

#include <fcntl.h>
#include <sys/mman.h>

namespace troupe::collective {

memory_file::memory_file() : file_(memfd_create("troupe-ranks", MFD_CLOEXEC)) {
  if (*file_ < 0)
    throw std::system_error{
        errno, std::generic_category(), "cannot make shared memory"};
}

void memory_file::reserve(std::size_t at, std::size_t size) {
  if (const auto error = posix_fallocate(
          *file_, static_cast<off_t>(at), static_cast<off_t>(size)))
    throw std::system_error{
        error, std::generic_category(), "there is not enough memory to share"};
}

} // namespace troupe::collective
