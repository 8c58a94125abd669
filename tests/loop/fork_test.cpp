// Loops in a forked child: refused where something can be refused, harmless where not.
#include <gtest/gtest.h>

#include <csignal>
#include <memory>
#include <optional>
#include <wherry/coro/task.hpp>
#include <wherry/loop/detail/process_generation.hpp>
#include <wherry/loop/loop.hpp>
#include <wherry/loop/loop_thread.hpp>
#include <wherry/loop/sleep.hpp>
#include <wherry/loop/sync_wait.hpp>

#include "loop/child_process.hpp"
#include "loop/configurations.hpp"

namespace wherry {
namespace {

class fork_suite : public loop_suite {};

task<void> one_nop(loop& where) { co_await nop(where); }

template <class Body>
void expect_forked(Body&& body) {
  try {
    body();
    ADD_FAILURE() << "no error";
  } catch (const error& e) {
    EXPECT_EQ(e.reason(), reason::forked);
  }
}

TEST_P(fork_suite, a_loop_is_refused_in_a_child_and_goes_on_in_the_parent) {
  sync_wait(here(), one_nop(here()));
  const int status = in_child([&] {
    expect_forked([&] { sync_wait(here(), one_nop(here())); });
    expect_forked([&] { here().run_until([] { return true; }); });
    own_.reset();  // neither waits nor disturbs the parent's ring
    loop fresh(GetParam().options);
    sync_wait(fresh, one_nop(fresh));
  });
  EXPECT_EQ(status, 0);
  sync_wait(here(), one_nop(here()));
}

TEST_P(fork_suite, posting_to_the_parents_loop_ends_the_child) {
  const int status = in_child([&] {
    std::fclose(stderr);
    work item;
    item.run = [](work&) noexcept {};
    here().post(item);
  });
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT) << status;
}

TEST_P(fork_suite, a_loop_thread_is_refused_in_a_child_and_does_not_hang_it) {
  std::optional<loop_thread> thread(std::in_place, GetParam().options);
  sync_wait(thread->get(), one_nop(thread->get()));
  const int status = in_child([&] {
    expect_forked([&] { thread->get(); });
    thread.reset();
  });
  EXPECT_EQ(status, 0);
  sync_wait(thread->get(), one_nop(thread->get()));
}

WHERRY_ON_EVERY_BACKEND(fork_suite);

TEST(process_generation, it_grows_in_children_only) {
  const std::uint32_t here = detail::process_generation();
  EXPECT_EQ(in_child([&] { EXPECT_TRUE(detail::was_forked_since(here)); }), 0);
  EXPECT_FALSE(detail::was_forked_since(here));
}

}  // namespace
}  // namespace wherry
