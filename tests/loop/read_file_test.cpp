#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <fstream>
#include <sstream>
#include <string>
#include <wherry/loop/read_file.hpp>
#include <wherry/loop/sync_wait.hpp>

#include "loop/configurations.hpp"

namespace wherry {
namespace {

class read_file_suite : public loop_suite {};

std::string text_of(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string a_text(std::size_t size) {
  std::string text;
  for (int i = 0; text.size() < size; ++i) text += std::to_string(i) + '\n';
  text.resize(size);
  return text;
}

TEST_P(read_file_suite, what_was_written_is_read) {
  const scratch_folder folder;
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{4096}, std::size_t{200'001}}) {
    const std::string text = a_text(size);
    sync_wait(here(), write_file_atomic(here(), folder / "f", std::as_bytes(std::span(text))));
    EXPECT_TRUE(text_of(sync_wait(here(), read_file(here(), folder / "f"))) == text) << size;
  }
  // Nothing is left beside it.
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST_P(read_file_suite, files_that_do_not_know_their_size_are_read_to_their_end) {
  std::ifstream in("/proc/self/limits");
  std::ostringstream expected;
  expected << in.rdbuf();
  ASSERT_FALSE(expected.str().empty());
  EXPECT_EQ(text_of(sync_wait(here(), read_file(here(), "/proc/self/limits"))), expected.str());
}

TEST_P(read_file_suite, a_missing_file_is_named) {
  try {
    sync_wait(here(), read_file(here(), "/nowhere/at/all"));
    FAIL() << "no error";
  } catch (const error& e) {
    EXPECT_STREQ(e.what(), "open /nowhere/at/all: No such file or directory");
  }
}

TEST_P(read_file_suite, a_target_that_cannot_be_made_is_named_as_the_caller_names_it) {
  const scratch_folder folder;
  const std::string text = "text";
  const auto message = [&](const std::string& path) -> std::string {
    try {
      sync_wait(here(), write_file_atomic(here(), path, std::as_bytes(std::span(text))));
    } catch (const error& e) {
      return e.what();
    }
    return "no error";
  };
  EXPECT_EQ(message(folder / "none/f"), folder / "none/f" + ": cannot be written: No such file or directory");
  sync_wait(here(), write_file_atomic(here(), folder / "f", std::as_bytes(std::span(text))));
  EXPECT_EQ(message(folder / "f/g"), folder / "f/g" + ": cannot be written: Not a directory");
  EXPECT_EQ(message(folder.path().string()), folder.path().string() + ": cannot be written: Is a directory");
}

TEST_P(read_file_suite, a_file_that_cannot_be_written_whole_stays_as_it_was) {
  const scratch_folder folder;
  const std::string before = "before";
  sync_wait(here(), write_file_atomic(here(), folder / "f", std::as_bytes(std::span(before))));
  // As on a full disk, a write stops in the middle and the next one fails.
  rlimit unlimited{};
  ::getrlimit(RLIMIT_FSIZE, &unlimited);
  rlimit small = unlimited;
  small.rlim_cur = 10'000;
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  ::setrlimit(RLIMIT_FSIZE, &small);
  const std::string after = a_text(50'000);
  std::string message;
  try {
    sync_wait(here(), write_file_atomic(here(), folder / "f", std::as_bytes(std::span(after))));
  } catch (const error& e) {
    message = e.what();
  }
  ::setrlimit(RLIMIT_FSIZE, &unlimited);
  std::signal(SIGXFSZ, old_handler);
  EXPECT_NE(message.find(folder / "f"), std::string::npos) << message;
  EXPECT_NE(message.find("File too large"), std::string::npos) << message;
  EXPECT_EQ(text_of(sync_wait(here(), read_file(here(), folder / "f"))), before);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

WHERRY_ON_EVERY_BACKEND(read_file_suite);

}  // namespace
}  // namespace wherry
