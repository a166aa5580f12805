#include <cublas_v2.h>

#include "tests/support/cuda_libraries/cuda_libraries.hpp"
#include "tests/support/cuda_libraries/faults.hpp"

namespace {

troupe::cuda_libraries::faults told;
int version_now = 130100;

cublasStatus_t answer(const char* function) {
  return static_cast<cublasStatus_t>(told.met(function));
}

} // namespace

void fail_cublas(const char* function, int status) {
  told.fail(function, status);
}
int cublas_handles() {
  return told.open();
}
void set_cublas_version(int version) {
  version_now = version;
}

cublasStatus_t cublasCreate_v2(cublasHandle_t* made) {
  return static_cast<cublasStatus_t>(told.make(__func__, made));
}
cublasStatus_t cublasDestroy_v2(cublasHandle_t handle) {
  return static_cast<cublasStatus_t>(told.end(handle));
}
cublasStatus_t cublasGetVersion_v2(cublasHandle_t, int* version) {
  *version = version_now;
  return answer(__func__);
}
cublasStatus_t cublasSetStream_v2(cublasHandle_t, cudaStream_t) {
  return answer(__func__);
}
cublasStatus_t cublasSetWorkspace_v2(cublasHandle_t, void*, size_t) {
  return answer(__func__);
}
cublasStatus_t cublasSetMathMode(cublasHandle_t, cublasMath_t) {
  return answer(__func__);
}
const char* cublasGetStatusString(cublasStatus_t status) {
  return status == CUBLAS_STATUS_NOT_INITIALIZED
             ? "CUBLAS_STATUS_NOT_INITIALIZED"
             : "CUBLAS_STATUS_EXECUTION_FAILED";
}
cublasStatus_t cublasGemmEx(cublasHandle_t, cublasOperation_t,
    cublasOperation_t, int, int, int, const void*, const void*, cudaDataType,
    int, const void*, cudaDataType, int, const void*, void*, cudaDataType, int,
    cublasComputeType_t, cublasGemmAlgo_t) {
  return answer(__func__);
}
