// What executables and their executions are called.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <wherry/client.hpp>
#include <wherry/exec/artifact.hpp>

#include "client/table_compiler.hpp"

namespace wherry {
namespace {

using namespace testing_support;

/// A folder of its own, gone at the end.
class names : public ::testing::Test {
 protected:
  ~names() override { std::filesystem::remove_all(folder_); }

  program file(const std::string& name, std::string_view contents = "add") const {
    std::filesystem::create_directories(folder_);
    const std::string path = folder_ / name;
    std::ofstream(path, std::ios::binary) << contents;
    return program::from_file(path);
  }
  static std::string refusal(const executable& e) {
    try {
      (void)e();
    } catch (const error& problem) {
      return problem.what();
    }
    return "";
  }
  /// What traces call an execution of `e`.
  static std::string traced(const client& c, const executable& e) {
    c.start_trace();
    e(c.scalar(1.0F), c.scalar(2.0F)).await();
    c.drain();
    const trace seen = c.stop_trace();
    for (const traced_request& r : seen.requests()) {
      if (seen.name(r.name).find("execution") != std::string_view::npos)
        return std::string(seen.name(r.name));
    }
    return "";
  }

  table_compiler compiles;
  const client here;
  compile_options uncached = [] {
    compile_options o;
    o.cache = false;
    return o;
  }();

 private:
  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("wherry-names-test-" + std::to_string(getpid()));
};

TEST_F(names, a_program_without_a_name_is_called_after_its_file) {
  EXPECT_EQ(here.compile(file("mlp_step.mlir"), uncached).name(), "mlp_step");
  EXPECT_EQ(here.compile(file("mlp.step.mlir"), uncached).name(), "mlp.step");
  EXPECT_EQ(here.compile(file("mlp_step"), uncached).name(), "mlp_step");
  EXPECT_EQ(here.compile(file(".mlir"), uncached).name(), ".mlir");
}

TEST_F(names, a_text_is_called_what_it_was_given_or_after_its_function) {
  EXPECT_EQ(here.compile(program::from_text("add", "mlp v1.5"), uncached).name(), "mlp v1.5");
  EXPECT_EQ(here.compile(program::from_text("add", "of/mlp.mlir"), uncached).name(), "mlp");
  EXPECT_EQ(here.compile(program::from_text("add"), uncached).name(), "add");
}

TEST_F(names, a_program_that_has_a_name_keeps_it) {
  compiles.is_named = true;
  EXPECT_EQ(here.compile(file("mlp_step.mlir"), uncached).name(), "add");
  EXPECT_EQ(here.compile(program::from_text("add", "mlp"), uncached).name(), "add");
}

TEST_F(names, equal_programs_of_two_files_are_compiled_once_and_called_after_their_own) {
  const executable first = here.compile(file("first.mlir"), uncached);
  const executable second = here.compile(file("second.mlir"), uncached);
  EXPECT_EQ(compiles.compilations.load(), 1);
  EXPECT_EQ(first.name(), "first");
  EXPECT_EQ(second.name(), "second");
}

TEST_F(names, errors_and_traces_have_the_name) {
  const executable step = here.compile(file("mlp_step.mlir"), uncached);
  EXPECT_EQ(refusal(step), "execution of mlp_step: expected 2 arguments, got 0");
  EXPECT_EQ(traced(here, step), "execution of mlp_step");
  const executable donating = here.compile(file("descend.mlir", "add, donating"), uncached);
  const buffer x = here.scalar(1.0F);
  donating(x, here.scalar(2.0F)).await();
  try {
    (void)x.value();
    FAIL() << "it was not donated";
  } catch (const error& e) {
    EXPECT_NE(std::string_view(e.what()).find("buffer was donated to descend, request "),
              std::string_view::npos)
        << e.what();
  }
}

TEST_F(names, an_artifact_keeps_the_name_of_what_it_was_made_from) {
  const auto loaded = [&](const program& from, const std::string& as) {
    const std::vector<std::byte> bytes = artifact_of(here.compile(from, uncached));
    return here.compile(file(as, {reinterpret_cast<const char*>(bytes.data()), bytes.size()}), uncached);
  };
  EXPECT_EQ(loaded(file("mlp_step.mlir"), "other.wherry").name(), "mlp_step");
  EXPECT_EQ(loaded(program::from_text("add"), "other.wherry").name(), "other");
}

}  // namespace
}  // namespace wherry
