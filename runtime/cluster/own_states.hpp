#pragma once

#include <filesystem>
#include <map>
#include <stdexcept>
#include <string>

#include "gpu/buffer.hpp"
#include "protocols/federated/kept_states.hpp"
#include "runtime/files/files.hpp"

namespace troupe::cluster {

/// A run counts on a state that is not here, or is not what it was.
struct lost_state : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The states of a resident on its own disk, a safetensors file each, in a
/// directory that is this process's alone while this lives:
///
///     DIR/RUN/state-00000000000000000431.safetensors
///
/// Which of them are kept a rule says (`federated::kept_states`). A file is
/// there whole or not at all, with a digest of its values; one that is dropped
/// may come back, and is dropped again.
class own_states {
public:
  /// Of the run that its coordinator calls `run`. Throws what says why it
  /// cannot be there.
  own_states(const std::filesystem::path& directory, const std::string& run,
      files& disk = files::system());

  /// Outlasts any crash on return.
  void keep(state_name name, const gpu::shared_buffer& values);
  /// What its client is to train from; null for `no_state`. Throws
  /// `lost_state`.
  gpu::shared_buffer recall(state_name name);
  /// Is in a durable version. Throws `lost_state`.
  void settle(state_name name);

  const federated::kept_states& kept() const noexcept { return kept_; }

private:
  std::filesystem::path file_of(state_name name) const;
  [[noreturn]] void miss(state_name name) const;
  gpu::shared_buffer read(state_name name) const;
  void remove_dropped();

  files& disk_;
  std::filesystem::path root_;
  directory_lock lock_;
  federated::kept_states kept_;
  std::map<state_name, gpu::shared_buffer> at_hand_; ///< of these
};

} // namespace troupe::cluster
