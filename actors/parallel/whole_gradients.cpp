#include "actors/parallel/whole_gradients.hpp"

#include "gpu/collective/sums.hpp"
#include "gpu/copy.hpp"

namespace troupe::parallel {

whole_gradients::whole_gradients(
    std::uint32_t micro_batches, std::uint32_t ranks, std::uint32_t rank)
    : holders_(micro_batches) {
  for (std::uint32_t r = 0; r < ranks; ++r) {
    const auto [first, size] = share_of(micro_batches, ranks, r);
    for (std::uint32_t i = first; i < first + size; ++i)
      holders_[i] = r;
  }
  nodes_ = collective::partials_of(holders_, rank);
}

whole_gradients::sums whole_gradients::make(standing& at) {
  free_.clear();
  for (auto& one : blocks_)
    free_.push_back(&one);
  sums result;
  for (const auto& node : nodes_)
    result.terms[node] = sum(at, node, result).span();
  return result;
}

gpu::buffer& whole_gradients::sum(standing& at, collective::node x, sums& to) {
  if (x.end - x.begin == 1)
    return leaf(at, x.begin, to);
  const auto cut = collective::cut_of(x);
  auto& left = sum(at, {x.begin, cut}, to);
  auto& right = sum(at, {cut, x.end}, to);
  gpu::combine(gpu::reduction::sum, gpu::element::f32, left.span().data(),
      right.span().data(), left.span().data(), left.size());
  free_.push_back(&right);
  return left;
}

gpu::buffer& whole_gradients::leaf(
    standing& at, std::uint32_t which, sums& to) {
  const auto rows = at.how().batch / at.how().micro_batches;
  const auto first = at.step() * at.how().batch + which * rows;
  auto& block = spare(at.size());
  auto& on = at.stream();
  to.samples += rows;
  if (!on.on_gpu()) {
    to.loss += at.gradient(first, rows, at.how().batch, {block.span()});
    return block;
  }
  if (on_device_.size() != at.size())
    on_device_ = gpu::buffer{at.size(), on};
  to.loss += at.gradient(first, rows, at.how().batch, {on_device_.span()});
  gpu::copy<float>(on, on_device_.span(), block.span());
  on.synchronise();
  return block;
}

gpu::buffer& whole_gradients::spare(std::size_t size) {
  if (free_.empty()) {
    blocks_.emplace_back(size);
    return blocks_.back();
  }
  auto& result = *free_.back();
  free_.pop_back();
  return result;
}

} // namespace troupe::parallel
