#include "gpu/collective/communicator.hpp"

#include <algorithm>
#include <string_view>
#include <thread>
#include <utility>

#include "gpu/cuda/identity.hpp"
#include "gpu/cuda/presence.hpp"

namespace troupe::gpu {
namespace {

using cuda::nccl_result;
using clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

std::string text_of(source_location at) {
  std::string_view file = at.file_name();
  return std::string{file.substr(file.rfind('/') + 1)} + ':' +
         std::to_string(at.line());
}

std::string in_seconds(std::chrono::nanoseconds time) {
  auto text = std::to_string(std::chrono::duration<double>(time).count());
  text.erase(text.find_last_not_of('0') + 1);
  return (text.ends_with('.') ? text + '0' : text) + " s";
}

const void* part(const_typed_span x, std::size_t count, int rank) {
  return static_cast<const char*>(x.data) +
         count * std::size_t(rank) * bytes_of(x.type);
}

void* part(typed_span x, std::size_t count, int rank) {
  return static_cast<char*>(x.data) +
         count * std::size_t(rank) * bytes_of(x.type);
}

// NCCL has taken the call, whether or not it is through with it.
bool went_well(nccl_result code) {
  return code == nccl_result::success || code == nccl_result::in_progress;
}

// A group must be ended, whatever became of its calls; it is through when the
// last of them is.
template <class Calls>
nccl_result grouped(const cuda::nccl_api& api, Calls calls) {
  if (auto code = api.group_start(); !went_well(code))
    return code;
  auto inside = calls();
  auto outside = api.group_end();
  return went_well(inside) && outside != nccl_result::success ? outside
                                                              : inside;
}

} // namespace

nccl_error::nccl_error(
    nccl_result code, const std::string& text, source_location where)
    : std::runtime_error(text + " (" + text_of(where) + ')'), code_(code) {}

communicator::communicator(
    const communicator_options& options, const cuda::nccl_api* through) noexcept
    : options_(options), api_(through), handle_(nullptr, aborter{through}) {}

communicator::communicator(const communicator_options& options,
    const cuda::nccl_api& through, place at)
    : communicator(options, &through) {
  join(at);
  wait_ready(at);
}

communicator communicator::start(const communicator_options& options,
    const cuda::nccl_api& through, place at) {
  communicator result{options, &through};
  result.join(at);
  return result;
}

communicator_id communicator::make_id(const cuda::nccl_api& through, place at) {
  communicator_id result;
  if (auto code = through.make_id(result); code != nccl_result::success)
    throw nccl_error{code,
        std::string{"NCCL: "} + to_string(code) +
            " in making an id: " + through.last_error(nullptr),
        at};
  return result;
}

void communicator::join(place at) {
  const auto& [id, rank, size, where, timeout] = options_;
  if (size < 1 || rank < 0 || rank >= size)
    throw std::invalid_argument("a communicator has no rank " +
                                std::to_string(rank) + " of " +
                                std::to_string(size));
  void* made = nullptr;
  auto code = api_->init(made, size, id, rank, where);
  handle_.reset(made);
  accept(code, "joining", at);
}

communicator::state communicator::poll() noexcept {
  if (state_ == state::failed || state_ == state::closed)
    return state_;
  auto now = nccl_result::success;
  auto code = api_->state(handle_.get(), now);
  if (code != nccl_result::success)
    now = code;
  if (now == nccl_result::success) {
    state_ = state::ready;
  } else if (now == nccl_result::in_progress) {
    state_ = state::in_progress;
  } else {
    why_ = describe(code_ = now, "the background");
    state_ = state::failed;
  }
  return state_;
}

void communicator::wait_ready(place at) {
  const auto end = clock::now() + options_.timeout;
  for (auto pause = 20us; poll() == state::in_progress;
       pause = std::min(pause * 2, std::chrono::microseconds{1ms})) {
    if (clock::now() >= end) {
      why_ = "NCCL is not through after " + in_seconds(options_.timeout) +
             ": rank " + std::to_string(rank()) + " of " +
             std::to_string(size()) + " on " + to_string(options_.where) +
             " waits for other ranks that never came, or for a network that " +
             "does not reach them";
      abort();
      throw nccl_error{nccl_result::in_progress, why_, at};
    }
    std::this_thread::sleep_for(pause);
  }
  if (state_ == state::failed)
    throw nccl_error{code_, why_, at};
  if (state_ == state::closed)
    throw std::logic_error("this communicator is closed");
}

std::string communicator::describe(nccl_result said, const char* what) const {
  const char* words = api_->last_error(handle_.get());
  std::string text = std::string{"NCCL: "} + to_string(said) + " in " + what +
                     ", rank " + std::to_string(rank()) + " of " +
                     std::to_string(size()) + " on " +
                     to_string(options_.where);
  if (words != nullptr && *words != '\0')
    text += std::string{": "} + words;
  if (text.find("Duplicate GPU") != std::string::npos)
    text += "; two ranks are on this GPU: give each rank one of its own";
  return text;
}

void communicator::fail(nccl_result said, const char* what, place at) {
  why_ = describe(code_ = said, what);
  state_ = state::failed;
  throw nccl_error{said, why_, at};
}

void communicator::accept(nccl_result said, const char* what, place at) {
  if (!went_well(said))
    fail(said, what, at);
  state_ = said == nccl_result::success ? state::ready : state::in_progress;
}

void communicator::prepare(const device_stream& on, place at) {
  if (on.where() != options_.where)
    throw std::invalid_argument(
        "a communicator of " + to_string(options_.where) +
        " was given a stream of " + to_string(on.where()));
  wait_ready(at);
}

void communicator::expect(
    bool fits, const char* what, const_typed_span in, typed_span out) const {
  if (!fits || in.type != out.type)
    throw std::invalid_argument(
        std::string{what} + " over " + std::to_string(size()) +
        " ranks: " + std::to_string(in.count) + ' ' + to_string(in.type) +
        " in do not go with " + std::to_string(out.count) + ' ' +
        to_string(out.type) + " out");
}

void communicator::expect_rank(int other, const char* what) const {
  if (other < 0 || other >= size())
    throw std::invalid_argument(std::string{what} + ": there is no rank " +
                                std::to_string(other) + " of " +
                                std::to_string(size()));
}

void communicator::all_reduce(device_stream& on, const_typed_span in,
    typed_span out, reduction how, place at) {
  expect(in.count == out.count, "all_reduce", in, out);
  prepare(on, at);
  accept(api_->all_reduce(
             in.data, out.data, in.count, in.type, how, handle_.get(), on),
      "all_reduce", at);
}

void communicator::reduce(device_stream& on, const_typed_span in,
    typed_span out, int root, reduction how, place at) {
  expect_rank(root, "reduce");
  if (rank() == root)
    expect(in.count == out.count, "reduce", in, out);
  prepare(on, at);
  accept(api_->reduce(in.data, out.data, in.count, in.type, how, root,
             handle_.get(), on),
      "reduce", at);
}

void communicator::broadcast(
    device_stream& on, typed_span data, int root, place at) {
  expect_rank(root, "broadcast");
  prepare(on, at);
  accept(api_->broadcast(data.data, data.data, data.count, data.type, root,
             handle_.get(), on),
      "broadcast", at);
}

void communicator::all_gather(
    device_stream& on, const_typed_span in, typed_span out, place at) {
  expect(out.count == in.count * std::size_t(size()), "all_gather", in, out);
  prepare(on, at);
  accept(
      api_->all_gather(in.data, out.data, in.count, in.type, handle_.get(), on),
      "all_gather", at);
}

void communicator::reduce_scatter(device_stream& on, const_typed_span in,
    typed_span out, reduction how, place at) {
  expect(
      in.count == out.count * std::size_t(size()), "reduce_scatter", in, out);
  prepare(on, at);
  accept(api_->reduce_scatter(
             in.data, out.data, out.count, in.type, how, handle_.get(), on),
      "reduce_scatter", at);
}

nccl_result communicator::send_parts(
    device_stream& on, const_typed_span in, std::size_t count) {
  auto code = nccl_result::success;
  for (int to = 0; to < size() && went_well(code); ++to)
    code =
        api_->send(part(in, count, to), count, in.type, to, handle_.get(), on);
  return code;
}

nccl_result communicator::receive_parts(
    device_stream& on, typed_span out, std::size_t count) {
  auto code = nccl_result::success;
  for (int from = 0; from < size() && went_well(code); ++from)
    code = api_->receive(
        part(out, count, from), count, out.type, from, handle_.get(), on);
  return code;
}

void communicator::all_to_all(
    device_stream& on, const_typed_span in, typed_span out, place at) {
  const auto count = in.count / std::size_t(size());
  expect(in.count == out.count && count * std::size_t(size()) == in.count,
      "all_to_all", in, out);
  prepare(on, at);
  accept(grouped(*api_,
             [&] {
               auto code = send_parts(on, in, count);
               return went_well(code) ? receive_parts(on, out, count) : code;
             }),
      "all_to_all", at);
}

void communicator::gather(device_stream& on, const_typed_span in,
    typed_span out, int root, place at) {
  expect_rank(root, "gather");
  if (rank() == root)
    expect(out.count == in.count * std::size_t(size()), "gather", in, out);
  prepare(on, at);
  accept(grouped(*api_,
             [&] {
               auto code = api_->send(
                   in.data, in.count, in.type, root, handle_.get(), on);
               return went_well(code) && rank() == root
                          ? receive_parts(on, out, in.count)
                          : code;
             }),
      "gather", at);
}

void communicator::scatter(device_stream& on, const_typed_span in,
    typed_span out, int root, place at) {
  expect_rank(root, "scatter");
  if (rank() == root)
    expect(in.count == out.count * std::size_t(size()), "scatter", in, out);
  prepare(on, at);
  accept(grouped(*api_,
             [&] {
               auto code = rank() == root ? send_parts(on, in, out.count)
                                          : nccl_result::success;
               return went_well(code) ? api_->receive(out.data, out.count,
                                            out.type, root, handle_.get(), on)
                                      : code;
             }),
      "scatter", at);
}

void communicator::send(
    device_stream& on, const_typed_span in, int to, place at) {
  expect_rank(to, "send");
  prepare(on, at);
  accept(api_->send(in.data, in.count, in.type, to, handle_.get(), on), "send",
      at);
}

void communicator::receive(
    device_stream& on, typed_span out, int from, place at) {
  expect_rank(from, "receive");
  prepare(on, at);
  accept(api_->receive(out.data, out.count, out.type, from, handle_.get(), on),
      "receive", at);
}

void communicator::barrier(device_stream& on, place at) {
  if (!token_)
    token_.emplace(1, on);
  all_reduce(on, token_->span(), token_->span(), reduction::maximum, at);
}

void communicator::notify(device_stream& on, std::function<void()> then) {
  if (api_->after != nullptr)
    api_->after(handle_.get(), on, std::move(then));
  else
    on.notify(std::move(then));
}

void communicator::finalize(place at) {
  wait_ready(at);
  accept(api_->finalize(handle_.get()), "finalising", at);
  wait_ready(at);
  state_ = state::closed;
  if (auto code = api_->destroy(handle_.release());
      code != nccl_result::success)
    throw nccl_error{code, describe(code, "closing"), at};
}

void communicator::abort() noexcept {
  handle_.reset();
  state_ = state::closed;
}

std::string identity(device where) {
  if constexpr (cuda::present)
    if (where.kind == device_kind::cuda)
      return cuda::uuid(where.index);
  return to_string(where);
}

} // namespace troupe::gpu
