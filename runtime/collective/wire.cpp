#include "runtime/collective/wire.hpp"

#include <thread>

namespace troupe::collective {

std::uint32_t processors() noexcept {
  static const auto number = std::thread::hardware_concurrency();
  return number;
}

} // namespace troupe::collective
