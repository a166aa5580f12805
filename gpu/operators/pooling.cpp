#include "gpu/operators/pooling.hpp"

#include <algorithm>

namespace troupe::gpu {
namespace {

/// Takes `in`, one pixel, for the largest so far where it is larger.
void take_larger(const float* in, std::uint8_t place, std::size_t channels,
    float* out, std::uint8_t* places) {
  for (std::size_t c = 0; c < channels; ++c) {
    const auto larger = in[c] > out[c] || in[c] != in[c];
    out[c] = larger ? in[c] : out[c];
    places[c] = larger ? place : places[c];
  }
}

/// Calls visit(output pixel, input pixel, place) for all pixels of all windows.
template <class Visit>
void each_pixel(const pooling& what, Visit visit) {
  const auto out = what.out();
  for (std::size_t y = 0; y < out.height; ++y)
    for (std::size_t x = 0; x < out.width; ++x)
      for (std::size_t place = 0; place < what.window * what.window; ++place)
        visit(y * out.width + x,
            (y * what.window + place / what.window) * what.in.width +
                x * what.window + place % what.window,
            std::uint8_t(place));
}

} // namespace

void max_pool(device_stream&, const pooling& what, activation then,
    const_matrix in, matrix out, std::span<std::uint8_t> places) {
  assert(places.size() == out.size());
  const auto channels = what.in.channels;
  for (std::size_t i = 0; i < in.rows; ++i) {
    const auto* from = in.data + i * in.columns;
    auto* to = out.data + i * out.columns;
    auto* of = places.data() + i * out.columns;
    each_pixel(what, [&](auto pixel, auto source, auto place) {
      const auto* values = from + source * channels;
      if (place == 0) {
        std::copy_n(values, channels, to + pixel * channels);
        std::fill_n(of + pixel * channels, channels, place);
      } else {
        take_larger(values, place, channels, to + pixel * channels,
            of + pixel * channels);
      }
    });
    if (then == activation::relu)
      for (std::size_t j = 0; j < out.columns; ++j)
        to[j] = to[j] < 0.0f ? 0.0f : to[j];
  }
}

void max_pool_backward(device_stream&, const pooling& what, activation then,
    const_matrix out, std::span<const std::uint8_t> places,
    const_matrix out_gradient, matrix in_gradient) {
  const auto channels = what.in.channels;
  if (what.in.height % what.window > 0 || what.in.width % what.window > 0)
    std::ranges::fill(in_gradient.span(), 0.0f);
  const auto cuts = then == activation::relu;
  for (std::size_t i = 0; i < out.rows; ++i) {
    const auto* values = out.data + i * out.columns;
    const auto* from = out_gradient.data + i * out.columns;
    const auto* of = places.data() + i * out.columns;
    auto* to = in_gradient.data + i * in_gradient.columns;
    each_pixel(what, [&](auto pixel, auto source, auto place) {
      const auto first = pixel * channels;
      for (std::size_t c = 0; c < channels; ++c) {
        const auto dead = cuts && values[first + c] == 0.0f;
        to[source * channels + c] =
            of[first + c] == place && !dead ? from[first + c] : 0.0f;
      }
    });
  }
}

} // namespace troupe::gpu
