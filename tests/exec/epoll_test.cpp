// A foreign event loop: plain epoll drives executions through completion descriptors, with no thread of its
// own.
#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <map>
#include <optional>

#include "exec/programs.hpp"

namespace wherry {
namespace {

using namespace testing_support;

class foreign_loop : public programs_on_every_device {
 protected:
  void SetUp() override {
    programs_on_every_device::SetUp();
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    ASSERT_GE(epoll_, 0);
  }
  void TearDown() override {
    if (epoll_ >= 0) ::close(epoll_);
    programs_on_every_device::TearDown();
  }
  void watch(int fd) const {
    epoll_event e{};
    e.events = EPOLLIN;
    e.data.fd = fd;
    ASSERT_EQ(::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &e), 0);
  }
  /// The next descriptor that is readable.
  int wait() const {
    epoll_event e{};
    return ::epoll_wait(epoll_, &e, 1, 20000) == 1 ? e.data.fd : -1;
  }
  int epoll_ = -1;
};

TEST_P(foreign_loop, epoll_drives_a_hundred_executions_through_completion_descriptors) {
  struct chain {
    buffer newest;
    array_promise sum;
    completion_fd fd;
    int steps;
  };
  const executable add = load(add_program());
  const buffer one = scalar(1);
  std::map<int, chain> running;
  const auto go_on = [&](const buffer& x, int steps) {
    const buffer y = add(x, one)[0];
    array_promise sum = y.as_array();
    completion_fd fd = sum.ready_fd();
    watch(fd.get());
    running.emplace(fd.get(), chain{y, std::move(sum), std::move(fd), steps});
  };
  for (int c = 0; c < 4; ++c) go_on(scalar(0), 1);
  int ended = 0;
  while (!running.empty()) {
    const int fd = wait();
    ASSERT_GE(fd, 0) << "no descriptor became readable";
    const chain done = std::move(running.at(fd));
    running.erase(fd);
    ASSERT_EQ(::epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr), 0);
    ASSERT_TRUE(done.sum.is_ready());
    ASSERT_EQ(done.sum.value().item<float>(), static_cast<float>(done.steps));
    ++ended;
    if (done.steps < 25) go_on(done.newest, done.steps + 1);
  }
  EXPECT_EQ(ended, 100);
}

TEST_P(foreign_loop, one_descriptor_of_a_unit_tells_of_all_its_executions) {
  const executable add = load(add_program());
  unit& u = another();
  const unit_fd fd(u);
  watch(fd.get());
  execute_options options;
  options.unit = &u;
  buffer x = scalar(0);
  const buffer one = scalar(1);
  std::uint64_t counted = 0;
  std::optional<ticket> newest;
  for (std::uint64_t submitted = 0; counted < 100;) {
    while (submitted < 100 && submitted - counted < 4) {
      const execution run = add.call(std::vector<buffer>{x, one}, options);
      newest = run.id();
      x = run[0];
      ++submitted;
    }
    ASSERT_EQ(wait(), fd.get());
    std::uint64_t more = 0;
    ASSERT_EQ(::read(fd.get(), &more, sizeof more), static_cast<ssize_t>(sizeof more));
    counted += more;
  }
  EXPECT_TRUE(u.is_completed(*newest));
  EXPECT_EQ(item(x), 100);
}

INSTANTIATE_TEST_SUITE_P(devices, foreign_loop, all_devices, device_name);

}  // namespace
}  // namespace wherry
