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

/// An error's text for people: what its maker said, or else its code's name.
std::string text(const caf::error& e);

/// The name of its errc; empty if it has none.
std::string code(const caf::error& e);

} // namespace troupe
