#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <memory>
#include <string>

#include <cuda_runtime.h>

#include "gpu/operators/convolution.hpp"

namespace troupe::gpu::cuda {

/// cuDNN's convolutions on one stream: of one model, in fp32 with TF32 off, and
/// by algorithms that give equal calls equal bits. Channels lie together:
/// images are [images, height, width, channels], weights and their gradients
/// [out channels, kernel, kernel, in channels].
class dnn {
public:
  /// Opens cuDNN when first called; null where it is not installed. What else
  /// goes wrong is thrown (lack of memory as `out_of_memory`), or some bits
  /// would be of other algorithms than `name` tells.
  static std::unique_ptr<dnn> open(cudaStream_t on);
  ~dnn();
  dnn(const dnn&) = delete;
  dnn& operator=(const dnn&) = delete;

  /// "cuDNN 9.19.0"; why there is none, where there is none.
  static std::string name();

  /// What a pass reads, `a` and `b`, and what it makes of them.
  enum class pass {
    forward,         ///< images, weights: images
    backward_input,  ///< weights, gradient by the output: by the input
    backward_weight, ///< images, gradient by the output: by the weights
  };
  /// One pass over so many images.
  class plan {
  public:
    /// Bytes of workspace that it takes.
    virtual std::size_t workspace() const noexcept = 0;
    virtual void run(
        const float* a, const float* b, float* to, void* workspace) const = 0;
    virtual ~plan() = default;
  };
  /// Lives as long as this does; null for shapes that cuDNN cannot do so, every
  /// time. Throws as `open` does.
  const plan* find(pass which, const convolution& what, std::size_t images);

private:
  struct closer {
    void operator()(void* handle) const noexcept;
  };

  explicit dnn(cudaStream_t on);
  std::unique_ptr<plan> make(
      pass which, const convolution& what, std::size_t images) const;

  std::unique_ptr<void, closer> handle_;
  std::map<std::array<std::size_t, 8>, std::unique_ptr<plan>> plans_;
};

} // namespace troupe::gpu::cuda
