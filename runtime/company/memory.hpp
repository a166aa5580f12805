#pragma once

#include "gpu/out_of_memory.hpp"
#include "runtime/configuration/configuration.hpp"
#include "runtime/configuration/device_choice.hpp"

#include <cstddef>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace troupe {

/// Has blocks of up to 160 bytes, as messages are, given back without the lock
/// of their arena: they are made in one thread and freed in another. Of the
/// process, where its C library can.
void free_messages_quickly() noexcept;

/// There was no memory; the text says for what.
class memory_shortage : public std::runtime_error {
public:
  explicit memory_shortage(const std::string& at)
      : std::runtime_error("out of memory while " + at) {}
};

/// Does `work`; what finds no memory there throws `memory_shortage` with what
/// it was `at`: "reading the data". A device's own shortage knows more.
template <class Work>
decltype(auto) with_memory(const std::string& at, Work&& work) {
  try {
    return std::forward<Work>(work)();
  } catch (const gpu::out_of_memory&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw memory_shortage{at};
  }
}

/// Bytes of this machine's own memory that the parameters of a run come to,
/// with what its server and its clients keep of their size. A double, since
/// layers can ask for more than a 64-bit number holds.
double parameter_memory(
    double parameters, const device_choice& on, const configuration& what);

/// Bytes that data take which are made here, about; 0: they are read.
double made_data(const configuration& what);

/// Keys that ask for more memory than this machine has, each said in one line.
/// Counts what can be told without the data, and nothing generously: what
/// synthetic data takes, and what a run does, if there is to be one.
std::vector<std::string> data_beyond_memory(const configuration& what,
    const origins& where = {}, const machine& here = this_machine());
std::vector<std::string> run_beyond_memory(const configuration& what,
    const origins& where = {}, const machine& here = this_machine());

} // namespace troupe
