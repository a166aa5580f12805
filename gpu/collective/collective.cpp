#include "gpu/collective/collective.hpp"

namespace troupe::gpu {

const char* to_string(element type) noexcept {
  switch (type) {
  case element::f32:
    return "f32";
  case element::bf16:
    return "bf16";
  case element::i64:
    return "i64";
  }
  return "invalid";
}

std::size_t bytes_of(element type) noexcept {
  switch (type) {
  case element::f32:
    return 4;
  case element::bf16:
    return 2;
  case element::i64:
    return 8;
  }
  return 0;
}

const char* to_string(reduction how) noexcept {
  switch (how) {
  case reduction::sum:
    return "sum";
  case reduction::product:
    return "product";
  case reduction::maximum:
    return "maximum";
  case reduction::minimum:
    return "minimum";
  case reduction::average:
    return "average";
  }
  return "invalid";
}

} // namespace troupe::gpu
