#include "gpu/training/passage.hpp"

#include <algorithm>

namespace troupe::training {
namespace {

constexpr std::size_t most_rows = 256;

} // namespace

passage::passage(const models::model& what, gpu::device_stream& on,
    std::size_t lanes, std::size_t rows)
    : network(what, on.where()),
      width(gpu::values_in(what.shape)),
      works(lanes, on),
      steps(lanes, on),
      tallies(lanes, on),
      features(lanes * rows * width, on),
      labels(lanes * rows, on),
      losses(lanes * rows, on) {
  for (std::size_t lane = 0; lane < lanes; ++lane)
    assign(on, lane, {});
}

void passage::assign(
    gpu::device_stream& on, std::size_t lane, const gpu::lane_work& work) {
  gpu::assign(on, works.span(), tallies.span(), lane, work);
}

gpu::const_matrix passage::forward(
    gpu::device_stream& on, gpu::const_lanes parameters) {
  const gpu::matrix samples{features.span(), labels.size(), width};
  gpu::next_steps(on, works.span(), steps.span());
  gpu::gather(on, works.span(), steps.span(), samples, labels.span());
  return network.forward(on, parameters, samples, trace);
}

std::size_t rows_within(std::size_t bytes, const models::network& what) {
  return std::clamp<std::size_t>(
      bytes / std::max<std::size_t>(what.bytes_per_sample(), 1), 1, most_rows);
}

} // namespace troupe::training
