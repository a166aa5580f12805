// What a frame is read from can be said again: the same bytes come of it
// however often it is read and written, and what its errors say can be printed.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>

#include "protocols/cluster/frames.hpp"
#include "protocols/errc.hpp"
#include "protocols/messages.hpp"

namespace {

using namespace troupe;

void require(bool good) {
  if (!good)
    std::abort();
}

bool read(const caf::byte_buffer& bytes, cluster::frame& what) {
  caf::binary_deserializer source{nullptr, bytes};
  return source.apply(what) && source.remaining() == 0;
}

caf::byte_buffer written(const cluster::frame& what) {
  caf::byte_buffer result;
  caf::binary_serializer sink{nullptr, result};
  require(sink.apply(what));
  return result;
}

void print(const cluster::frame& what) {
  if (const auto* x = std::get_if<failure>(&what))
    require(!code(x->why).empty() && !caf::to_string(x->why).empty());
  if (const auto* x = std::get_if<evaluated_part>(&what))
    require(!x->failed || !text(x->failed).empty() || !code(x->failed).empty());
}

// No larger than a frame may be.
void small(const tensor& what) {
  require(!what.here || (what.id == 0 && what.here->size() == what.count &&
                            what.count <= tensor::most_along));
}

void look_at_tensors(const cluster::frame& what) {
  if (const auto* x = std::get_if<update>(&what)) {
    small(x->result.delta);
    small(x->result.state.value());
  } else if (const auto* y = std::get_if<cluster::seated>(&what)) {
    small(y->what.parameters);
    small(y->what.state.value());
  } else if (const auto* z = std::get_if<cluster::carried>(&what)) {
    small(z->values);
  } else if (const auto* m = std::get_if<parallel::muster>(&what)) {
    small(m->parameters);
    for (const auto& one : m->blocks)
      small(one.values);
  } else if (const auto* h = std::get_if<parallel::handed>(&what)) {
    small(h->parameters);
    for (const auto& one : h->blocks)
      small(one.values);
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(
    const std::uint8_t* data, std::size_t size) {
  register_messages();
  const auto* from = reinterpret_cast<const caf::byte*>(data);
  cluster::frame what, again;
  if (!read({from, from + size}, what))
    return 0;
  print(what);
  look_at_tensors(what);
  const auto bytes = written(what);
  require(read(bytes, again) && again.index() == what.index());
  require(written(again) == bytes);
  return 0;
}
