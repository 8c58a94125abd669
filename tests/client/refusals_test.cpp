// What a client refuses, and what it only logs: arguments and callbacks that no program should have.
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>
#include <wherry/client.hpp>
#include <wherry/status/log.hpp>

#include "client/table_compiler.hpp"

namespace wherry {
namespace {

using testing_support::table_compiler;

std::string refusal(const std::function<void()>& call, absl::StatusCode code) {
  try {
    call();
  } catch (const error& e) {
    EXPECT_EQ(e.code(), code) << e.what();
    return e.what();
  }
  ADD_FAILURE() << "it was accepted";
  return "";
}

tensor_type f32(shape dims) { return {dtype::f32, std::move(dims)}; }

/// Keeps what is logged while it lives.
class kept_log {
 public:
  kept_log()
      : before_(set_log_sink([this](log_level, std::string_view line) {
          const std::lock_guard lock(mutex_);
          lines_.emplace_back(line);
        })) {}
  kept_log(const kept_log&) = delete;
  kept_log& operator=(const kept_log&) = delete;
  ~kept_log() { set_log_sink(std::move(before_)); }

  bool has(const std::string& line) const {
    const std::lock_guard lock(mutex_);
    return std::find(lines_.begin(), lines_.end(), line) != lines_.end();
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
  log_sink before_;
};

TEST(refusals, a_buffer_of_another_client_is_refused_and_can_be_copied) {
  const table_compiler compiles;
  const client here, there;
  compile_options uncached;
  uncached.cache = false;
  const executable add = here.compile(program::from_text("add"), uncached);
  const buffer foreign = there.scalar(1.0F);
  const buffer own = here.scalar(2.0F);
  EXPECT_EQ(
      refusal([&] { (void)add(own, foreign); }, absl::StatusCode::kInvalidArgument),
      "execution of add: argument 1 is on cpu:0 of another client, the executable on cpu:0: use copy_to");
  EXPECT_EQ(add(own, foreign.copy_to(here.device())).value().item<float>(), 3);
}

TEST(refusals, memory_that_is_not_there_is_refused_unless_nothing_is_in_it) {
  const client here;
  const std::vector<std::int64_t> strides{4};
  for (const auto use : {host_memory_use::copy, host_memory_use::until_transfer_completes,
                         host_memory_use::zero_copy, host_memory_use::mutable_zero_copy}) {
    EXPECT_EQ(refusal([&] { (void)here.from_host(nullptr, f32({4}), use, [] {}); },
                      absl::StatusCode::kInvalidArgument),
              "buffer: expected the memory of a tensor<4xf32>, got a null pointer");
    EXPECT_EQ(here.from_host(nullptr, f32({0}), use, [] {}).value().size(), 0);
  }
  EXPECT_EQ(refusal([&] { (void)here.from_strides(nullptr, f32({4}), strides); },
                    absl::StatusCode::kInvalidArgument),
            "from_strides: expected the memory of a tensor<4xf32>, got a null pointer");
  EXPECT_EQ(here.from_strides(nullptr, f32({0}), strides).value().size(), 0);
}

TEST(refusals, an_unknown_platform_is_answered_with_the_devices_that_are_open) {
  client_options two;
  two.cpu_devices = 2;
  const client here(two);
  for (const char* name : {"gpu", "", ":0", "CPU:0"}) {
    EXPECT_EQ(refusal([&] { (void)here.device(name); }, absl::StatusCode::kNotFound),
              "no device '" + std::string(name) + "'; expected cpu[:K] or opencl:K|TEXT; known: cpu:0 cpu:1");
  }
}

TEST(refusals, out_of_memory_names_the_limit_that_was_set) {
  client_options o;
  o.memory_limit = 1 << 20;
  const client here(o);
  EXPECT_NE(refusal([&] { (void)here.empty(f32({1 << 20})); }, absl::StatusCode::kResourceExhausted)
                .find("4194304 bytes asked for, 0 in use, the limit is 1048576"),
            std::string::npos);
  EXPECT_EQ(here.device().memory().limit, std::size_t{1} << 20);
}

TEST(refusals, a_descriptor_that_is_no_eventfd_is_not_written_to) {
  const client here;
  const buffer x = here.scalar(1.0F);
  int ends[2] = {-1, -1};
  ASSERT_EQ(::pipe(ends), 0);
  for (const int fd : ends) {
    const std::string expected =
        "notify: expected an eventfd, got descriptor " + std::to_string(fd) + " of another kind";
    EXPECT_EQ(refusal([&] { (void)x.notify(fd); }, absl::StatusCode::kInvalidArgument), expected);
    EXPECT_EQ(refusal([&] { const event_registration r(*here.units().front(), fd); },
                      absl::StatusCode::kInvalidArgument),
              expected);
    ::close(fd);
  }
  const int fd = ::eventfd(0, EFD_CLOEXEC);
  EXPECT_NO_THROW((void)x.notify(fd));
  ::close(fd);
}

TEST(refusals, on_ready_without_a_callback_is_refused) {
  const client here;
  EXPECT_EQ(refusal([&] { here.scalar(1.0F).on_ready(nullptr); }, absl::StatusCode::kInvalidArgument),
            "on_ready: expected a callback, got none");
}

TEST(refusals, what_a_callback_throws_is_logged_and_the_next_one_runs) {
  const kept_log log;
  const client here;
  const buffer x = here.scalar(1.0F);
  std::atomic<bool> ran = false;
  x.on_ready([](const absl::Status&) { throw std::runtime_error("no"); });
  x.on_ready([](const absl::Status&) { throw 1; });
  x.on_ready([&](const absl::Status&) {
    ran = true;
    ran.notify_all();
  });
  ran.wait(false);
  EXPECT_TRUE(log.has("a callback of on_ready threw: no"));
  EXPECT_TRUE(log.has("a callback of on_ready threw"));
}

TEST(refusals, what_a_deleter_throws_is_logged) {
  for (const auto use : {host_memory_use::copy, host_memory_use::until_transfer_completes,
                         host_memory_use::zero_copy, host_memory_use::mutable_zero_copy}) {
    const kept_log log;
    alignas(64) float memory[16] = {};
    {
      const client here;
      const buffer x = here.from_host(memory, f32({16}), use, [] { throw std::runtime_error("not mine"); });
      EXPECT_EQ(x.value().size(), 16);
    }
    EXPECT_TRUE(log.has("the deleter of host memory threw: not mine"));
  }
}

class environment {
 public:
  environment(const char* name, const char* value) : name_(name) {
    if (const char* text = std::getenv(name)) before_ = text;
    ::setenv(name, value, 1);
  }
  environment(const environment&) = delete;
  environment& operator=(const environment&) = delete;
  ~environment() { before_ ? ::setenv(name_, before_->c_str(), 1) : ::unsetenv(name_); }

 private:
  const char* name_;
  std::optional<std::string> before_;
};

TEST(refusals, a_number_of_devices_that_is_none_is_refused) {
  for (const char* text : {"x", "0", "-1", "2x", " 2", "99999999999999999999"}) {
    const environment set("WHERRY_CPU_DEVICES", text);
    EXPECT_EQ(refusal([] { const client here; }, absl::StatusCode::kInvalidArgument),
              "WHERRY_CPU_DEVICES: expected a number from 1 to 1024, got '" + std::string(text) + "'");
  }
  const environment set("WHERRY_CPU_DEVICES", "");
  EXPECT_NO_THROW((void)client().device("cpu:0"));
}

TEST(refusals, a_folder_and_an_empty_file_are_no_programs) {
  EXPECT_EQ(refusal([] { (void)program::from_file("/"); }, absl::StatusCode::kInvalidArgument),
            "/: cannot read: Is a directory");
  EXPECT_EQ(program::from_file("/dev/null").text(), "");
}

}  // namespace
}  // namespace wherry
