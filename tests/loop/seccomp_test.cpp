// What a loop does where io_uring is forbidden, as containers' default seccomp profiles do.
#include <fcntl.h>
#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>
#include <wherry/coro/task.hpp>
#include <wherry/loop/file.hpp>
#include <wherry/loop/loop.hpp>
#include <wherry/loop/read_file.hpp>
#include <wherry/loop/sleep.hpp>
#include <wherry/loop/sync_wait.hpp>
#include <wherry/status/log.hpp>

#include "loop/child_process.hpp"
#include "loop/configurations.hpp"

namespace wherry {
namespace {

struct denial {
  const char* name;
  long number;
  int errno_value;
};

std::ostream& operator<<(std::ostream& out, const denial& d) { return out << d.name; }

class loop_under_denial : public testing::TestWithParam<denial> {};

INSTANTIATE_TEST_SUITE_P(denied, loop_under_denial,
                         testing::Values(denial{"setup_eperm", SYS_io_uring_setup, EPERM},
                                         denial{"setup_enosys", SYS_io_uring_setup, ENOSYS},
                                         denial{"setup_eacces", SYS_io_uring_setup, EACCES},
                                         denial{"enter_eperm", SYS_io_uring_enter, EPERM},
                                         denial{"enter_enosys", SYS_io_uring_enter, ENOSYS},
                                         denial{"register_eperm", SYS_io_uring_register, EPERM}),
                         [](const auto& info) { return info.param.name; });

bool ring_works_without(long number) { return number == SYS_io_uring_register; }

TEST_P(loop_under_denial, the_loop_takes_what_is_allowed_and_says_so_once) {
  if (loop().backend_name() != "uring") GTEST_SKIP() << "io_uring is not available to begin with";
  const int status = in_child([] {
    ASSERT_TRUE(forbid(GetParam().number, GetParam().errno_value));
    std::vector<std::string> lines;
    set_log_sink([&](log_level, std::string_view line) { lines.emplace_back(line); });
    loop first;
    const loop second;
    const scratch_folder folder;
    const std::string text = "under way";
    sync_wait(first, write_file_atomic(first, folder / "f", std::as_bytes(std::span(text))));
    EXPECT_EQ(sync_wait(first, read_file(first, folder / "f")).size(), text.size());
    set_log_sink({});
    if (ring_works_without(GetParam().number)) {
      EXPECT_EQ(first.backend_name(), "uring");
      EXPECT_FALSE(first.capabilities().has(capability::registered_ring_fd));
      EXPECT_TRUE(lines.empty());
      return;
    }
    EXPECT_EQ(first.backend_name(), "poll");
    EXPECT_EQ(second.backend_name(), "poll");
    ASSERT_EQ(lines.size(), 1u);
    EXPECT_NE(lines[0].find("io_uring"), std::string::npos) << lines[0];
    try {
      loop forced({.backend = loop_options::kind::uring});
      ADD_FAILURE() << "no error";
    } catch (const error& e) {
      EXPECT_EQ(e.reason(), reason::ring_unusable);
    }
  });
  EXPECT_EQ(status, 0);
}

TEST_P(loop_under_denial, the_whole_suite_passes) {
  const scratch_folder folder;
  const std::string output = folder / "output";
  const int status = in_child([&] {
    ASSERT_TRUE(forbid(GetParam().number, GetParam().errno_value));
    const int to = ::open(output.c_str(), O_WRONLY | O_CREAT, 0600);
    ::dup2(to, 1);
    ::dup2(to, 2);
    ::execl("/proc/self/exe", "loop_tests", "--gtest_filter=every_backend/*/automatic", nullptr);
    ADD_FAILURE() << "execl failed";
  });
  std::ostringstream said;
  said << std::ifstream(output).rdbuf();
  EXPECT_EQ(status, 0) << said.str();
  EXPECT_NE(said.str().find("[  PASSED  ]"), std::string::npos) << said.str();
}

task<std::string> failure_of_a_nop(loop& where, reason& why) {
  std::string message;
  try {
    co_await nop(where);
  } catch (const error& e) {
    message = e.what();
    why = e.reason();
  }
  co_return message;
}

task<void> sleep_a_moment(loop& where) { co_await sleep_for(where, std::chrono::milliseconds(1)); }

task<void> forbid_while_reading(loop& where, int fd, reason& of_read, reason& of_nop, std::string& message) {
  std::array<std::byte, 8> some;
  const std::span<std::byte> into = some;
  try {
    co_await read(where, fd, into, operation::current_position);
  } catch (const error& e) {
    of_read = e.reason();
  }
  message = co_await failure_of_a_nop(where, of_nop);
  co_await sleep_a_moment(where);
}

// A filter that comes while a loop is running is fatal for its operations, and hangs nobody.
TEST(loop_under_seccomp, a_ring_that_is_forbidden_later_fails_its_operations_and_keeps_timers) {
  if (loop().backend_name() != "uring") GTEST_SKIP() << "io_uring is not available to begin with";
  const int status = in_child([] {
    loop own;
    const test_pipe p;
    set_log_sink([](log_level, std::string_view) {});
    ASSERT_TRUE(forbid(SYS_io_uring_enter, EPERM));
    reason of_read = reason::none;
    reason of_nop = reason::none;
    std::string message;
    sync_wait(own, forbid_while_reading(own, p.out(), of_read, of_nop, message));
    EXPECT_EQ(of_read, reason::ring_unusable);
    EXPECT_EQ(of_nop, reason::ring_unusable);
    EXPECT_NE(message.find("seccomp"), std::string::npos) << message;
    EXPECT_NE(own.broken(), nullptr);
    EXPECT_EQ(own.in_flight(), 0u);
  });
  EXPECT_EQ(status, 0);
}

TEST(loop_under_seccomp, running_out_of_descriptors_is_an_error_and_no_reason_to_fall_back) {
  const int status = in_child([] {
    std::vector<int> all;
    for (int fd = ::dup(0); fd >= 0; fd = ::dup(0)) all.push_back(fd);
    ::close(all.back());  // room for the eventfd, not for the ring
    try {
      loop refused;
      ADD_FAILURE() << "no error: " << refused.backend_name();
    } catch (const error& e) {
      EXPECT_EQ(e.code(), absl::StatusCode::kResourceExhausted);
      EXPECT_NE(std::string(e.what()).find("Too many open files"), std::string::npos) << e.what();
    }
  });
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace wherry
