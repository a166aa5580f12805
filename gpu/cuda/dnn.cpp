#include "gpu/cuda/dnn.hpp"

namespace troupe::gpu::cuda {

const dnn::plan* dnn::find(
    pass which, const convolution& what, std::size_t images) {
  const std::array<std::size_t, 8> key{std::size_t(which), what.in.height,
      what.in.width, what.in.channels, what.channels, what.kernel, what.padding,
      images};
  const auto known = plans_.find(key);
  if (known != plans_.end())
    return known->second.get();
  return plans_.emplace(key, make(which, what, images)).first->second.get();
}

#ifndef TROUPE_WITH_CUDNN
std::unique_ptr<dnn> dnn::open(cudaStream_t) {
  return nullptr;
}
dnn::~dnn() = default;
void dnn::closer::operator()(void*) const noexcept {}
std::unique_ptr<dnn::plan> dnn::make(
    pass, const convolution&, std::size_t) const {
  return nullptr;
}
std::string dnn::name() {
  return "no cuDNN: this build has none";
}
#endif

} // namespace troupe::gpu::cuda
