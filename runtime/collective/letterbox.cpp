#include "runtime/collective/letterbox.hpp"

#include <cstring>
#include <random>
#include <system_error>

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace troupe::collective {
namespace {

struct abstract_address {
  explicit abstract_address(const std::string& name) {
    at.sun_family = AF_UNIX;
    const auto length = std::min(name.size(), sizeof at.sun_path - 1);
    std::memcpy(at.sun_path + 1, name.data(), length); // behind a zero
    size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + length);
  }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&at); }
  sockaddr_un at{};
  socklen_t size;
};

std::string drawn_name() {
  std::random_device system;
  return fmt::format(
      "troupe-ranks-{:08x}{:08x}{:08x}", system(), system(), system());
}

descriptor fresh() {
  return descriptor{
      socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
}

// Names without a file have no owner: whoever is at the other end has to be
// this user.
bool of_this_user(int socket) {
  ucred who{};
  socklen_t size = sizeof who;
  return getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0 &&
         who.uid == geteuid();
}

struct envelope {
  alignas(cmsghdr) char held[CMSG_SPACE(sizeof(int))] = {};
  char sign = 1;
  iovec body{&sign, 1};
  msghdr all{};

  envelope() {
    all.msg_iov = &body;
    all.msg_iovlen = 1;
    all.msg_control = held;
    all.msg_controllen = sizeof held;
  }
};

std::optional<descriptor> opened(int socket) {
  envelope what;
  const auto came = retried([&] {
    return recvmsg(socket, &what.all, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  });
  const auto* head = CMSG_FIRSTHDR(&what.all);
  if (came != 1 || !head || head->cmsg_type != SCM_RIGHTS ||
      head->cmsg_len != CMSG_LEN(sizeof(int)))
    return std::nullopt;
  int value = -1;
  std::memcpy(&value, CMSG_DATA(head), sizeof value);
  return descriptor{value};
}

} // namespace

letterbox::letterbox() : name_(drawn_name()), socket_(fresh()) {
  const abstract_address at{name_};
  if (bind(*socket_, at.get(), at.size) < 0 || listen(*socket_, 8) < 0)
    throw std::system_error{
        errno, std::generic_category(), "cannot be handed shared memory"};
}

std::optional<descriptor> letterbox::take(const bounds& within) {
  while (ready(*socket_, POLLIN, within)) {
    descriptor from{accept4(*socket_, nullptr, nullptr, SOCK_CLOEXEC)};
    if (*from < 0 || !of_this_user(*from) || !ready(*from, POLLIN, within))
      continue;
    if (auto what = opened(*from))
      return what;
  }
  return std::nullopt;
}

bool hand_in(const std::string& box, int what) noexcept {
  const auto to = fresh();
  const abstract_address at{box};
  if (connect(*to, at.get(), at.size) < 0 || !of_this_user(*to))
    return false;
  envelope with;
  auto* head = CMSG_FIRSTHDR(&with.all);
  head->cmsg_level = SOL_SOCKET;
  head->cmsg_type = SCM_RIGHTS;
  head->cmsg_len = CMSG_LEN(sizeof what);
  std::memcpy(CMSG_DATA(head), &what, sizeof what);
  return retried([&] { return sendmsg(*to, &with.all, MSG_NOSIGNAL); }) == 1;
}

} // namespace troupe::collective
