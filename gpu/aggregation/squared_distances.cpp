#include "gpu/aggregation/squared_distances.hpp"

#include <algorithm>
#include <cmath>

#include "gpu/aggregation/norms.hpp"
#include "gpu/buffer.hpp"
#include "gpu/copy.hpp"
#include "gpu/cuda/aggregation/operators.hpp"
#include "gpu/cuda/presence.hpp"
#include "gpu/operators/products.hpp"

namespace troupe::gpu {
namespace {

// Columns of one product: fp32 sums stay short, and 64 updates fit the
// second-level cache of a large GPU.
constexpr std::size_t columns_at_once = std::size_t{1} << 17;
constexpr double least_share = 1.0 / 64;
constexpr double least_norms = 1e-25; // fp32 loses squares below

// Columns [first, first + to.columns) of every update, less the first one's.
void pack(device_stream& on, updates of, std::size_t first, matrix to) {
  if constexpr (cuda::present)
    if (on.on_gpu())
      return cuda::pack_differences(on, of, first, to);
  for (std::size_t row = 0; row < to.rows; ++row)
    for (std::size_t i = 0; i < to.columns; ++i)
      to.data[row * to.columns + i] = of[row][first + i] - of[0][first + i];
}

void add_product(device_stream& on, std::span<const float> product,
    bool is_first, std::span<double> sums) {
  if constexpr (cuda::present)
    if (on.on_gpu())
      return cuda::add_product(on, product, is_first, sums);
  for (std::size_t i = 0; i < sums.size(); ++i)
    sums[i] = (is_first ? 0.0 : sums[i]) + static_cast<double>(product[i]);
}

std::vector<double> gram_of(device_stream& on, updates of, std::size_t size) {
  const auto count = of.size();
  auto packed = buffer(count * std::min(size, columns_at_once), on);
  auto product = buffer(count * count, on);
  auto held = buffer(2 * count * count, on); // two floats hold a double
  auto sums =
      std::span{reinterpret_cast<double*>(held.span().data()), count * count};
  for (std::size_t first = 0; first < size; first += columns_at_once) {
    const auto columns = std::min(columns_at_once, size - first);
    const auto part =
        matrix{packed.span().first(count * columns), count, columns};
    pack(on, of, first, part);
    multiply(on, part, const_matrix{part}.t(), {product.span(), count, count});
    add_product(on, product.span(), first == 0, sums);
  }
  std::vector<double> result(sums.size());
  if (size > 0)
    copy(on, sums, std::span{result});
  on.synchronise();
  return result;
}

} // namespace

std::vector<double> squared_distances(device_stream& on, updates of) {
  expect_few(of, "the distances");
  const auto count = of.size();
  const auto gram = gram_of(on, of, common_size(of));
  std::vector<double> result(count * count);
  std::vector<std::size_t> near;
  std::vector<std::span<const float>> left, right;
  for (std::size_t i = 0; i < count; ++i)
    for (std::size_t j = i + 1; j < count; ++j) {
      const auto norms = gram[i * count + i] + gram[j * count + j];
      const auto distance = norms - 2.0 * gram[i * count + j];
      result[i * count + j] = distance;
      if (norms > least_norms && distance >= least_share * norms &&
          std::isfinite(norms))
        continue;
      near.push_back(i * count + j);
      left.push_back(of[i]);
      right.push_back(of[j]);
    }
  const auto exact = squared_norms(on, left, right);
  for (std::size_t i = 0; i < near.size(); ++i)
    result[near[i]] = exact[i];
  for (std::size_t i = 0; i < count; ++i)
    for (std::size_t j = 0; j < i; ++j)
      result[i * count + j] = result[j * count + i];
  return result;
}

} // namespace troupe::gpu
