#include "runtime/cluster/shared_region.hpp"

#include <boost/interprocess/shared_memory_object.hpp>
#include <fmt/format.h>

#include <new>
#include <random>
#include <string_view>

namespace troupe::cluster {

namespace ipc = boost::interprocess;

namespace {

constexpr std::string_view prefix = "troupe-";

std::uint64_t draw() {
  std::random_device system;
  return (std::uint64_t{system()} << 32) | system();
}

} // namespace

void shared_region::forget::operator()(std::string* name) const noexcept {
  ipc::shared_memory_object::remove(name->c_str());
  delete name;
}

std::optional<shared_region> shared_region::make() {
  try {
    own_name name{new std::string{
        fmt::format("{}{:016x}{:016x}", prefix, draw(), draw())}};
    ipc::shared_memory_object object{ipc::create_only, name->c_str(),
        ipc::read_write, ipc::permissions{0600}};
    object.truncate(size);
    shared_region made{
        std::move(name), ipc::mapped_region{object, ipc::read_write}};
    auto* front = new (made.memory_.get_address()) head{};
    front->token = draw();
    return made;
  } catch (const ipc::interprocess_exception&) {
    return std::nullopt;
  }
}

std::optional<shared_region> shared_region::open(const std::string& name) {
  if (!name.starts_with(prefix))
    return std::nullopt;
  try {
    ipc::shared_memory_object object{
        ipc::open_only, name.c_str(), ipc::read_write};
    ipc::offset_t there = 0;
    if (!object.get_size(there) || there != static_cast<ipc::offset_t>(size))
      return std::nullopt;
    return shared_region{nullptr, ipc::mapped_region{object, ipc::read_write}};
  } catch (const ipc::interprocess_exception&) {
    return std::nullopt;
  }
}

} // namespace troupe::cluster
