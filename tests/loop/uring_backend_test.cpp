#include <gtest/gtest.h>

#include <thread>
#include <wherry/loop/loop.hpp>
#include <wherry/loop/uring_backend.hpp>

namespace wherry {
namespace {

class uring_backend_test : public testing::Test {
 protected:
  void SetUp() override {
    if (loop().backend_name() != "uring") GTEST_SKIP() << "io_uring is not available";
  }
};

loop_options uring_with(capability_set allowed) {
  return {.backend = loop_options::kind::uring, .allow = allowed};
}

TEST_F(uring_backend_test, a_masked_capability_is_never_used) {
  using enum capability;
  const capability_set best = loop(uring_with(capability_set::all())).capabilities();
  for (const capability c :
       {single_issuer, defer_taskrun, registered_ring_fd, wait_timeout, file_operations}) {
    if (!best.has(c)) continue;  // an older kernel
    capability_set masked = capability_set::all();
    masked.remove(c);
    const capability_set without = loop(uring_with(masked)).capabilities();
    EXPECT_FALSE(without.has(c)) << static_cast<int>(c);
  }
  EXPECT_TRUE(loop(uring_with({})).capabilities() == capability_set());
}

TEST_F(uring_backend_test, each_step_of_the_chain_drops_one_flag) {
  using enum capability;
  const capability_set best = loop(uring_with(capability_set::all())).capabilities();
  if (!best.has(defer_taskrun)) GTEST_SKIP() << "the kernel is older than 6.1";
  EXPECT_TRUE(best.has(single_issuer));
  EXPECT_FALSE(best.has(coop_taskrun));
  const capability_set second = loop(uring_with({single_issuer, coop_taskrun})).capabilities();
  EXPECT_TRUE(second.has(single_issuer) && second.has(coop_taskrun));
  const capability_set third = loop(uring_with({coop_taskrun})).capabilities();
  EXPECT_TRUE(!third.has(single_issuer) && third.has(coop_taskrun));
}

// What a ring without an owner would do; the reason why loops check the thread.
TEST_F(uring_backend_test, the_kernel_refuses_a_foreign_thread_on_a_single_issuer_ring) {
  io_uring ring{};
  const int made = io_uring_queue_init(8, &ring, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
  if (made < 0) GTEST_SKIP() << "the kernel is older than 6.1";
  int result = 0;
  std::thread foreign([&] {
    io_uring_prep_nop(io_uring_get_sqe(&ring));
    result = io_uring_submit(&ring);
  });
  foreign.join();
  io_uring_queue_exit(&ring);
  EXPECT_EQ(result, -EEXIST);
}

}  // namespace
}  // namespace wherry
