#include "tests/gpu/cuda/on_gpu.hpp"

#include "gpu/operators/products.hpp"

namespace troupe::tests {
namespace {

using gpu::const_matrix;
using gpu::device_stream;

class products_test : public on_gpu {};
TROUPE_ON_EVERY_GPU(products_test);

// Within 1e-5 of |a| |b|, element by element.
TEST_P(products_test, multiply_is_the_hosts_for_all_orders) {
  for (std::size_t rows : {0, 1, 13})
    for (std::size_t inner : {1, 65})
      for (std::size_t columns : {1, 34})
        for (auto transposed : {0, 1, 2, 3}) {
          auto a = random(rows * inner);
          auto b = random(inner * columns);
          auto c = random(rows * columns);
          const auto product = [&](device_stream& on, std::span<const float> x,
                                   std::span<const float> y, std::span<float> z,
                                   float alpha, float beta) {
            const auto left = transposed & 1 ? const_matrix{x, inner, rows}.t()
                                             : const_matrix{x, rows, inner};
            const auto right = transposed & 2
                                   ? const_matrix{y, columns, inner}.t()
                                   : const_matrix{y, inner, columns};
            multiply(on, left, right, {z, rows, columns}, alpha, beta);
          };
          auto bounds = absolute(c.host());
          product(
              host, absolute(a.host()), absolute(b.host()), bounds, 0.7f, 0.3f);

          on_both([&](device_stream& on) {
            product(on, a.at(on), b.at(on), c.at(on), -0.7f, 0.3f);
          });

          expect_near(c, scaled(bounds, 1e-5f));
        }
}

TEST_P(products_test, beta_zero_does_not_read) {
  auto a = random(6);
  auto b = random(6);
  auto c = poison(4);

  on_both([&](device_stream& on) {
    multiply(on, {a.at(on), 2, 3}, {b.at(on), 3, 2}, {c.at(on), 2, 2});
  });

  expect_near(c, 1e-5f);
}

} // namespace
} // namespace troupe::tests
