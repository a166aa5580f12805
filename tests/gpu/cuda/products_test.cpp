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

// NaN, infinity, numbers halfway, those that round to infinity or to zero.
TEST_P(products_test, rounding_is_the_hosts) {
  auto values = random_values(10'001);
  for (auto odd : {nan, infinity, -infinity, -0.0f, 3.4e38f, 1e-40f,
           1.00390625f, 1.01171875f})
    values.push_back(odd);
  auto x = sent(values);
  auto y = sent(std::vector<gpu::bf16>(values.size()));

  on_both([&](device_stream& on) { to_bf16(on, x.at(on), y.at(on)); });

  EXPECT_EQ(y.fetched(gpu()), y.host());
  EXPECT_EQ(y.host().back(), gpu::to_bf16(1.015625f)) << "ties to even";
}

// Operands in bf16 give the bits of those that are rounded on the way, and are
// within 1e-5 of the host's with rounded ones.
TEST_P(products_test, bf16_is_the_hosts_with_rounded_operands) {
  const std::size_t rows = 37, inner = 65, columns = 34;
  auto a = random(rows * inner);
  auto b = random(columns * inner);
  auto c = random(rows * columns);
  auto d = sent(c.host());
  auto of_a = sent(std::vector<gpu::bf16>(a.size()));
  auto of_b = sent(std::vector<gpu::bf16>(b.size()));
  auto from_a = sent(rounded(a.host()));
  auto from_b = sent(rounded(b.host()));
  const auto product = [&](device_stream& on, twin<float>& x, twin<float>& y,
                           twin<float>& z) {
    multiply(on, {x.at(on), rows, inner},
        gpu::const_matrix{y.at(on), columns, inner}.t(),
        {z.at(on), rows, columns}, -0.7f, 0.3f);
  };

  product(host, from_a, from_b, c);
  product(in_bf16(), a, b, c);
  to_bf16(in_bf16(), a.at(gpu()), of_a.at(gpu()));
  to_bf16(in_bf16(), b.at(gpu()), of_b.at(gpu()));
  multiply(in_bf16(), {of_a.at(gpu()), rows, inner},
      gpu::bf16_matrix{of_b.at(gpu()), columns, inner}.t(),
      {d.at(gpu()), rows, columns}, -0.7f, 0.3f);
  in_bf16().synchronise();

  expect_near(c, 1e-5f * float(inner));
  EXPECT_EQ(bits(d.fetched(gpu())), bits(c.fetched(gpu())));
}

TEST_P(products_test, bf16_needs_a_gpu) {
  const std::vector<gpu::bf16> x(1);
  std::vector<float> z(1);

  EXPECT_THROW(multiply(host, gpu::bf16_matrix{x, 1, 1}, {x, 1, 1}, {z, 1, 1}),
      std::invalid_argument);
  EXPECT_THROW(
      (device_stream{{}, gpu::precision::bf16}), std::invalid_argument);
}

} // namespace
} // namespace troupe::tests
