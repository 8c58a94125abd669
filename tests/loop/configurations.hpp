// configurations.hpp: the loops on which the loop suite runs.
//
// One suite, every backend, and the same kernel made to look older by masking capabilities.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <ostream>
#include <string>
#include <vector>
#include <wherry/loop/loop.hpp>

namespace wherry {

struct loop_configuration {
  std::string name;
  loop_options options;
};

inline std::ostream& operator<<(std::ostream& out, const loop_configuration& c) { return out << c.name; }

inline std::vector<loop_configuration> loop_configurations() {
  using kind = loop_options::kind;
  auto without = [](std::initializer_list<capability> masked) {
    capability_set all = capability_set::all();
    for (const capability c : masked) all.remove(c);
    return all;
  };
  std::vector<loop_configuration> all;
  all.push_back({"automatic", {}});
  all.push_back({"uring", {.backend = kind::uring}});
  all.push_back(
      {"uring_without_deferral", {.backend = kind::uring, .allow = without({capability::defer_taskrun})}});
  all.push_back({"uring_shared_issuer",
                 {.backend = kind::uring,
                  .allow = without({capability::single_issuer, capability::registered_ring_fd})}});
  all.push_back({"uring_masked", {.backend = kind::uring, .allow = {}}});
  all.push_back({"uring_of_8_entries", {.backend = kind::uring, .entries = 8}});
  all.push_back({"poll", {.backend = kind::poll}});
  all.push_back({"poll_masked", {.backend = kind::poll, .allow = {}}});
  all.push_back({"simulated", {.backend = kind::simulated, .seed = 7}});
  all.push_back({"simulated_short", {.backend = kind::simulated, .seed = 11, .short_transfers = true}});
  return all;
}

/// A test of one configuration, with a loop of it that belongs to the test's thread.
class loop_suite : public testing::TestWithParam<loop_configuration> {
 protected:
  void SetUp() override {
    try {
      own_ = std::make_unique<loop>(GetParam().options);
    } catch (const error& e) {
      if (e.reason() != reason::ring_unusable) throw;
      GTEST_SKIP() << e.what();
    }
  }

  loop& here() { return *own_; }

  std::unique_ptr<loop> own_;
};

inline std::string configuration_name(const testing::TestParamInfo<loop_configuration>& info) {
  return info.param.name;
}

/// A folder that is gone with all its files at the end of the test.
class scratch_folder {
 public:
  scratch_folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "wherry-loop-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) ADD_FAILURE() << "mkdtemp failed";
    path_ = pattern;
  }
  scratch_folder(const scratch_folder&) = delete;
  scratch_folder& operator=(const scratch_folder&) = delete;
  ~scratch_folder() { std::filesystem::remove_all(path_); }
  std::string operator/(const char* name) const { return (path_ / name).string(); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// A pipe, with both ends owned.
struct test_pipe {
  test_pipe() {
    if (::pipe(ends) != 0) ADD_FAILURE() << "pipe failed";
  }
  test_pipe(const test_pipe&) = delete;
  test_pipe& operator=(const test_pipe&) = delete;
  ~test_pipe() {
    close_in();
    ::close(ends[0]);
  }
  void close_in() {
    if (ends[1] >= 0) ::close(ends[1]);
    ends[1] = -1;
  }
  int out() const { return ends[0]; }  // to read from
  int in() const { return ends[1]; }   // to write to
  int ends[2] = {-1, -1};
};

}  // namespace wherry

#define WHERRY_ON_EVERY_BACKEND(suite) \
  INSTANTIATE_TEST_SUITE_P(every_backend, suite, testing::ValuesIn(loop_configurations()), configuration_name)
