#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include <caf/actor_cast.hpp>

#include "protocols/cluster/interfaces.hpp"
#include "protocols/cluster/peer.hpp"
#include "protocols/cluster/registration.hpp"
#include "protocols/errc.hpp"
#include "protocols/verbs.hpp"

namespace troupe::cluster {

/// How a node's session begins and ends at its door, whatever it is there for:
/// a part of the door's state, which ends that actor when the node is gone.
///
///     knocking ──► preparing ──► inside
///        │ refused     │           │ closed, accused, hung up
///        └─────────────┴───────────┴──────► parting ──parted──► (gone)
template <class Door>
class doorstep {
public:
  using pointer = typename Door::pointer;

  /// `greeting` is without name and epoch.
  doorstep(pointer self, candidate who, shared_peer at, registrar by,
      welcome greeting)
      : self_(self),
        who_(std::move(who)),
        peer_(std::move(at)),
        registrar_(std::move(by)),
        greeting_(std::move(greeting)) {}

  const candidate& who() const noexcept { return who_; }
  bool is_welcome() const noexcept {
    return stage_ == stage::preparing || stage_ == stage::inside;
  }
  bool is_preparing() const noexcept { return stage_ == stage::preparing; }
  bool is_inside() const noexcept { return stage_ == stage::inside; }
  bool is_parting() const noexcept { return stage_ == stage::parting; }

  /// Asks whether it may come. If so it is greeted, and the door hears it by
  /// `welcomed(const admission&)`.
  template <class Welcomed>
  void knock(Welcomed welcomed) {
    ask(self_, registrar_, caf::infinite,
        cluster::knock{who_, caf::actor_cast<Door>(self_)})
        .then(
            [this, welcomed](const admission& how) {
              if (greets(how))
                welcomed(how);
            },
            [this](const caf::error& why) { part(text(why)); });
  }

  /// It says that it is ready: `entered()` if that is enough.
  template <class Entered>
  void prepare(const ready& what, Entered entered) {
    ask(self_, registrar_, caf::infinite, prepared{who_.number, what})
        .then(
            [this, entered](const admission& how) {
              if (lets_in(how))
                entered();
            },
            [this](const caf::error& why) { part(text(why)); });
  }

  /// It is to leave, or wants to, and finishes what it has before.
  void tell_of_drain() {
    send(self_, registrar_, drained{who_.number});
    peer_->send(drain{});
  }

  // In order; what comes of it is told by `parted`.
  void part(const std::string& why) {
    if (!begins_to_part(why))
      return;
    peer_->close(why);
  }
  /// It is not to come back.
  void see_off(const std::string& why) {
    peer_->send(farewell{why, true, 0});
    part(why);
  }
  void dismiss(const dismissal& what) {
    peer_->send(what.what);
    part(what.what.why);
  }
  void leave(const farewell& what) {
    part(what.why.empty() ? "it left" : what.why);
  }

  // As its fault.
  void accuse(const std::string& of) {
    const auto why = "it sent what it was not asked for: " + of;
    peer_->send(refusal{why});
    expel(why);
  }
  void expel(const std::string& why) {
    if (!begins_to_part(why))
      return;
    in_order_ = false;
    peer_->expel(why);
  }

  /// What was decided here counts, even where the peer hung up first.
  void leave(const parted& what) {
    const auto decided = is_parting();
    const auto why = decided ? parts_for_ : what.why;
    const auto in_order = decided ? in_order_ : what.in_order;
    stage_ = stage::parting;
    send(self_, registrar_, gone{who_.number, why, in_order, what.silence});
    self_->quit(
        caf::make_error(in_order ? errc::node_left : errc::node_lost, why));
  }

private:
  enum class stage : std::uint8_t { knocking, preparing, inside, parting };

  bool greets(const admission& how) {
    if (stage_ != stage::knocking)
      return false;
    if (!how.granted) {
      if (how.lower_to.empty())
        peer_->send(refusal{how.why});
      else
        peer_->send(lower{how.lower_to});
      part(how.why);
      return false;
    }
    stage_ = stage::preparing;
    peer_->call(how.name);
    greeting_.name = how.name;
    greeting_.epoch = how.epoch;
    greeting_.durable = how.durable;
    if (how.client)
      greeting_.home.client = *how.client;
    else
      greeting_.home = {};
    peer_->send(std::exchange(greeting_, {}));
    return true;
  }

  bool lets_in(const admission& how) {
    if (!how.granted) {
      peer_->send(refusal{how.why});
      part(how.why);
      return false;
    }
    if (stage_ != stage::preparing)
      return false;
    stage_ = stage::inside;
    return true;
  }

  bool begins_to_part(const std::string& why) {
    if (is_parting())
      return false;
    stage_ = stage::parting;
    parts_for_ = why;
    return true;
  }

  pointer self_;
  candidate who_;
  shared_peer peer_;
  registrar registrar_;
  welcome greeting_;
  stage stage_ = stage::knocking;
  std::string parts_for_; ///< while it is parting: why, and whether it may
  bool in_order_ = true;
};

} // namespace troupe::cluster
