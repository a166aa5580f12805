#pragma once

#include <cuda_runtime.h>

// The part of cuDNN that Troupe calls, with its names and numbers.
extern "C" {

typedef struct cudnnContext* cudnnHandle_t;
typedef struct cudnnTensorStruct* cudnnTensorDescriptor_t;
typedef struct cudnnFilterStruct* cudnnFilterDescriptor_t;
typedef struct cudnnConvolutionStruct* cudnnConvolutionDescriptor_t;
enum cudnnStatus_t {
  CUDNN_STATUS_SUCCESS = 0,
  CUDNN_STATUS_NOT_INITIALIZED = 1001,
  CUDNN_STATUS_BAD_PARAM = 2000,
  CUDNN_STATUS_NOT_SUPPORTED = 3000,
  CUDNN_STATUS_NOT_SUPPORTED_SHAPE = 3002,
  CUDNN_STATUS_NOT_SUPPORTED_RUNTIME_PREREQUISITE_MISSING = 3008,
  CUDNN_STATUS_NOT_SUPPORTED_SUBLIBRARY_UNAVAILABLE = 3009,
  CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED = 4003,
  CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED = 4004,
  CUDNN_STATUS_EXECUTION_FAILED = 5000,
};
#define CUDNN_STATUS_CATEGORY(code) ((code) / 1000 * 1000)
enum cudnnDataType_t { CUDNN_DATA_FLOAT = 0 };
enum cudnnTensorFormat_t { CUDNN_TENSOR_NHWC = 1 };
enum cudnnConvolutionMode_t { CUDNN_CROSS_CORRELATION = 1 };
enum cudnnMathType_t { CUDNN_FMA_MATH = 3 };
enum cudnnConvolutionFwdAlgo_t {
  CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM = 1,
};
enum cudnnConvolutionBwdDataAlgo_t { CUDNN_CONVOLUTION_BWD_DATA_ALGO_1 = 1 };
enum cudnnConvolutionBwdFilterAlgo_t {
  CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1 = 1,
};

size_t cudnnGetVersion();
const char* cudnnGetErrorString(cudnnStatus_t status);
cudnnStatus_t cudnnCreate(cudnnHandle_t* made);
cudnnStatus_t cudnnDestroy(cudnnHandle_t handle);
cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream);
cudnnStatus_t cudnnCreateTensorDescriptor(cudnnTensorDescriptor_t* made);
cudnnStatus_t cudnnSetTensor4dDescriptor(cudnnTensorDescriptor_t what,
    cudnnTensorFormat_t format, cudnnDataType_t type, int n, int c, int h,
    int w);
cudnnStatus_t cudnnDestroyTensorDescriptor(cudnnTensorDescriptor_t what);
cudnnStatus_t cudnnCreateFilterDescriptor(cudnnFilterDescriptor_t* made);
cudnnStatus_t cudnnSetFilter4dDescriptor(cudnnFilterDescriptor_t what,
    cudnnDataType_t type, cudnnTensorFormat_t format, int k, int c, int h,
    int w);
cudnnStatus_t cudnnDestroyFilterDescriptor(cudnnFilterDescriptor_t what);
cudnnStatus_t cudnnCreateConvolutionDescriptor(
    cudnnConvolutionDescriptor_t* made);
cudnnStatus_t cudnnSetConvolution2dDescriptor(cudnnConvolutionDescriptor_t what,
    int pad_h, int pad_w, int u, int v, int dilation_h, int dilation_w,
    cudnnConvolutionMode_t mode, cudnnDataType_t type);
cudnnStatus_t cudnnSetConvolutionMathType(
    cudnnConvolutionDescriptor_t what, cudnnMathType_t by);
cudnnStatus_t cudnnDestroyConvolutionDescriptor(
    cudnnConvolutionDescriptor_t what);
cudnnStatus_t cudnnConvolutionForward(cudnnHandle_t handle, const void* alpha,
    cudnnTensorDescriptor_t of_x, const void* x, cudnnFilterDescriptor_t of_w,
    const void* w, cudnnConvolutionDescriptor_t what,
    cudnnConvolutionFwdAlgo_t by, void* workspace, size_t bytes,
    const void* beta, cudnnTensorDescriptor_t of_y, void* y);
cudnnStatus_t cudnnGetConvolutionForwardWorkspaceSize(cudnnHandle_t handle,
    cudnnTensorDescriptor_t of_x, cudnnFilterDescriptor_t of_w,
    cudnnConvolutionDescriptor_t what, cudnnTensorDescriptor_t of_y,
    cudnnConvolutionFwdAlgo_t by, size_t* bytes);
cudnnStatus_t cudnnConvolutionBackwardData(cudnnHandle_t handle,
    const void* alpha, cudnnFilterDescriptor_t of_w, const void* w,
    cudnnTensorDescriptor_t of_dy, const void* dy,
    cudnnConvolutionDescriptor_t what, cudnnConvolutionBwdDataAlgo_t by,
    void* workspace, size_t bytes, const void* beta,
    cudnnTensorDescriptor_t of_dx, void* dx);
cudnnStatus_t cudnnGetConvolutionBackwardDataWorkspaceSize(cudnnHandle_t handle,
    cudnnFilterDescriptor_t of_w, cudnnTensorDescriptor_t of_dy,
    cudnnConvolutionDescriptor_t what, cudnnTensorDescriptor_t of_dx,
    cudnnConvolutionBwdDataAlgo_t by, size_t* bytes);
cudnnStatus_t cudnnConvolutionBackwardFilter(cudnnHandle_t handle,
    const void* alpha, cudnnTensorDescriptor_t of_x, const void* x,
    cudnnTensorDescriptor_t of_dy, const void* dy,
    cudnnConvolutionDescriptor_t what, cudnnConvolutionBwdFilterAlgo_t by,
    void* workspace, size_t bytes, const void* beta,
    cudnnFilterDescriptor_t of_dw, void* dw);
cudnnStatus_t cudnnGetConvolutionBackwardFilterWorkspaceSize(
    cudnnHandle_t handle, cudnnTensorDescriptor_t of_x,
    cudnnTensorDescriptor_t of_dy, cudnnConvolutionDescriptor_t what,
    cudnnFilterDescriptor_t of_dw, cudnnConvolutionBwdFilterAlgo_t by,
    size_t* bytes);
}
