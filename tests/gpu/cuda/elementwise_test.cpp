#include "tests/gpu/cuda/on_gpu.hpp"

#include "gpu/operators/activations.hpp"
#include "gpu/operators/images.hpp"
#include "gpu/operators/pooling.hpp"
#include "gpu/operators/vectors.hpp"

// Everything here is as the host has it, to the bit, but for sums of products,
// which a GPU rounds once.
namespace troupe::tests {
namespace {

using gpu::activation;
using gpu::device_stream;

class elementwise_test : public on_gpu {
protected:
  /// Random values, of which some are 0, NaN, infinite or equal.
  std::vector<float> odd_values(std::size_t size) {
    auto result = random_values(size);
    for (auto& value : result) {
      const float odd[]{0.0f, -0.0f, nan, infinity, -infinity, 0.5f, 0.5f};
      if (const auto which = below(30); which < std::size(odd))
        value = odd[which];
    }
    return result;
  }
};
TROUPE_ON_EVERY_GPU(elementwise_test);

TEST_P(elementwise_test, relu_and_back_are_the_hosts) {
  for (std::size_t size : {0, 1, 255, 256, 100'003}) {
    auto x = sent(odd_values(size));
    auto out = poison(size);
    auto gradient = sent(odd_values(size));

    on_both([&](device_stream& on) {
      relu(on, x.at(on), out.at(on));
      relu(on, x.at(on), x.at(on));
      relu_backward(on, out.at(on), gradient.at(on));
    });

    expect_same(out);
    expect_same(x);
    expect_same(gradient);
  }
}

// Four values are one access only where all that a kernel touches is aligned.
TEST_P(elementwise_test, values_may_begin_anywhere) {
  for (std::size_t from : {0, 1, 2, 3, 4})
    for (std::size_t to : {0, 1, 4})
      for (std::size_t size : {1, 3, 4, 1023, 5000}) {
        auto x = sent(odd_values(from + size + 5));
        auto y = sent(odd_values(to + size + 5));

        on_both([&](device_stream& on) {
          const auto in = x.at(on).subspan(from, size);
          const auto out = y.at(on).subspan(to, size);
          relu_backward(on, in, out);
          relu(on, out, out);
        });

        expect_same(y);
      }
}

TEST_P(elementwise_test, add_bias_is_the_hosts) {
  for (auto then : {activation::none, activation::relu})
    for (std::size_t rows : {0, 1, 37})
      for (std::size_t columns : {1, 10, 12, 333, 2000}) {
        auto x = sent(odd_values(rows * columns));
        auto bias = random(columns);

        on_both([&](device_stream& on) {
          add_bias(on, bias.at(on), then, {x.at(on), rows, columns});
        });

        expect_near(x, 0.0f);
      }
}

TEST_P(elementwise_test, scale_and_add_is_nearly_the_hosts) {
  for (std::size_t size : {0, 1, 4097}) {
    auto x = random(size);
    auto y = random(size);
    auto unread = poison(size);

    on_both([&](device_stream& on) {
      scale_and_add(on, 0.3f, x.at(on), -1.7f, y.at(on));
      scale_and_add(on, 0.3f, x.at(on), 0.0f, unread.at(on));
    });

    expect_near(y, 1e-6f);
    expect_same(unread);
  }
}

TEST_P(elementwise_test, channels_change_places) {
  for (gpu::extents sample :
      {gpu::extents{1, 1, 1}, {7, 7, 64}, {3, 11, 5}, {33, 2, 40}})
    for (std::size_t rows : {0, 1, 3}) {
      const auto size = sample.size();
      auto in = random(rows * size);
      auto out = poison(rows * size);
      auto back = poison(rows * size);

      on_both([&](device_stream& on) {
        channels_first(
            on, sample, {in.at(on), rows, size}, {out.at(on), rows, size});
        channels_last(
            on, sample, {out.at(on), rows, size}, {back.at(on), rows, size});
      });

      expect_same(out);
      expect_same(back);
      EXPECT_EQ(back.fetched(gpu()), in.host());
    }
}

TEST_P(elementwise_test, pooling_and_back_are_the_hosts) {
  const gpu::pooling shapes[]{
      {{28, 28, 6}, 2}, {{7, 9, 5}, 2}, {{9, 10, 3}, 3}, {{4, 4, 40}, 1}};
  for (const auto& what : shapes)
    for (auto then : {activation::none, activation::relu})
      for (std::size_t rows : {0, 1, 5}) {
        const auto in_size = what.in.size();
        const auto out_size = what.out().size();
        auto in = sent(odd_values(rows * in_size));
        auto out = poison(rows * out_size);
        auto gradient = random(rows * out_size);
        auto back = poison(rows * in_size);

        on_both([&](device_stream& on) {
          max_pool(on, what, then, {in.at(on), rows, in_size},
              {out.at(on), rows, out_size});
          max_pool_backward(on, what, then, {in.at(on), rows, in_size},
              {out.at(on), rows, out_size}, {gradient.at(on), rows, out_size},
              {back.at(on), rows, in_size});
        });

        expect_near(out, 0.0f);
        expect_near(back, 0.0f);
      }
}

} // namespace
} // namespace troupe::tests
