#include <cudnn.h>

#include "tests/support/cuda_libraries/cuda_libraries.hpp"
#include "tests/support/cuda_libraries/faults.hpp"

namespace {

troupe::cuda_libraries::faults told;
size_t version_now = 91900;

cudnnStatus_t answer(const char* function) {
  return static_cast<cudnnStatus_t>(told.met(function));
}
template <class Handle>
cudnnStatus_t made_by(const char* function, Handle* made) {
  return static_cast<cudnnStatus_t>(told.make(function, made));
}
template <class Handle>
cudnnStatus_t ended(Handle made) {
  return static_cast<cudnnStatus_t>(told.end(made));
}
cudnnStatus_t sized(const char* function, size_t* bytes) {
  *bytes = 64;
  return answer(function);
}

} // namespace

void fail_cudnn(const char* function, int status) {
  told.fail(function, status);
}
int cudnn_handles() {
  return told.open();
}
void set_cudnn_version(int version) {
  version_now = static_cast<size_t>(version);
}

size_t cudnnGetVersion() {
  return version_now;
}
const char* cudnnGetErrorString(cudnnStatus_t status) {
  switch (status) {
  case CUDNN_STATUS_NOT_INITIALIZED:
    return "CUDNN_STATUS_NOT_INITIALIZED";
  case CUDNN_STATUS_NOT_SUPPORTED_SUBLIBRARY_UNAVAILABLE:
    return "CUDNN_STATUS_NOT_SUPPORTED_SUBLIBRARY_UNAVAILABLE";
  default:
    return "CUDNN_STATUS_EXECUTION_FAILED";
  }
}
cudnnStatus_t cudnnCreate(cudnnHandle_t* made) {
  return made_by(__func__, made);
}
cudnnStatus_t cudnnDestroy(cudnnHandle_t handle) {
  return ended(handle);
}
cudnnStatus_t cudnnSetStream(cudnnHandle_t, cudaStream_t) {
  return answer(__func__);
}
cudnnStatus_t cudnnCreateTensorDescriptor(cudnnTensorDescriptor_t* made) {
  return made_by(__func__, made);
}
cudnnStatus_t cudnnSetTensor4dDescriptor(cudnnTensorDescriptor_t,
    cudnnTensorFormat_t, cudnnDataType_t, int, int, int, int) {
  return answer(__func__);
}
cudnnStatus_t cudnnDestroyTensorDescriptor(cudnnTensorDescriptor_t what) {
  return ended(what);
}
cudnnStatus_t cudnnCreateFilterDescriptor(cudnnFilterDescriptor_t* made) {
  return made_by(__func__, made);
}
cudnnStatus_t cudnnSetFilter4dDescriptor(cudnnFilterDescriptor_t,
    cudnnDataType_t, cudnnTensorFormat_t, int, int, int, int) {
  return answer(__func__);
}
cudnnStatus_t cudnnDestroyFilterDescriptor(cudnnFilterDescriptor_t what) {
  return ended(what);
}
cudnnStatus_t cudnnCreateConvolutionDescriptor(
    cudnnConvolutionDescriptor_t* made) {
  return made_by(__func__, made);
}
cudnnStatus_t cudnnSetConvolution2dDescriptor(cudnnConvolutionDescriptor_t, int,
    int, int, int, int, int, cudnnConvolutionMode_t, cudnnDataType_t) {
  return answer(__func__);
}
cudnnStatus_t cudnnSetConvolutionMathType(
    cudnnConvolutionDescriptor_t, cudnnMathType_t) {
  return answer(__func__);
}
cudnnStatus_t cudnnDestroyConvolutionDescriptor(
    cudnnConvolutionDescriptor_t what) {
  return ended(what);
}
cudnnStatus_t cudnnConvolutionForward(cudnnHandle_t, const void*,
    cudnnTensorDescriptor_t, const void*, cudnnFilterDescriptor_t, const void*,
    cudnnConvolutionDescriptor_t, cudnnConvolutionFwdAlgo_t, void*, size_t,
    const void*, cudnnTensorDescriptor_t, void*) {
  return answer(__func__);
}
cudnnStatus_t cudnnGetConvolutionForwardWorkspaceSize(cudnnHandle_t,
    cudnnTensorDescriptor_t, cudnnFilterDescriptor_t,
    cudnnConvolutionDescriptor_t, cudnnTensorDescriptor_t,
    cudnnConvolutionFwdAlgo_t, size_t* bytes) {
  return sized(__func__, bytes);
}
cudnnStatus_t cudnnConvolutionBackwardData(cudnnHandle_t, const void*,
    cudnnFilterDescriptor_t, const void*, cudnnTensorDescriptor_t, const void*,
    cudnnConvolutionDescriptor_t, cudnnConvolutionBwdDataAlgo_t, void*, size_t,
    const void*, cudnnTensorDescriptor_t, void*) {
  return answer(__func__);
}
cudnnStatus_t cudnnGetConvolutionBackwardDataWorkspaceSize(cudnnHandle_t,
    cudnnFilterDescriptor_t, cudnnTensorDescriptor_t,
    cudnnConvolutionDescriptor_t, cudnnTensorDescriptor_t,
    cudnnConvolutionBwdDataAlgo_t, size_t* bytes) {
  return sized(__func__, bytes);
}
cudnnStatus_t cudnnConvolutionBackwardFilter(cudnnHandle_t, const void*,
    cudnnTensorDescriptor_t, const void*, cudnnTensorDescriptor_t, const void*,
    cudnnConvolutionDescriptor_t, cudnnConvolutionBwdFilterAlgo_t, void*,
    size_t, const void*, cudnnFilterDescriptor_t, void*) {
  return answer(__func__);
}
cudnnStatus_t cudnnGetConvolutionBackwardFilterWorkspaceSize(cudnnHandle_t,
    cudnnTensorDescriptor_t, cudnnTensorDescriptor_t,
    cudnnConvolutionDescriptor_t, cudnnFilterDescriptor_t,
    cudnnConvolutionBwdFilterAlgo_t, size_t* bytes) {
  return sized(__func__, bytes);
}
