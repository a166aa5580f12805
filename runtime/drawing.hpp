#pragma once

#include "runtime/configuration/configuration.hpp"
#include "runtime/configuration/device_choice.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace troupe {

/// A topology as data: the actors of a run and what they say to each other.
struct drawing {
  struct actor {
    std::string name;
    std::uint64_t count = 1;
    std::string part; ///< what it does, in a few words
  };
  struct message {
    std::size_t from = 0; ///< index into `actors`
    std::size_t to = 0;
    std::string name;
    bool answer = false; ///< to what was said the other way
  };

  std::string title;
  std::vector<actor> actors; ///< the first one is the root
  std::vector<message> messages;
};

/// Who takes part in a run of `what` on these devices.
drawing draw(const configuration& what, const device_choice& on);

/// For people: a tree from the first actor on, each line with what its actor is
/// told and what it answers. An actor that several speak to stands under each.
std::string to_tree(const drawing& what);

/// For Graphviz: one node an actor, one edge a direction, messages as labels.
std::string to_dot(const drawing& what);

} // namespace troupe
