#include "runtime/files/append_file.hpp"

#include <cerrno>
#include <span>
#include <utility>

#include "runtime/files/files.hpp"

namespace troupe {

append_file::append_file(files& owner, std::filesystem::path path,
    descriptor file, std::uint64_t size) noexcept
    : owner_(&owner),
      path_(std::move(path)),
      file_(std::move(file)),
      size_(size) {}

void append_file::write(std::string_view bytes) {
  owner_->write(file_, path_, std::as_bytes(std::span{bytes}));
  size_ += bytes.size();
}

// A file that was there before may be named by a process that died too soon.
void append_file::sync() {
  owner_->sync(file_, path_);
  if (!std::exchange(named_, true))
    owner_->sync_name(path_);
}

void append_file::truncate(std::uint64_t size) {
  owner_->step(file_operation::truncate, path_);
  auto length = static_cast<off_t>(size);
  if (retried([&] { return ::ftruncate(*file_, length); }) < 0)
    throw file_error{path_, file_operation::truncate, errno};
  size_ = size;
}

} // namespace troupe
