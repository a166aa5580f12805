#include "gpu/cuda/dnn.hpp"

#include <exception>
#include <limits>
#include <source_location>
#include <type_traits>

#include <cudnn.h>

#include "gpu/cuda/error.hpp"
#include "gpu/cuda/shared_library.hpp"
#include "gpu/out_of_memory.hpp"

namespace troupe::gpu::cuda {
namespace {

/// cuDNN, opened once.
struct library {
  shared_library file{"libcudnn.so.9"};

  template <class F>
  F* function(const char* name, F*) const {
    return file.symbol<F>(name);
  }

#define TROUPE_CUDNN(name, symbol)                                             \
  decltype(&::symbol) name = function(#symbol, &::symbol)
  TROUPE_CUDNN(version, cudnnGetVersion);
  TROUPE_CUDNN(text, cudnnGetErrorString);
  TROUPE_CUDNN(create, cudnnCreate);
  TROUPE_CUDNN(destroy, cudnnDestroy);
  TROUPE_CUDNN(use_stream, cudnnSetStream);
  TROUPE_CUDNN(create_tensor, cudnnCreateTensorDescriptor);
  TROUPE_CUDNN(set_tensor, cudnnSetTensor4dDescriptor);
  TROUPE_CUDNN(destroy_tensor, cudnnDestroyTensorDescriptor);
  TROUPE_CUDNN(create_filter, cudnnCreateFilterDescriptor);
  TROUPE_CUDNN(set_filter, cudnnSetFilter4dDescriptor);
  TROUPE_CUDNN(destroy_filter, cudnnDestroyFilterDescriptor);
  TROUPE_CUDNN(create_convolution, cudnnCreateConvolutionDescriptor);
  TROUPE_CUDNN(set_convolution, cudnnSetConvolution2dDescriptor);
  TROUPE_CUDNN(set_math, cudnnSetConvolutionMathType);
  TROUPE_CUDNN(destroy_convolution, cudnnDestroyConvolutionDescriptor);
  TROUPE_CUDNN(forward, cudnnConvolutionForward);
  TROUPE_CUDNN(forward_workspace, cudnnGetConvolutionForwardWorkspaceSize);
  TROUPE_CUDNN(backward_input, cudnnConvolutionBackwardData);
  TROUPE_CUDNN(
      backward_input_workspace, cudnnGetConvolutionBackwardDataWorkspaceSize);
  TROUPE_CUDNN(backward_weight, cudnnConvolutionBackwardFilter);
  TROUPE_CUDNN(backward_weight_workspace,
      cudnnGetConvolutionBackwardFilterWorkspaceSize);
#undef TROUPE_CUDNN
};

const library& cudnn() {
  static const library one;
  return one;
}

/// A convolution that cuDNN has no way to do, or to describe: not an error, and
/// the same answer every time.
struct unsupported {};

void expect(cudnnStatus_t code,
    std::source_location where = std::source_location::current()) {
  switch (code) {
  case CUDNN_STATUS_SUCCESS:
    return;
  case CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED:
  case CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED:
    throw out_of_memory{
        "cuDNN has no room for what it needs; fewer slots may help"};
  default:
    throw cuda_error{std::string{"cuDNN: "} + cudnn().text(code), where};
  }
}

/// For questions about shapes, which cuDNN may decline; not for lack of one of
/// its parts.
void expect_shape(cudnnStatus_t code,
    std::source_location where = std::source_location::current()) {
  const auto kind = CUDNN_STATUS_CATEGORY(code);
  if (code != CUDNN_STATUS_NOT_SUPPORTED_RUNTIME_PREREQUISITE_MISSING &&
      code != CUDNN_STATUS_NOT_SUPPORTED_SUBLIBRARY_UNAVAILABLE &&
      (kind == CUDNN_STATUS_BAD_PARAM || kind == CUDNN_STATUS_NOT_SUPPORTED))
    throw unsupported{};
  expect(code, where);
}

int counted(std::size_t n) {
  if (n > std::size_t{std::numeric_limits<int>::max()})
    throw unsupported{};
  return int(n);
}

/// cuDNN's descriptors, by what makes them and what ends them.
template <class Handle, auto Create, auto Destroy>
class descriptor {
public:
  descriptor() { expect((cudnn().*Create)(&handle_)); }
  ~descriptor() { static_cast<void>((cudnn().*Destroy)(handle_)); }
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  operator Handle() const noexcept { return handle_; }

private:
  Handle handle_ = nullptr;
};
using tensor = descriptor<cudnnTensorDescriptor_t, &library::create_tensor,
    &library::destroy_tensor>;
using filter = descriptor<cudnnFilterDescriptor_t, &library::create_filter,
    &library::destroy_filter>;
using window = descriptor<cudnnConvolutionDescriptor_t,
    &library::create_convolution, &library::destroy_convolution>;

// Sums of products, in an order that does not change from call to call: neither
// Winograd's nor Fourier's transforms, which lose digits, nor atomics.
constexpr auto forward_by = CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM;
constexpr auto backward_input_by = CUDNN_CONVOLUTION_BWD_DATA_ALGO_1;
constexpr auto backward_weight_by = CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1;

/// A convolution as cuDNN is told of it.
struct description {
  tensor in, out;
  filter weight;
  window slides;

  description(const convolution& what, std::size_t images) {
    set(in, what.in, images);
    set(out, what.out(), images);
    const auto edge = counted(what.kernel);
    expect_shape(cudnn().set_filter(weight, CUDNN_DATA_FLOAT, CUDNN_TENSOR_NHWC,
        counted(what.channels), counted(what.in.channels), edge, edge));
    const auto padding = counted(what.padding);
    expect_shape(cudnn().set_convolution(slides, padding, padding, 1, 1, 1, 1,
        CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT));
    expect_shape(cudnn().set_math(slides, CUDNN_FMA_MATH));
  }
  static void set(const tensor& to, const extents& image, std::size_t images) {
    expect_shape(cudnn().set_tensor(to, CUDNN_TENSOR_NHWC, CUDNN_DATA_FLOAT,
        counted(images), counted(image.channels), counted(image.height),
        counted(image.width)));
  }
};

class cudnn_plan : public dnn::plan {
public:
  cudnn_plan(cudnnHandle_t on, dnn::pass which, const convolution& what,
      std::size_t images)
      : on_(on), which_(which), of_(what, images) {
    expect_shape(ask());
  }

  std::size_t workspace() const noexcept override { return workspace_; }

  void run(const float* a, const float* b, float* to,
      void* workspace) const override {
    const auto one = 1.0f, zero = 0.0f;
    switch (which_) {
    case dnn::pass::forward:
      return expect(cudnn().forward(on_, &one, of_.in, a, of_.weight, b,
          of_.slides, forward_by, workspace, workspace_, &zero, of_.out, to));
    case dnn::pass::backward_input:
      return expect(cudnn().backward_input(on_, &one, of_.weight, a, of_.out, b,
          of_.slides, backward_input_by, workspace, workspace_, &zero, of_.in,
          to));
    case dnn::pass::backward_weight:
      return expect(cudnn().backward_weight(on_, &one, of_.in, a, of_.out, b,
          of_.slides, backward_weight_by, workspace, workspace_, &zero,
          of_.weight, to));
    }
  }

private:
  cudnnStatus_t ask() {
    switch (which_) {
    case dnn::pass::forward:
      return cudnn().forward_workspace(on_, of_.in, of_.weight, of_.slides,
          of_.out, forward_by, &workspace_);
    case dnn::pass::backward_input:
      return cudnn().backward_input_workspace(on_, of_.weight, of_.out,
          of_.slides, of_.in, backward_input_by, &workspace_);
    case dnn::pass::backward_weight:
      return cudnn().backward_weight_workspace(on_, of_.in, of_.out, of_.slides,
          of_.weight, backward_weight_by, &workspace_);
    }
    return CUDNN_STATUS_NOT_SUPPORTED;
  }

  cudnnHandle_t on_;
  dnn::pass which_;
  description of_;
  std::size_t workspace_ = 0;
};

} // namespace

std::unique_ptr<dnn> dnn::open(cudaStream_t on) {
  try {
    static_cast<void>(cudnn());
  } catch (const library_missing&) {
    return nullptr; // kernels of our own go on; name() tells what is missing
  }
  return std::unique_ptr<dnn>{new dnn{on}};
}

dnn::dnn(cudaStream_t on) {
  cudnnHandle_t handle = nullptr;
  expect(cudnn().create(&handle));
  handle_.reset(handle);
  expect(cudnn().use_stream(handle, on));
}

dnn::~dnn() = default;

void dnn::closer::operator()(void* handle) const noexcept {
  static_cast<void>(cudnn().destroy(static_cast<cudnnHandle_t>(handle)));
}

std::string dnn::name() {
  try {
    const auto number = cudnn().version();
    return "cuDNN " + std::to_string(number / 10000) + '.' +
           std::to_string(number % 10000 / 100) + '.' +
           std::to_string(number % 100);
  } catch (const std::exception& e) {
    return std::string{"no cuDNN: "} + e.what();
  }
}

std::unique_ptr<dnn::plan> dnn::make(
    pass which, const convolution& what, std::size_t images) const {
  try {
    return std::make_unique<cudnn_plan>(
        static_cast<cudnnHandle_t>(handle_.get()), which, what, images);
  } catch (const unsupported&) {
    return nullptr;
  }
}

} // namespace troupe::gpu::cuda
