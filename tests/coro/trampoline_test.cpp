#include <gtest/gtest.h>

#include <coroutine>
#include <exception>
#include <vector>
#include <wherry/coro/trampoline.hpp>

namespace wherry {
namespace {

// A coroutine that the test resumes by hand and that frees itself at its end.
struct plain {
  struct promise_type {
    plain get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
  std::coroutine_handle<promise_type> handle;
};

struct hop_to {
  explicit hop_to(std::coroutine_handle<> target) { hop_.target = target; }
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<>) noexcept { detail::continue_with(hop_); }
  void await_resume() const noexcept {}
  detail::hop hop_;
};

plain append(std::vector<int>& order, int value) {
  order.push_back(value);
  co_return;
}

plain append_then_hop(std::vector<int>& order, int value, std::coroutine_handle<> next) {
  order.push_back(value);
  co_await hop_to(next);
  order.push_back(-value);
}

TEST(trampoline, resume_runs_everything_the_coroutine_leads_to) {
  std::vector<int> order;
  const plain last = append(order, 3);
  const plain middle = append_then_hop(order, 2, last.handle);
  const plain first = append_then_hop(order, 1, middle.handle);
  resume(first.handle);
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
  resume(first.handle);
  resume(middle.handle);
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3, -1, -2}));
}

TEST(trampoline, a_foreign_resume_runs_hops_as_well) {
  std::vector<int> order;
  const plain last = append(order, 3);
  const plain middle = append_then_hop(order, 2, last.handle);
  const plain first = append_then_hop(order, 1, middle.handle);
  first.handle.resume();
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(detail::active_trampoline, nullptr);
  first.handle.resume();
  middle.handle.resume();
}

plain resume_inside(std::vector<int>& order, std::coroutine_handle<> inner) {
  order.push_back(1);
  resume(inner);
  order.push_back(4);
  co_return;
}

TEST(trampoline, a_nested_resume_ends_before_the_outer_one_goes_on) {
  std::vector<int> order;
  const plain last = append(order, 3);
  const plain inner = append_then_hop(order, 2, last.handle);
  const plain outer = resume_inside(order, inner.handle);
  resume(outer.handle);
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3, 4}));
  inner.handle.destroy();
}

}  // namespace
}  // namespace wherry
