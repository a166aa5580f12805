#pragma once

// What tests tell the stand-ins. `function` is the name of one of the library's
// functions: its next call answers `status`, and only that.
extern "C" {
void fail_cublas(const char* function, int status);
int cublas_handles(); ///< made and not destroyed
void set_cublas_version(int version);

void fail_cudnn(const char* function, int status);
int cudnn_handles(); ///< descriptors, too
void set_cudnn_version(int version);
}
