#include "runtime/cluster/parcel.hpp"

#include "runtime/cluster/courier_errc.hpp"

#include <fmt/format.h>

#include <bit>
#include <cstring>

namespace troupe::cluster {
namespace {

static_assert(std::endian::native == std::endian::little);
static_assert(sizeof(parcel) == parcel::size && offsetof(parcel, id) == 8 &&
              offsetof(parcel, length) == 24);

bool keeps_the_table(const parcel& x) {
  switch (x.what) {
  case parcel::kind::fetch:
    return x.checksum == 0 && x.offset <= x.length &&
           x.offset % sizeof(float) == 0 && x.length % sizeof(float) == 0;
  case parcel::kind::chunk:
    return x.length <= parcel::largest_chunk && x.offset % sizeof(float) == 0 &&
           x.length % sizeof(float) == 0;
  case parcel::kind::gone:
  case parcel::kind::stop:
    return x.checksum == 0 && x.offset == 0 && x.length == 0;
  }
  return false;
}

} // namespace

parcel_bytes to_bytes(const parcel& x) {
  return std::bit_cast<parcel_bytes>(x);
}

parcel to_parcel(const parcel_bytes& bytes) {
  const auto x = std::bit_cast<parcel>(bytes);
  if (x.id == 0 || !keeps_the_table(x))
    throw std::system_error(courier_errc::malformed, to_string(x));
  return x;
}

std::string to_string(const parcel& x) {
  switch (x.what) {
  case parcel::kind::fetch:
    return fmt::format(
        "tensor {:x}: fetch of {} bytes from {} on", x.id, x.length, x.offset);
  case parcel::kind::chunk:
    return fmt::format(
        "tensor {:x}: chunk of {} bytes at {}", x.id, x.length, x.offset);
  case parcel::kind::gone:
    return fmt::format("tensor {:x}: gone", x.id);
  case parcel::kind::stop:
    return fmt::format("tensor {:x}: stop", x.id);
  }
  return fmt::format(
      "kind {} of tensor {:x}", static_cast<std::uint32_t>(x.what), x.id);
}

} // namespace troupe::cluster
