#pragma once

#include <exception>
#include <new>
#include <string>

#include <caf/error.hpp>

#include "gpu/aggregation/not_finite.hpp"
#include "gpu/out_of_memory.hpp"
#include "protocols/errc.hpp"

namespace troupe {

/// Runs `work` where exceptions end: at an actor's border. Returns what was
/// thrown as an error with the exception's text, of the code that its type has
/// or else of `code`; none if nothing was.
template <class Work>
caf::error guarded(errc code, Work&& work) noexcept {
  try {
    work();
    return {};
  } catch (const gpu::out_of_memory& e) { // knows the sizes
    return caf::make_error(errc::out_of_memory, std::string{e.what()});
  } catch (const std::bad_alloc&) {
    return caf::make_error(errc::out_of_memory, std::string{"out of memory"});
  } catch (const gpu::not_finite& e) {
    return caf::make_error(errc::update_not_finite, std::string{e.what()});
  } catch (const std::exception& e) {
    return caf::make_error(code, std::string{e.what()});
  } catch (...) {
    return caf::make_error(
        code, std::string{"something that is no std::exception was thrown"});
  }
}

} // namespace troupe
