#pragma once

#include <map>
#include <mutex>
#include <string>

namespace troupe::cuda_libraries {

/// What one stand-in was told to fail, and what it has given out.
class faults {
public:
  void fail(const char* function, int status) {
    std::lock_guard lock{guard_};
    next_[function] = status;
  }
  /// What a call answers; 0 is success in both libraries.
  int met(const char* function) {
    std::lock_guard lock{guard_};
    auto found = next_.extract(function);
    return found ? found.mapped() : 0;
  }
  /// Likewise, for one that makes something.
  template <class Handle>
  int make(const char* function, Handle* made) {
    const auto status = met(function);
    std::lock_guard lock{guard_};
    if (status == 0) {
      ++open_;
      *made = reinterpret_cast<Handle>(new char);
    }
    return status;
  }
  template <class Handle>
  int end(Handle made) {
    std::lock_guard lock{guard_};
    --open_;
    delete reinterpret_cast<char*>(made);
    return 0;
  }
  int open() {
    std::lock_guard lock{guard_};
    return open_;
  }

private:
  std::mutex guard_;
  std::map<std::string, int> next_;
  int open_ = 0;
};

} // namespace troupe::cuda_libraries
