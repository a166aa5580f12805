#include "runtime/files/input_file.hpp"

#include <cerrno>
#include <utility>

#include "runtime/files/files.hpp"

namespace troupe {

input_file::input_file(files& owner, std::filesystem::path path,
    descriptor file, std::uint64_t size) noexcept
    : owner_(&owner),
      path_(std::move(path)),
      file_(std::move(file)),
      size_(size) {}

void input_file::go_to(std::uint64_t offset) {
  if (offset == offset_) // what is no regular file need not know how
    return;
  if (::lseek(*file_, static_cast<off_t>(offset), SEEK_SET) < 0)
    throw file_error{path_, file_operation::read, errno};
  offset_ = offset;
}

std::size_t input_file::read(std::span<std::byte> into) {
  owner_->step(file_operation::read, path_);
  std::size_t done = 0;
  while (done < into.size()) {
    auto got = retried(
        [&] { return ::read(*file_, into.data() + done, into.size() - done); });
    if (got < 0)
      throw file_error{path_, file_operation::read, errno};
    if (got == 0)
      break;
    done += static_cast<std::size_t>(got);
  }
  offset_ += done;
  return done;
}

} // namespace troupe
