#pragma once

#include <version>

#ifdef __cpp_lib_source_location
#include <source_location>
#endif

namespace troupe::gpu {

#ifdef __cpp_lib_source_location
using std::source_location;
#else
/// The standard's, for clang before 16, which fuzz targets are built with.
class source_location {
public:
  static constexpr source_location current(const char* file = __builtin_FILE(),
      unsigned line = __builtin_LINE()) noexcept {
    source_location result;
    result.file_ = file;
    result.line_ = line;
    return result;
  }
  constexpr const char* file_name() const noexcept { return file_; }
  constexpr unsigned line() const noexcept { return line_; }

private:
  const char* file_ = "";
  unsigned line_ = 0;
};
#endif

} // namespace troupe::gpu
