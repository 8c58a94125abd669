// shapes_test.cpp: programs of unknown sizes through the client: one compilation for each combination of
// shapes.
#include <gtest/gtest.h>

#include <thread>
#include <vector>
#include <wherry/client.hpp>

namespace {

using namespace wherry;

constexpr const char* range =
    R"(func.func @main(%n: tensor<i64>, %x: tensor<?xf32>) -> (tensor<?xf32>, tensor<?xf32>) {
  %n1 = stablehlo.reshape %n : (tensor<i64>) -> tensor<1xi64>
  %i = stablehlo.dynamic_iota %n1, dim = 0 : (tensor<1xi64>) -> tensor<?xf32>
  %y = stablehlo.add %x, %x : tensor<?xf32>
  return %i, %y : tensor<?xf32>, tensor<?xf32>
})";

/// Counts what the installed compiler is asked for.
class counting final : public compiler {
 public:
  counting() : inner_(compiler::installed()) { compiler::install(this); }
  ~counting() override { compiler::install(inner_); }
  plan compile(const compile_request& request) override {
    ++(request.arguments.empty() ? open : special);
    return inner_->compile(request);
  }
  std::string revision() const override { return inner_->revision(); }
  std::atomic<int> open = 0, special = 0;

 private:
  compiler* inner_;
};

compile_options uncached() {
  compile_options options;
  options.cache = false;
  return options;
}

std::vector<float> values(const buffer& b) {
  const array a = b.value();
  const auto* first = reinterpret_cast<const float*>(a.bytes().data());
  return {first, first + a.type().dims.elements()};
}

TEST(shapes, a_call_with_new_shapes_or_sizes_compiles_once) {
  counting compiler;
  const client here;
  const executable f = here.compile(program::from_text(range), uncached());
  EXPECT_TRUE(f.code().open);
  EXPECT_EQ(f.inputs()[1], (tensor_type{dtype::f32, {-1}}));
  EXPECT_EQ(compiler.open, 1);
  for (const int n : {2, 3, 2, 3}) {
    const execution run = f(here.scalar(std::int64_t{n}), here.buffer(std::vector<float>{1, 2.5F}, {2}));
    EXPECT_EQ(values(run.outputs()[0]), (n == 2 ? std::vector<float>{0, 1} : std::vector<float>{0, 1, 2}));
    EXPECT_EQ(values(run.outputs()[1]), (std::vector<float>{2, 5}));
  }
  EXPECT_EQ(compiler.special, 2);
  const execution run = f(here.scalar(std::int64_t{2}), here.buffer(std::vector<float>{4}, {1}));
  EXPECT_EQ(values(run.outputs()[1]), (std::vector<float>{8}));
  EXPECT_EQ(compiler.special, 3);
}

TEST(shapes, threads_that_bring_the_same_new_shapes_share_one_compilation) {
  counting compiler;
  const client here;
  const executable f = here.compile(program::from_text(range), uncached());
  std::vector<std::thread> threads;
  std::atomic<int> right = 0;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      const execution run = f(here.scalar(std::int64_t{5}), here.buffer(std::vector<float>{1, 2, 3}, {3}));
      right += values(run.outputs()[1]) == std::vector<float>{2, 4, 6};
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 8);
  EXPECT_EQ(compiler.special, 1);
}

TEST(shapes, arguments_that_do_not_fit_are_refused_before_anything_is_compiled) {
  counting compiler;
  const client here;
  const executable f = here.compile(program::from_text(range), uncached());
  EXPECT_THROW(f(here.scalar(std::int64_t{2})), error);
  EXPECT_THROW(f(here.scalar(std::int64_t{2}), here.scalar(1.0F)), error);
  EXPECT_THROW(f(here.scalar(std::int32_t{2}), here.buffer(std::vector<float>{1}, {1})), error);
  EXPECT_EQ(compiler.special, 0);
  EXPECT_THROW(f(here.scalar(std::int64_t{-2}), here.buffer(std::vector<float>{1}, {1})), error);
}

TEST(shapes, a_program_can_be_compiled_for_shapes_ahead_of_its_calls) {
  const client here;
  compile_options options = uncached();
  options.arguments = {{{dtype::i64, {}}, 3}, {{dtype::f32, {2}}, std::nullopt}};
  const executable f = here.compile(program::from_text(range), options);
  EXPECT_FALSE(f.code().open);
  ASSERT_EQ(f.outputs().size(), 2u);
  EXPECT_EQ(f.outputs()[0], (tensor_type{dtype::f32, {3}}));
  EXPECT_EQ(f.outputs()[1], (tensor_type{dtype::f32, {2}}));
}

}  // namespace
