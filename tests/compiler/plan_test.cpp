// Whole programs through the compiler, run by a plain walker and compared with values computed here.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <wherry/status/error.hpp>

#include "compiler/plan_runner.hpp"

namespace {

using namespace wherry;
using namespace wherry::testing;
using bytes = std::vector<std::byte>;

std::vector<float> random_floats(std::size_t count, unsigned seed) {
  std::mt19937 engine(seed);
  std::uniform_real_distribution<float> uniform(-1, 1);
  std::vector<float> values(count);
  for (float& value : values) value = uniform(engine);
  return values;
}

std::size_t count_steps(const plan& p, step::kind what) {
  std::size_t count = 0;
  for (const auto& block : p.blocks)
    for (const step& s : block) count += s.what == what;
  return count;
}

std::size_t count_launches_of(const plan& p, kernel::origin from) {
  std::size_t count = 0;
  for (const auto& block : p.blocks)
    for (const step& s : block) count += s.what == step::kind::launch && p.kernels[s.kernel].from == from;
  return count;
}

void expect_near(const std::vector<float>& got, const std::vector<float>& want, float tolerance) {
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t i = 0; i < got.size(); ++i) ASSERT_NEAR(got[i], want[i], tolerance) << "element " << i;
}

TEST(plan, a_chain_of_elementwise_operations_is_one_kernel) {
  const plan p = compile_text(R"(func.func @main(%a: tensor<7x9xf32>, %b: tensor<9xf32>) -> tensor<7x9xf32> {
    %0 = stablehlo.broadcast_in_dim %b, dims = [1] : (tensor<9xf32>) -> tensor<7x9xf32>
    %1 = stablehlo.add %a, %0 : tensor<7x9xf32>
    %2 = stablehlo.constant dense<2.0> : tensor<f32>
    %3 = stablehlo.broadcast_in_dim %2, dims = [] : (tensor<f32>) -> tensor<7x9xf32>
    %4 = stablehlo.multiply %1, %3 : tensor<7x9xf32>
    %5 = stablehlo.maximum %4, %a : tensor<7x9xf32>
    return %5 : tensor<7x9xf32> })");
  EXPECT_EQ(count_steps(p, step::kind::launch), 1u);
  EXPECT_EQ(count_steps(p, step::kind::copy), 0u);
  EXPECT_EQ(p.arena_bytes, 0u);
  const auto a = random_floats(63, 1), b = random_floats(9, 2);
  const auto out = values_from<float>(plan_runner(p).run({bytes_from(a), bytes_from(b)})[0]);
  for (std::size_t i = 0; i < out.size(); ++i) EXPECT_EQ(out[i], std::max((a[i] + b[i % 9]) * 2, a[i]));
}

TEST(plan, a_softmax_agrees_with_the_host_however_it_is_split) {
  const plan p = compile_text(R"(func.func @main(%x: tensor<37x50xf32>) -> tensor<37x50xf32> {
    %ninf = stablehlo.constant dense<0xFF800000> : tensor<f32>
    %zero = stablehlo.constant dense<0.0> : tensor<f32>
    %m = stablehlo.reduce(%x init: %ninf) applies stablehlo.maximum across dimensions = [1] : (tensor<37x50xf32>, tensor<f32>) -> tensor<37xf32>
    %mb = stablehlo.broadcast_in_dim %m, dims = [0] : (tensor<37xf32>) -> tensor<37x50xf32>
    %d = stablehlo.subtract %x, %mb : tensor<37x50xf32>
    %e = stablehlo.exponential %d : tensor<37x50xf32>
    %s = stablehlo.reduce(%e init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<37x50xf32>, tensor<f32>) -> tensor<37xf32>
    %sb = stablehlo.broadcast_in_dim %s, dims = [0] : (tensor<37xf32>) -> tensor<37x50xf32>
    %r = stablehlo.divide %e, %sb : tensor<37x50xf32>
    return %r : tensor<37x50xf32> })");
  const auto x = random_floats(37 * 50, 3);
  std::vector<float> want(x.size());
  for (int row = 0; row < 37; ++row) {
    double sum = 0;
    for (int i = 0; i < 50; ++i) sum += std::exp(static_cast<double>(x[row * 50 + i]));
    for (int i = 0; i < 50; ++i)
      want[row * 50 + i] = static_cast<float>(std::exp(static_cast<double>(x[row * 50 + i])) / sum);
  }
  const auto whole = plan_runner(p).run({bytes_from(x)});
  expect_near(values_from<float>(whole[0]), want, 1e-6f);
  EXPECT_EQ(plan_runner(p, 1).run({bytes_from(x)}), whole);
}

TEST(plan, small_and_large_products_agree_with_the_host_in_every_layout) {
  for (const int size : {5, 48}) {
    for (const char* dims : {"[1] x [0]", "[0] x [0]", "[1] x [1]", "[0] x [1]"}) {
      const std::string n = std::to_string(size), t = "tensor<" + n + "x" + n + "xf32>";
      const plan p = compile_text(
          "func.func @main(%a: " + t + ", %b: " + t + ") -> (" + t + ", " + t +
          ") { %0 = stablehlo.dot_general %a, %b, contracting_dims = " + dims + " : (" + t + ", " + t +
          ") -> " + t + "\n %1 = stablehlo.transpose %a, dims = [1, 0] : (" + t + ") -> " + t +
          "\n %2 = stablehlo.dot_general %1, %b, contracting_dims = " + dims + " : (" + t + ", " + t +
          ") -> " + t + "\n %3 = stablehlo.transpose %2, dims = [1, 0] : (" + t + ") -> " + t +
          "\n return %0, %3 : " + t + ", " + t + " }");
      EXPECT_EQ(count_launches_of(p, kernel::origin::prebuilt) > 0, size == 48) << dims;
      const auto a = random_floats(size * size, 5), b = random_floats(size * size, 6);
      std::vector<float> want(a.size()), swapped(a.size());
      for (int i = 0; i < size; ++i)
        for (int j = 0; j < size; ++j) {
          double sum = 0, other = 0;
          for (int k = 0; k < size; ++k) {
            const double right = dims[7] == '0' ? b[k * size + j] : b[j * size + k];
            sum += (dims[1] == '1' ? a[i * size + k] : a[k * size + i]) * right;
            other += (dims[1] == '1' ? a[k * size + i] : a[i * size + k]) * right;
          }
          want[i * size + j] = static_cast<float>(sum);
          swapped[j * size + i] = static_cast<float>(other);
        }
      const auto out = plan_runner(p, 1).run({bytes_from(a), bytes_from(b)});
      expect_near(values_from<float>(out[0]), want, 1e-4f);
      expect_near(values_from<float>(out[1]), swapped, 1e-4f);
    }
  }
}

TEST(plan, a_large_product_over_scattered_dimensions_is_transposed_first) {
  const plan p =
      compile_text(R"(func.func @main(%a: tensor<6x40x5xf32>, %b: tensor<5x30x6xf32>) -> tensor<40x30xf32> {
    %0 = stablehlo.dot_general %a, %b, contracting_dims = [0, 2] x [2, 0] : (tensor<6x40x5xf32>, tensor<5x30x6xf32>) -> tensor<40x30xf32>
    return %0 : tensor<40x30xf32> })");
  EXPECT_GT(count_launches_of(p, kernel::origin::prebuilt), 0u);
  const auto a = random_floats(6 * 40 * 5, 1), b = random_floats(5 * 30 * 6, 2);
  std::vector<float> want(40 * 30);
  for (int i = 0; i < 40; ++i)
    for (int j = 0; j < 30; ++j) {
      double sum = 0;
      for (int k = 0; k < 6; ++k)
        for (int l = 0; l < 5; ++l) sum += a[(k * 40 + i) * 5 + l] * b[(l * 30 + j) * 6 + k];
      want[i * 30 + j] = static_cast<float>(sum);
    }
  expect_near(values_from<float>(plan_runner(p).run({bytes_from(a), bytes_from(b)})[0]), want, 1e-4f);
}

TEST(plan, a_counted_loop_knows_its_trips_and_computes_in_place) {
  const plan p = compile_text(R"(func.func @main(%x: tensor<100xf32>) -> tensor<100xf32> {
    %zero = stablehlo.constant dense<0> : tensor<i32>
    %r:2 = stablehlo.while(%i = %zero, %v = %x) : tensor<i32>, tensor<100xf32>
    cond {
      %n = stablehlo.constant dense<10> : tensor<i32>
      %c = stablehlo.compare LT, %i, %n, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
      stablehlo.return %c : tensor<i1>
    } do {
      %one = stablehlo.constant dense<3> : tensor<i32>
      %half = stablehlo.constant dense<0.5> : tensor<100xf32>
      %j = stablehlo.add %i, %one : tensor<i32>
      %w = stablehlo.multiply %v, %half : tensor<100xf32>
      stablehlo.return %j, %w : tensor<i32>, tensor<100xf32>
    }
    return %r#1 : tensor<100xf32> })");
  ASSERT_EQ(count_steps(p, step::kind::loop), 1u);
  EXPECT_TRUE(p.bounded);
  for (const auto& block : p.blocks)
    for (const step& s : block)
      if (s.what == step::kind::loop) {
        EXPECT_EQ(s.trips, 4);
        for (const step& inner : p.blocks[s.blocks[1]]) EXPECT_NE(inner.what, step::kind::copy);
      }
  const auto x = random_floats(100, 7);
  const auto out = values_from<float>(plan_runner(p).run({bytes_from(x)})[0]);
  for (std::size_t i = 0; i < x.size(); ++i) EXPECT_EQ(out[i], x[i] / 16);
}

TEST(plan, carried_values_that_trade_places_do_so_at_once) {
  const plan p = compile_text(
      R"(func.func @main(%a: tensor<3xi64>, %b: tensor<3xi64>) -> (tensor<3xi64>, tensor<3xi64>) {
    %zero = stablehlo.constant dense<0> : tensor<i64>
    %r:4 = stablehlo.while(%i = %zero, %x = %a, %y = %b, %z = %b) : tensor<i64>, tensor<3xi64>, tensor<3xi64>, tensor<3xi64>
    cond {
      %n = stablehlo.constant dense<5> : tensor<i64>
      %c = stablehlo.compare LT, %i, %n : (tensor<i64>, tensor<i64>) -> tensor<i1>
      stablehlo.return %c : tensor<i1>
    } do {
      %one = stablehlo.constant dense<1> : tensor<i64>
      %j = stablehlo.add %i, %one : tensor<i64>
      %s = stablehlo.add %x, %z : tensor<3xi64>
      stablehlo.return %j, %y, %x, %s : tensor<i64>, tensor<3xi64>, tensor<3xi64>, tensor<3xi64>
    }
    %t = stablehlo.subtract %r#1, %r#3 : tensor<3xi64>
    return %r#2, %t : tensor<3xi64>, tensor<3xi64> })");
  std::vector<std::int64_t> x{1, 20, 300}, y{4, 5, 6}, z = y;
  const auto out = plan_runner(p).run({bytes_from(x), bytes_from(y)});
  for (int i = 0; i < 5; ++i) {
    std::vector<std::int64_t> s(3);
    for (int k = 0; k < 3; ++k) s[k] = x[k] + z[k];
    std::swap(x, y);
    z = s;
  }
  EXPECT_EQ(values_from<std::int64_t>(out[0]), y);
  for (int k = 0; k < 3; ++k) EXPECT_EQ(values_from<std::int64_t>(out[1])[k], x[k] - z[k]);
}

TEST(plan, a_nested_loop_of_unknown_length_computes_greatest_common_divisors) {
  const plan p = compile_text(R"(func.func @main(%n: tensor<i32>) -> tensor<i32> {
    %zero = stablehlo.constant dense<0> : tensor<i32>
    %one = stablehlo.constant dense<1> : tensor<i32>
    %r:2 = stablehlo.while(%i = %one, %sum = %zero) : tensor<i32>, tensor<i32>
    cond {
      %c = stablehlo.compare LE, %i, %n, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
      stablehlo.return %c : tensor<i1>
    } do {
      %g:2 = stablehlo.while(%x = %i, %y = %n) : tensor<i32>, tensor<i32>
      cond {
        %c = stablehlo.compare NE, %y, %zero, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
        stablehlo.return %c : tensor<i1>
      } do {
        %m = stablehlo.remainder %x, %y : tensor<i32>
        stablehlo.return %y, %m : tensor<i32>, tensor<i32>
      }
      %s = stablehlo.add %sum, %g#0 : tensor<i32>
      %j = stablehlo.add %i, %one : tensor<i32>
      stablehlo.return %j, %s : tensor<i32>, tensor<i32>
    }
    return %r#1 : tensor<i32> })");
  EXPECT_FALSE(p.bounded);
  std::int32_t want = 0;
  for (std::int32_t i = 1; i <= 60; ++i) {
    std::int32_t x = i, y = 60;
    while (y != 0) x = std::exchange(y, x % y);
    want += x;
  }
  EXPECT_EQ(values_from<std::int32_t>(plan_runner(p).run({bytes_from<std::int32_t>({60})})[0])[0], want);
}

TEST(plan, a_case_out_of_range_takes_the_last_branch_and_an_if_its_side) {
  const plan p = compile_text(
      R"(func.func @main(%k: tensor<i32>, %q: tensor<i1>, %x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
    %r = "stablehlo.case"(%k) ({
      %a = stablehlo.negate %x : tensor<4xf32>
      stablehlo.return %a : tensor<4xf32>
    }, {
      stablehlo.return %x : tensor<4xf32>
    }, {
      %b = stablehlo.add %x, %x : tensor<4xf32>
      stablehlo.return %b : tensor<4xf32>
    }) : (tensor<i32>) -> tensor<4xf32>
    %s = "stablehlo.if"(%q) ({
      %c = stablehlo.constant dense<1.0> : tensor<4xf32>
      stablehlo.return %c : tensor<4xf32>
    }, {
      %d = stablehlo.multiply %r, %x : tensor<4xf32>
      stablehlo.return %d : tensor<4xf32>
    }) : (tensor<i1>) -> tensor<4xf32>
    return %r, %s : tensor<4xf32>, tensor<4xf32> })");
  const std::vector<float> x{1, -2, 3, 0.5f};
  plan_runner runner(p);
  for (const std::int32_t k : {-1, 0, 1, 2, 3})
    for (const std::uint8_t q : {0, 1}) {
      const auto out =
          runner.run({bytes_from<std::int32_t>({k}), bytes_from<std::uint8_t>({q}), bytes_from(x)});
      for (int i = 0; i < 4; ++i) {
        const float r = k == 0 ? -x[i] : k == 1 ? x[i] : 2 * x[i];
        EXPECT_EQ(values_from<float>(out[0])[i], r) << k;
        EXPECT_EQ(values_from<float>(out[1])[i], q ? 1 : r * x[i]) << k;
      }
    }
}

constexpr const char* momentum =
    R"(func.func @main(%p: tensor<33x65xf32> {tf.aliasing_output = 0 : i32}, %v: tensor<33x65xf32> {tf.aliasing_output = 1 : i32}, %g: tensor<33x65xf32>) -> (tensor<33x65xf32>, tensor<33x65xf32>) {
    %mu = stablehlo.constant dense<0.9> : tensor<33x65xf32>
    %lr = stablehlo.constant dense<0.1> : tensor<33x65xf32>
    %0 = stablehlo.multiply %v, %mu : tensor<33x65xf32>
    %1 = stablehlo.add %0, %g : tensor<33x65xf32>
    %2 = stablehlo.multiply %1, %lr : tensor<33x65xf32>
    %3 = stablehlo.subtract %p, %2 : tensor<33x65xf32>
    return %3, %1 : tensor<33x65xf32>, tensor<33x65xf32> })";

TEST(plan, a_momentum_update_writes_donated_parameters_in_place_in_one_kernel) {
  const plan p = compile_text(momentum);
  ASSERT_EQ(p.aliases.size(), 2u);
  EXPECT_EQ(count_steps(p, step::kind::launch), 1u);
  EXPECT_EQ(count_steps(p, step::kind::copy), 0u);
  EXPECT_EQ(p.arena_bytes, 0u);
  const auto a = random_floats(33 * 65, 1), b = random_floats(33 * 65, 2), c = random_floats(33 * 65, 3);
  const std::vector<bytes> inputs{bytes_from(a), bytes_from(b), bytes_from(c)};
  const auto kept = plan_runner(p).run(inputs),
             donated = plan_runner(p, 1).run(inputs, plan_runner::donation::on);
  EXPECT_EQ(kept, donated);
  const auto v = values_from<float>(kept[1]), q = values_from<float>(kept[0]);
  for (std::size_t i = 0; i < a.size(); ++i) {
    ASSERT_NEAR(v[i], b[i] * 0.9f + c[i], 1e-6f);
    ASSERT_NEAR(q[i], a[i] - 0.1f * v[i], 1e-6f);
  }
}

TEST(plan, an_output_does_not_overwrite_its_input_before_all_have_read_it) {
  // Output 0 may live in %a, which is read transposed for it, and again for output 1.
  const plan p = compile_text(
      R"(func.func @main(%a: tensor<20x20xf32> {tf.aliasing_output = 0 : i32}, %b: tensor<20x20xf32>) -> (tensor<20x20xf32>, tensor<20xf32>) {
    %t = stablehlo.transpose %a, dims = [1, 0] : (tensor<20x20xf32>) -> tensor<20x20xf32>
    %0 = stablehlo.add %t, %b : tensor<20x20xf32>
    %e = stablehlo.exponential %0 : tensor<20x20xf32>
    %z = stablehlo.constant dense<0.0> : tensor<f32>
    %m = stablehlo.multiply %a, %e : tensor<20x20xf32>
    %s = stablehlo.reduce(%m init: %z) applies stablehlo.add across dimensions = [0] : (tensor<20x20xf32>, tensor<f32>) -> tensor<20xf32>
    return %0, %s : tensor<20x20xf32>, tensor<20xf32> })");
  const std::vector<bytes> inputs{bytes_from(random_floats(400, 1)), bytes_from(random_floats(400, 2))};
  const auto kept = plan_runner(p).run(inputs);
  EXPECT_EQ(kept, plan_runner(p, 1).run(inputs, plan_runner::donation::on));
  const auto a = values_from<float>(inputs[0]), b = values_from<float>(inputs[1]),
             out = values_from<float>(kept[0]);
  for (int i = 0; i < 20; ++i)
    for (int j = 0; j < 20; ++j) ASSERT_EQ(out[i * 20 + j], a[j * 20 + i] + b[i * 20 + j]);
}

TEST(plan, donated_inputs_that_are_returned_in_each_others_place_are_exchanged) {
  const plan p = compile_text(
      R"(func.func @main(%a: tensor<5xi32> {tf.aliasing_output = 0 : i32}, %b: tensor<5xi32> {tf.aliasing_output = 1 : i32}) -> (tensor<5xi32>, tensor<5xi32>, tensor<5xi32>) {
    return %b, %a, %a : tensor<5xi32>, tensor<5xi32>, tensor<5xi32> })");
  const std::vector<std::int32_t> a{1, 2, 3, 4, 5}, b{6, 7, 8, 9, 10};
  for (const auto donate : {plan_runner::donation::off, plan_runner::donation::on}) {
    const auto out = plan_runner(p).run({bytes_from(a), bytes_from(b)}, donate);
    EXPECT_EQ(values_from<std::int32_t>(out[0]), b);
    EXPECT_EQ(values_from<std::int32_t>(out[1]), a);
    EXPECT_EQ(values_from<std::int32_t>(out[2]), a);
  }
}

TEST(plan, results_that_are_constants_or_views_need_no_kernel) {
  const plan p = compile_text(
      R"(func.func @main(%a: tensor<2x3xi32>) -> (tensor<6xi32>, tensor<3xi8>, tensor<2xi1>, tensor<0x4xf32>) {
    %0 = stablehlo.reshape %a : (tensor<2x3xi32>) -> tensor<6xi32>
    %1 = stablehlo.constant dense<[1, -2, 3]> : tensor<3xi8>
    %2 = stablehlo.constant dense<[true, false]> : tensor<2xi1>
    %3 = stablehlo.constant dense<> : tensor<0x4xf32>
    return %0, %1, %2, %3 : tensor<6xi32>, tensor<3xi8>, tensor<2xi1>, tensor<0x4xf32> })");
  EXPECT_TRUE(p.kernels.empty());
  const auto out = plan_runner(p).run({bytes_from<std::int32_t>({1, 2, 3, 4, 5, 6})});
  EXPECT_EQ(values_from<std::int32_t>(out[0]), (std::vector<std::int32_t>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(values_from<std::int8_t>(out[1]), (std::vector<std::int8_t>{1, -2, 3}));
  EXPECT_EQ(values_from<std::uint8_t>(out[2]), (std::vector<std::uint8_t>{1, 0}));
  EXPECT_TRUE(out[3].empty());
}

TEST(plan, equal_clusters_share_a_kernel) {
  const plan p =
      compile_text(R"(func.func @main(%a: tensor<8x8xf32>, %b: tensor<8x8xf32>) -> tensor<8x8xf32> {
    %0 = stablehlo.dot_general %a, %b, contracting_dims = [1] x [0] : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
    %1 = stablehlo.dot_general %b, %0, contracting_dims = [1] x [0] : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
    %2 = stablehlo.dot_general %0, %1, contracting_dims = [1] x [0] : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
    return %2 : tensor<8x8xf32> })");
  EXPECT_EQ(count_steps(p, step::kind::launch), 3u);
  EXPECT_EQ(p.kernels.size(), 1u);
}

TEST(plan, a_program_without_inputs_or_with_empty_arrays_runs) {
  const plan p = compile_text(
      R"(func.func @main(%e: tensor<0x3xf32>) -> (tensor<3xf32>, tensor<3x3xf32>, tensor<2x0xf32>) {
    %z = stablehlo.constant dense<1.5> : tensor<f32>
    %0 = stablehlo.reduce(%e init: %z) applies stablehlo.add across dimensions = [0] : (tensor<0x3xf32>, tensor<f32>) -> tensor<3xf32>
    %1 = stablehlo.dot_general %e, %e, contracting_dims = [0] x [0] : (tensor<0x3xf32>, tensor<0x3xf32>) -> tensor<3x3xf32>
    %2 = stablehlo.iota dim = 0 : tensor<2x0xf32>
    return %0, %1, %2 : tensor<3xf32>, tensor<3x3xf32>, tensor<2x0xf32> })");
  const auto out = plan_runner(p).run({bytes{}});
  EXPECT_EQ(values_from<float>(out[0]), (std::vector<float>{1.5f, 1.5f, 1.5f}));
  EXPECT_EQ(values_from<float>(out[1]), std::vector<float>(9, 0.0f));
}

TEST(plan, a_large_start_of_equal_elements_is_written_by_a_kernel_where_the_loop_carries_it) {
  const plan p = compile_text(R"(func.func @main(%n: tensor<i32>) -> tensor<5000xf32> {
    %zero = stablehlo.constant dense<0> : tensor<i32>
    %one = stablehlo.constant dense<1> : tensor<i32>
    %start = stablehlo.constant dense<0.5> : tensor<5000xf32>
    %r:2 = stablehlo.while(%i = %zero, %x = %start) : tensor<i32>, tensor<5000xf32>
    cond {
      %c = stablehlo.compare LT, %i, %n, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
      stablehlo.return %c : tensor<i1>
    } do {
      %j = stablehlo.add %i, %one : tensor<i32>
      %y = stablehlo.add %x, %x : tensor<5000xf32>
      stablehlo.return %j, %y : tensor<i32>, tensor<5000xf32>
    }
    return %r#1 : tensor<5000xf32> })");
  EXPECT_LT(p.constants.size(), 1000u);
  EXPECT_LT(p.arena_bytes, 1000u);
  EXPECT_EQ(values_from<float>(plan_runner(p).run({bytes_from<std::int32_t>({4})})[0]),
            std::vector<float>(5000, 8.0f));
}

void expect_refusal(const char* source, absl::StatusCode code, const std::string& start) {
  try {
    compile_text(source);
    ADD_FAILURE() << "compiled";
  } catch (const error& e) {
    EXPECT_EQ(e.code(), code);
    EXPECT_EQ(std::string(e.what()).substr(0, start.size()), start);
  }
}

TEST(plan, refusals_name_the_place_in_the_source) {
  expect_refusal("func.func @main(%a: tensor<4xf32>) -> tensor<4xf32> {\n  return %b : tensor<4xf32> }",
                 absl::StatusCode::kInvalidArgument, "test.mlir:2:");
  expect_refusal(
      "func.func @main() -> tensor<ui32> {\n"
      "  %0 = stablehlo.replica_id : tensor<ui32>\n  return %0 : tensor<ui32> }",
      absl::StatusCode::kUnimplemented, "test.mlir:2:8: error: stablehlo.replica_id");
  expect_refusal(
      "func.func @main(%a: tensor<f32>) -> tensor<f32> {\n  %0 = call @f(%a) : (tensor<f32>) -> "
      "tensor<f32>\n  return %0 : tensor<f32> }\n"
      "func.func private @f(%a: tensor<f32>) -> tensor<f32> {\n  %0 = call @f(%a) : (tensor<f32>) -> "
      "tensor<f32>\n  return %0 : tensor<f32> }",
      absl::StatusCode::kInvalidArgument, "test.mlir:5:");
  expect_refusal("func.func @f() { return }\nfunc.func @g() { return }", absl::StatusCode::kInvalidArgument,
                 "test.mlir:1:1: error: there is no function 'main'");
}

TEST(plan, a_cpu_that_nobody_knows_is_a_wrong_argument) {
  compile_request request;
  request.source = "func.func @main(%a: tensor<4xf32>) -> tensor<4xf32> { return %a : tensor<4xf32> }";
  request.source_name = "test.mlir";
  request.target.cpu = "z80";
  try {
    (void)compiler::installed()->compile(request);
    ADD_FAILURE() << "compiled";
  } catch (const error& e) {
    EXPECT_EQ(e.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_STREQ(e.what(),
                 "test.mlir: native code for the CPU 'z80': expected native, x86-64-v3 or x86-64-v4");
  }
}

TEST(plan, the_compiler_says_its_revision) {
  ASSERT_NE(compiler::installed(), nullptr);
  EXPECT_NE(compiler::installed()->revision().find("llvm 22"), std::string::npos);
}

}  // namespace
