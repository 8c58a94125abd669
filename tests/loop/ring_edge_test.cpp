// Memory that is handed over through a descriptor. These tests pass without a sanitizer; under
// ThreadSanitizer they fail when a hand-over that goes through a ring is not annotated.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <thread>
#include <wherry/coro/task.hpp>
#include <wherry/loop/detail/ring_edge.hpp>
#include <wherry/loop/event_fd.hpp>
#include <wherry/loop/file.hpp>
#include <wherry/loop/sync_wait.hpp>

#include "loop/configurations.hpp"

namespace wherry {
namespace {

class ring_edge_suite : public loop_suite {};

task<int> read_then_look(loop& where, int fd, const int& shared) {
  std::array<std::byte, 1> one;
  const std::span<std::byte> into = one;
  co_await read(where, fd, into, operation::current_position);
  co_return shared;
}

task<int> poll_then_look(loop& where, int fd, const int& shared) {
  co_await poll(where, fd, POLLIN);
  co_return shared;
}

TEST_P(ring_edge_suite, memory_written_before_a_pipe_is_seen_behind_the_read) {
  const test_pipe p;
  int shared = 0;
  std::thread writer([&] {
    shared = 42;
    EXPECT_EQ(::write(p.in(), "x", 1), 1);
  });
  EXPECT_EQ(sync_wait(here(), read_then_look(here(), p.out(), shared)), 42);
  writer.join();
}

TEST_P(ring_edge_suite, memory_written_before_a_socket_is_seen_behind_the_poll) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  int shared = 0;
  std::thread writer([&] {
    shared = 42;
    EXPECT_EQ(::write(ends[1], "x", 1), 1);
  });
  EXPECT_EQ(sync_wait(here(), poll_then_look(here(), ends[0], shared)), 42);
  writer.join();
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_P(ring_edge_suite, memory_written_before_a_signal_is_seen_behind_the_poll) {
  event_fd event;
  int shared = 0;
  std::thread writer([&] {
    shared = 42;
    event.signal();
  });
  EXPECT_EQ(sync_wait(here(), poll_then_look(here(), event.fd(), shared)), 42);
  writer.join();
  EXPECT_TRUE(event.drain());
  EXPECT_FALSE(event.drain());
}

WHERRY_ON_EVERY_BACKEND(ring_edge_suite);

}  // namespace
}  // namespace wherry
