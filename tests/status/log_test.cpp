#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <wherry/status/log.hpp>

namespace wherry {
namespace {

// Restores level and sink, which belong to the whole process.
class log_to_vector : public testing::Test {
 protected:
  void SetUp() override {
    set_log_level(log_level::warn);
    set_log_sink([this](log_level level, std::string_view text) { lines_.emplace_back(level, text); });
  }
  void TearDown() override {
    set_log_sink({});
    set_log_level(log_level::warn);
  }
  std::vector<std::pair<log_level, std::string>> lines_;
};

TEST_F(log_to_vector, warnings_and_errors_are_written_by_default) {
  log(log_level::error, "a");
  log(log_level::warn, "b");
  log(log_level::info, "c");
  log(log_level::debug, "d");
  const std::vector<std::pair<log_level, std::string>> expected = {{log_level::error, "a"},
                                                                   {log_level::warn, "b"}};
  EXPECT_EQ(lines_, expected);
}

TEST_F(log_to_vector, the_level_can_be_changed) {
  set_log_level(log_level::debug);
  EXPECT_TRUE(log_enabled(log_level::debug));
  log(log_level::debug, "d");
  set_log_level(log_level::error);
  EXPECT_FALSE(log_enabled(log_level::warn));
  log(log_level::warn, "b");
  ASSERT_EQ(lines_.size(), 1u);
  EXPECT_EQ(lines_[0].second, "d");
}

TEST_F(log_to_vector, without_a_sink_lines_go_to_stderr) {
  set_log_sink({});
  testing::internal::CaptureStderr();
  log(log_level::warn, "the ring is not usable");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "wherry: warning: the ring is not usable\n");
}

TEST_F(log_to_vector, set_log_sink_returns_the_sink_before) {
  log_sink before = set_log_sink({});
  before(log_level::info, "through the old sink");
  ASSERT_EQ(lines_.size(), 1u);
  EXPECT_EQ(lines_[0].second, "through the old sink");
}

TEST(log_level_words, are_those_of_the_environment_variable) {
  EXPECT_EQ(parse_log_level("error"), log_level::error);
  EXPECT_EQ(parse_log_level("warn"), log_level::warn);
  EXPECT_EQ(parse_log_level("info"), log_level::info);
  EXPECT_EQ(parse_log_level("debug"), log_level::debug);
  EXPECT_EQ(parse_log_level("loud"), log_level::warn);
}

}  // namespace
}  // namespace wherry
