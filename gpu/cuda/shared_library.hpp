#pragma once

#include <initializer_list>
#include <stdexcept>
#include <string>

namespace troupe::gpu::cuda {

/// No library of these names could be loaded. (One that was loaded and is of no
/// use is another error.)
class library_missing : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// A shared library that is opened when it is first needed, so that programs
/// start on machines without it. Stays open until the process ends: driver
/// threads and exit handlers may still be inside. Usable from any thread.
class shared_library {
public:
  /// Opens the first of `names` that loads. Throws `library_missing` that tells
  /// each name, why it did not load, and what to install.
  explicit shared_library(std::initializer_list<const char*> names);

  shared_library(const shared_library&) = delete;
  shared_library& operator=(const shared_library&) = delete;

  /// The function of this C name, for `F` a function type:
  /// `symbol<int(double)>("f")`. Throws `std::runtime_error` when the library
  /// is too old to have it.
  template <class F>
  F* symbol(const char* name) const {
    return reinterpret_cast<F*>(address(name));
  }

  /// Like `symbol`, but null when the library has no such function.
  template <class F>
  F* symbol_if_there(const char* name) const noexcept {
    return reinterpret_cast<F*>(find(name));
  }

  /// The name under which it was found.
  const std::string& name() const noexcept { return name_; }

private:
  void* find(const char* symbol) const noexcept;
  void* address(const char* symbol) const;

  std::string name_;
  void* handle_ = nullptr;
};

} // namespace troupe::gpu::cuda
