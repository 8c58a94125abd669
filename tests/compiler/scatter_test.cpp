// scatter_test.cpp: scatter and dynamic_update_slice in place, compared with plain loops over the updates.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include "compiler/plan_runner.hpp"
#include "compiler/run_kernels.hpp"
#include "stablehlo/Dialect.h"

namespace {

using namespace wherry;
using namespace wherry::test;
using wherry::testing::compile_text;
using wherry::testing::plan_runner;
using numbers = std::vector<std::int32_t>;
using shape = std::vector<std::int64_t>;

/// Options that give one unit and many, wide and narrow vectors.
std::vector<compile::EmitOptions> ways_to_emit() {
  return {{16, false, 2000}, {8, false, 1}, {4, true, 2000}, {1, false, 10}};
}

struct scatter_case {
  shape operand, indices, updates;
  shape window, inserted, batching, index_batching, map;
  std::int64_t vector_dim = 0;
};

std::string list_of(const shape& values) {
  std::string text = "[";
  for (std::size_t i = 0; i < values.size(); ++i) text += (i ? ", " : "") + std::to_string(values[i]);
  return text + "]";
}

std::string tensor_of(const shape& extents, const std::string& type = "i32") {
  std::string text = "tensor<";
  for (const std::int64_t extent : extents) text += std::to_string(extent) + "x";
  return text + type + ">";
}

std::string attribute_of(const scatter_case& c) {
  return "#stablehlo.scatter<update_window_dims = " + list_of(c.window) +
         ", inserted_window_dims = " + list_of(c.inserted) +
         ", input_batching_dims = " + list_of(c.batching) +
         ", scatter_indices_batching_dims = " + list_of(c.index_batching) +
         ", scatter_dims_to_operand_dims = " + list_of(c.map) +
         ", index_vector_dim = " + std::to_string(c.vector_dim) + ">";
}

/// new = 3 * old + update: the order of the updates shows.
std::string text_of(const scatter_case& c) {
  return "func.func @main(%a: " + tensor_of(c.operand) + ", %i: " + tensor_of(c.indices) +
         ", %u: " + tensor_of(c.updates) + ") -> " + tensor_of(c.operand) +
         " {\n  %0 = \"stablehlo.scatter\"(%a, %i, %u) <{scatter_dimension_numbers = " + attribute_of(c) +
         ", indices_are_sorted = false, unique_indices = false}> ({\n"
         "  ^bb0(%x: tensor<i32>, %y: tensor<i32>):\n"
         "    %three = stablehlo.constant dense<3> : tensor<i32>\n"
         "    %1 = stablehlo.multiply %x, %three : tensor<i32>\n"
         "    %2 = stablehlo.add %1, %y : tensor<i32>\n"
         "    stablehlo.return %2 : tensor<i32>\n  }) : (" +
         tensor_of(c.operand) + ", " + tensor_of(c.indices) + ", " + tensor_of(c.updates) + ") -> " +
         tensor_of(c.operand) + "\n  return %0 : " + tensor_of(c.operand) + "\n}";
}

std::int64_t count_of(const shape& extents) {
  return std::accumulate(extents.begin(), extents.end(), std::int64_t{1}, std::multiplies<>());
}

shape position_of(std::int64_t linear, const shape& extents) {
  shape at(extents.size());
  for (std::size_t d = extents.size(); d-- > 0; linear /= extents[d]) at[d] = linear % extents[d];
  return at;
}

bool has(const shape& list, std::int64_t value) { return std::ranges::find(list, value) != list.end(); }

/// The section "scatter" of the specification, element by element.
numbers expected(const scatter_case& c, numbers result, const numbers& indices, const numbers& updates) {
  for (std::int64_t linear = 0; linear < count_of(c.updates); ++linear) {
    const shape at = position_of(linear, c.updates);
    shape scatter, window;
    for (std::size_t d = 0; d < at.size(); ++d)
      (has(c.window, static_cast<std::int64_t>(d)) ? window : scatter).push_back(at[d]);
    shape target(c.operand.size(), 0);
    for (std::size_t k = 0; k < c.map.size(); ++k) {
      shape from = scatter;
      if (c.vector_dim < static_cast<std::int64_t>(c.indices.size()))
        from.insert(from.begin() + c.vector_dim, static_cast<std::int64_t>(k));
      std::int64_t place = 0;
      for (std::size_t d = 0; d < from.size(); ++d) place = place * c.indices[d] + from[d];
      target[static_cast<std::size_t>(c.map[k])] += indices[static_cast<std::size_t>(place)];
    }
    for (std::size_t k = 0; k < c.batching.size(); ++k) {
      const std::int64_t of = c.index_batching[k];
      target[static_cast<std::size_t>(c.batching[k])] +=
          scatter[static_cast<std::size_t>(of > c.vector_dim ? of - 1 : of)];
    }
    std::size_t next = 0;
    for (std::size_t d = 0; d < target.size(); ++d)
      if (!has(c.inserted, static_cast<std::int64_t>(d)) && !has(c.batching, static_cast<std::int64_t>(d)))
        target[d] += window[next++];
    std::int64_t place = 0;
    bool is_inside = true;
    for (std::size_t d = 0; d < target.size(); ++d) {
      is_inside &= target[d] >= 0 && target[d] < c.operand[d];
      place = place * c.operand[d] + target[d];
    }
    if (!is_inside) continue;
    std::int32_t& value = result[static_cast<std::size_t>(place)];
    value = static_cast<std::int32_t>(static_cast<std::uint32_t>(value) * 3u +
                                      static_cast<std::uint32_t>(updates[static_cast<std::size_t>(linear)]));
  }
  return result;
}

numbers counted(std::int64_t count, std::int32_t first) {
  numbers result(static_cast<std::size_t>(count));
  std::iota(result.begin(), result.end(), first);
  return result;
}

/// From -2 to just past `high`, in no order.
numbers scattered(std::int64_t count, std::int32_t high) {
  numbers result(static_cast<std::size_t>(count));
  std::uint32_t state = 7;
  for (std::int32_t& x : result) {
    state = state * 1664525u + 1013904223u;
    x = static_cast<std::int32_t>((state >> 10) % static_cast<std::uint32_t>(high + 4)) - 2;
  }
  return result;
}

/// Runs the one operation of @main over memory that holds its first operand already.
bytes run_in_place(const std::string& text, std::vector<bytes> arguments, const compile::EmitOptions& options,
                   std::int64_t parts) {
  runner parsed(options);
  if (!parsed.parse(text)) {
    ADD_FAILURE() << parsed.problem();
    return {};
  }
  mlir::Operation* end = parsed.function("main").getBody().front().getTerminator();
  compile::Cluster cluster;
  cluster.inPlace = true;
  cluster.ops.push_back(end->getOperand(0).getDefiningOp());
  cluster.outputs.push_back(end->getOperand(0));
  std::vector<void*> slots;
  for (const auto [i, argument] : llvm::enumerate(parsed.function("main").getArguments()))
    if (i > 0) {
      cluster.inputs.push_back(argument);
      slots.push_back(arguments[i].data());
    }
  slots.push_back(arguments[0].data());
  mlir::OwningOpRef<mlir::ModuleOp> kernels = mlir::ModuleOp::create(end->getLoc());
  const auto kernel = compile::emitCluster(cluster, *kernels, "k", options);
  if (mlir::failed(kernel) || mlir::failed(mlir::verify(*kernels))) {
    ADD_FAILURE() << parsed.problem();
    return {};
  }
  const auto native = compile::emitNative(*kernels, {});
  if (mlir::failed(native)) {
    ADD_FAILURE() << parsed.problem();
    return {};
  }
  const image code(native->bytes, native->cpuFeatures);
  for (std::int64_t part = parts; part-- > 0;)
    code.entry(native->entries.front().second)(slots.data(), kernel->extent * part / parts,
                                               kernel->extent * (part + 1) / parts);
  return arguments[0];
}

/// One kernel in every way, into new memory and in place.
void expect_matches(const scatter_case& c, std::int32_t high) {
  const numbers operand = counted(count_of(c.operand), 1), updates = counted(count_of(c.updates), 1000);
  const numbers indices = scattered(count_of(c.indices), high);
  const numbers want = expected(c, operand, indices, updates);
  const std::vector<bytes> arguments{bytes_of(operand), bytes_of(indices), bytes_of(updates)};
  for (const compile::EmitOptions& options : ways_to_emit()) {
    runner kernels(options);
    std::vector<bytes> results;
    ASSERT_TRUE(kernels.parse(text_of(c))) << kernels.problem();
    ASSERT_TRUE(kernels.run(kernels.function("main"), arguments, results, 3)) << kernels.problem();
    EXPECT_EQ(values_of<std::int32_t>(results.at(0)), want) << text_of(c) << kernels.kernels();
    EXPECT_EQ(values_of<std::int32_t>(run_in_place(text_of(c), arguments, options, 3)), want) << text_of(c);
  }
}

TEST(scatter, single_elements_land_in_order_and_those_outside_are_dropped) {
  expect_matches({{16}, {200, 1}, {200}, {}, {0}, {}, {}, {0}, 1}, 15);
  expect_matches({{16}, {1}, {}, {}, {0}, {}, {}, {0}, 0}, 3);
  expect_matches({{5, 7}, {40, 2}, {40}, {}, {0, 1}, {}, {}, {1, 0}, 1}, 6);
}

TEST(scatter, rows_and_columns_are_windows_that_fit) {
  expect_matches({{30, 37}, {64, 1}, {64, 37}, {1}, {0}, {}, {}, {0}, 1}, 29);
  expect_matches({{20, 10}, {6, 1}, {20, 6}, {0}, {1}, {}, {}, {1}, 1}, 9);
  expect_matches({{3, 40}, {1}, {40}, {0}, {0}, {}, {}, {0}, 0}, 2);
}

TEST(scatter, the_part_of_a_window_inside_the_result_is_written) {
  expect_matches({{9, 50}, {12, 2}, {12, 4, 33}, {1, 2}, {}, {}, {}, {0, 1}, 1}, 20);
  expect_matches({{6, 5, 8}, {2, 7}, {7, 3, 6}, {1, 2}, {1}, {}, {}, {0, 1}, 0}, 5);
}

TEST(scatter, batches_stay_apart) {
  expect_matches({{32, 10}, {32, 1, 1}, {32, 1}, {}, {1}, {0}, {0}, {1}, 2}, 9);
  expect_matches({{4, 9, 5, 6}, {3, 5, 1, 4}, {3, 5, 4, 6}, {3}, {1}, {0, 2}, {3, 1}, {1}, 2}, 8);
}

TEST(scatter, several_operands_share_indices_and_one_region) {
  const std::string text =
      R"(func.func @main(%a: tensor<6xf32>, %b: tensor<6xi64>, %i: tensor<9x1xui32>, %u: tensor<9xf32>, %v: tensor<9xi64>) -> (tensor<6xf32>, tensor<6xi64>) {
    %0:2 = "stablehlo.scatter"(%a, %b, %i, %u, %v) <{scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>, indices_are_sorted = false, unique_indices = false}> ({
    ^bb0(%x: tensor<f32>, %y: tensor<i64>, %p: tensor<f32>, %q: tensor<i64>):
      %less = stablehlo.compare LT, %x, %p : (tensor<f32>, tensor<f32>) -> tensor<i1>
      %1 = stablehlo.select %less, %p, %x : tensor<i1>, tensor<f32>
      %2 = stablehlo.select %less, %q, %y : tensor<i1>, tensor<i64>
      stablehlo.return %1, %2 : tensor<f32>, tensor<i64>
    }) : (tensor<6xf32>, tensor<6xi64>, tensor<9x1xui32>, tensor<9xf32>, tensor<9xi64>) -> (tensor<6xf32>, tensor<6xi64>)
    return %0#0, %0#1 : tensor<6xf32>, tensor<6xi64>
  })";
  const std::vector<std::uint32_t> indices{0, 3, 3, 5, 0, 6, 4000000000u, 1, 3};
  const std::vector<float> updates{5, 1, 9, -3, 2, 99, 99, 0.5f, 4};
  std::vector<float> a(6, 0.0f);
  std::vector<std::int64_t> b(6, -1), v(9);
  std::iota(v.begin(), v.end(), 100);
  for (const compile::EmitOptions& options : ways_to_emit()) {
    runner kernels(options);
    std::vector<bytes> results;
    ASSERT_TRUE(kernels.parse(text)) << kernels.problem();
    ASSERT_TRUE(kernels.run(kernels.function("main"),
                            {bytes_of(a), bytes_of(b), bytes_of(indices), bytes_of(updates), bytes_of(v)},
                            results, 2))
        << kernels.problem();
    EXPECT_EQ(values_of<float>(results.at(0)), (std::vector<float>{5, 0.5f, 0, 9, 0, 0}));
    EXPECT_EQ(values_of<std::int64_t>(results.at(1)), (std::vector<std::int64_t>{100, 107, -1, 102, -1, -1}));
  }
}

TEST(scatter, narrow_floats_round_after_every_update_and_complex_numbers_add) {
  const std::string numbers_text =
      "#stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], "
      "scatter_dims_to_operand_dims = [0], index_vector_dim = 1>";
  const auto text = [&](const std::string& type) {
    return "func.func @main(%a: tensor<2x5x" + type + ">, %i: tensor<300x1xi32>, %u: tensor<300x5x" + type +
           ">) -> tensor<2x5x" + type +
           "> {\n  %0 = \"stablehlo.scatter\"(%a, %i, %u) <{scatter_dimension_numbers = " + numbers_text +
           "}> ({\n  ^bb0(%x: tensor<" + type + ">, %y: tensor<" + type +
           ">):\n    %1 = stablehlo.add %x, %y : tensor<" + type + ">\n    stablehlo.return %1 : tensor<" +
           type + ">\n  }) : (tensor<2x5x" + type + ">, tensor<300x1xi32>, tensor<300x5x" + type +
           ">) -> tensor<2x5x" + type + ">\n  return %0 : tensor<2x5x" + type + ">\n}";
  };
  const numbers zeros(300, 0);
  runner kernels;
  std::vector<bytes> results;
  // 300 times 1 in bf16: stays at 256, where half a step is rounded to even.
  ASSERT_TRUE(kernels.parse(text("bf16"))) << kernels.problem();
  ASSERT_TRUE(kernels.run(kernels.function("main"),
                          {bytes_of(std::vector<std::uint16_t>(10, 0)), bytes_of(zeros),
                           bytes_of(std::vector<std::uint16_t>(1500, 0x3F80))},
                          results))
      << kernels.problem();
  std::vector<std::uint16_t> sums(10, 0);
  std::fill_n(sums.begin(), 5, std::uint16_t{0x4380});
  EXPECT_EQ(values_of<std::uint16_t>(results.at(0)), sums);
  runner other;
  ASSERT_TRUE(other.parse(text("complex<f32>"))) << other.problem();
  ASSERT_TRUE(other.run(
      other.function("main"),
      {bytes_of(std::vector<float>(20, 0.0f)), bytes_of(zeros), bytes_of(std::vector<float>(3000, 0.5f))},
      results))
      << other.problem();
  std::vector<float> parts(20, 0.0f);
  std::fill_n(parts.begin(), 10, 150.0f);
  EXPECT_EQ(values_of<float>(results.at(0)), parts);
}

struct window_case {
  shape operand, update;
  numbers starts;
};

TEST(update_slice, in_place_writes_the_window_and_nothing_else) {
  const std::vector<window_case> cases{{{100}, {1}, {42}},
                                       {{9, 40}, {1, 40}, {3, 0}},
                                       {{9, 40}, {3, 21}, {-4, 30}},
                                       {{6, 5}, {6, 1}, {0, 3}},
                                       {{3, 4, 18}, {3, 1, 18}, {0, 2, 0}},
                                       {{4, 3, 5, 7}, {1, 3, 2, 7}, {9, 1, 1, 1}}};
  for (const window_case& c : cases) {
    std::string scalars, names, types;
    for (std::size_t d = 0; d < c.starts.size(); ++d) {
      names += ", %s" + std::to_string(d);
      types += ", tensor<i32>";
      scalars += ", %s" + std::to_string(d) + ": tensor<i32>";
    }
    const std::string text = "func.func @main(%a: " + tensor_of(c.operand) + ", %u: " + tensor_of(c.update) +
                             scalars + ") -> " + tensor_of(c.operand) +
                             " {\n  %0 = stablehlo.dynamic_update_slice %a, %u" + names + " : (" +
                             tensor_of(c.operand) + ", " + tensor_of(c.update) + types + ") -> " +
                             tensor_of(c.operand) + "\n  return %0 : " + tensor_of(c.operand) + "\n}";
    numbers want = counted(count_of(c.operand), 1);
    const numbers update = counted(count_of(c.update), -5000);
    std::vector<bytes> arguments{bytes_of(want), bytes_of(update)};
    for (const std::int32_t start : c.starts) arguments.push_back(bytes_of(numbers{start}));
    for (std::int64_t i = 0; i < count_of(c.update); ++i) {
      const shape at = position_of(i, c.update);
      std::int64_t place = 0;
      for (std::size_t d = 0; d < at.size(); ++d)
        place = place * c.operand[d] + at[d] +
                std::clamp<std::int64_t>(c.starts[d], 0, c.operand[d] - c.update[d]);
      want[static_cast<std::size_t>(place)] = update[static_cast<std::size_t>(i)];
    }
    for (const compile::EmitOptions& options : ways_to_emit())
      EXPECT_EQ(values_of<std::int32_t>(run_in_place(text, arguments, options, 2)), want) << text;
  }
}

/// Steps of one kind in a block.
std::size_t steps(const plan& p, std::size_t block, step::kind kind) {
  return static_cast<std::size_t>(
      std::ranges::count_if(p.blocks[block], [&](const step& s) { return s.what == kind; }));
}

TEST(update_plan, a_loop_that_collects_rows_copies_nothing) {
  const std::string text = R"(func.func @main(%x: tensor<64xf32>) -> tensor<50x64xf32> {
    %zero = stablehlo.constant dense<0> : tensor<i32>
    %none = stablehlo.constant dense<0.0> : tensor<50x64xf32>
    %r:3 = stablehlo.while(%i = %zero, %v = %x, %all = %none) : tensor<i32>, tensor<64xf32>, tensor<50x64xf32>
    cond {
      %end = stablehlo.constant dense<50> : tensor<i32>
      %c = stablehlo.compare LT, %i, %end : (tensor<i32>, tensor<i32>) -> tensor<i1>
      stablehlo.return %c : tensor<i1>
    } do {
      %one = stablehlo.constant dense<1> : tensor<i32>
      %next = stablehlo.add %i, %one : tensor<i32>
      %w = stablehlo.add %v, %v : tensor<64xf32>
      %half = stablehlo.constant dense<0.75> : tensor<64xf32>
      %y = stablehlo.multiply %w, %half : tensor<64xf32>
      %row = stablehlo.reshape %y : (tensor<64xf32>) -> tensor<1x64xf32>
      %z = stablehlo.constant dense<0> : tensor<i32>
      %more = stablehlo.dynamic_update_slice %all, %row, %i, %z : (tensor<50x64xf32>, tensor<1x64xf32>, tensor<i32>, tensor<i32>) -> tensor<50x64xf32>
      stablehlo.return %next, %y, %more : tensor<i32>, tensor<64xf32>, tensor<50x64xf32>
    }
    return %r#2 : tensor<50x64xf32>
  })";
  const plan p = compile_text(text);
  std::size_t body = 0;
  for (const step& s : p.blocks[0])
    if (s.what == step::kind::loop) body = s.blocks[1];
  ASSERT_NE(body, 0u);
  EXPECT_EQ(steps(p, body, step::kind::copy), 0u);
  // The rows collected before are not read: their slot is an output only.
  for (const step& s : p.blocks[body])
    EXPECT_LE(std::ranges::count_if(
                  s.slots, [&](std::uint32_t k) { return p.slots[k].bytes == 50 * 64 * sizeof(float); }),
              1);
  std::vector<float> x(64);
  std::iota(x.begin(), x.end(), 1.0f);
  const auto result = values_of<float>(plan_runner(p, 1).run({bytes_of(x)}).at(0));
  std::vector<float> row = x;
  for (std::size_t i = 0; i < 50; ++i)
    for (std::size_t j = 0; j < 64; ++j) {
      row[j] = (row[j] + row[j]) * 0.75f;
      ASSERT_EQ(result[i * 64 + j], row[j]) << i << ", " << j;
    }
}

TEST(update_plan, updates_one_after_the_other_share_the_memory_that_a_donated_input_leaves) {
  const std::string text =
      R"(func.func @main(%a: tensor<2048xf32> {tf.aliasing_output = 0 : i32}, %i: tensor<i32>, %j: tensor<4x1xi32>, %u: tensor<4xf32>) -> tensor<2048xf32> {
    %0 = stablehlo.dynamic_update_slice %a, %u, %i : (tensor<2048xf32>, tensor<4xf32>, tensor<i32>) -> tensor<2048xf32>
    %1 = "stablehlo.scatter"(%0, %j, %u) <{scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
    ^bb0(%x: tensor<f32>, %y: tensor<f32>):
      %2 = stablehlo.add %x, %y : tensor<f32>
      stablehlo.return %2 : tensor<f32>
    }) : (tensor<2048xf32>, tensor<4x1xi32>, tensor<4xf32>) -> tensor<2048xf32>
    return %1 : tensor<2048xf32>
  })";
  const plan p = compile_text(text);
  // From the input to the output, which does nothing where the input is donated; not between the updates.
  EXPECT_EQ(steps(p, 0, step::kind::copy), 1u);
  EXPECT_LT(p.arena_bytes, 2048u * sizeof(float));
  std::vector<float> want(2048, 1.0f);
  const std::vector<bytes> inputs{bytes_of(want), bytes_of(numbers{100}), bytes_of(numbers{101, 7, 7, -1}),
                                  bytes_of(std::vector<float>{10, 20, 30, 40})};
  std::copy_n(std::vector<float>{10, 20, 30, 40}.begin(), 4, want.begin() + 100);
  want[101] += 10;
  want[7] += 50;
  for (const auto donate : {plan_runner::donation::off, plan_runner::donation::on})
    EXPECT_EQ(values_of<float>(plan_runner(p, 1).run(inputs, donate).at(0)), want);
}

TEST(update_plan, an_operand_that_is_read_later_is_left_alone) {
  const std::string text =
      R"(func.func @main(%a: tensor<2048xf32> {tf.aliasing_output = 0 : i32}, %i: tensor<1xi32>, %u: tensor<f32>) -> (tensor<2048xf32>, tensor<2048xf32>) {
    %0 = "stablehlo.scatter"(%a, %i, %u) <{scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0], scatter_dims_to_operand_dims = [0]>}> ({
    ^bb0(%x: tensor<f32>, %y: tensor<f32>):
      stablehlo.return %y : tensor<f32>
    }) : (tensor<2048xf32>, tensor<1xi32>, tensor<f32>) -> tensor<2048xf32>
    %1 = stablehlo.subtract %0, %a : tensor<2048xf32>
    return %0, %1 : tensor<2048xf32>, tensor<2048xf32>
  })";
  const plan p = compile_text(text);
  std::vector<float> a(2048, 1.0f), changed = a, difference(2048, 0.0f);
  changed[9] = 5.0f;
  difference[9] = 4.0f;
  const std::vector<bytes> inputs{bytes_of(a), bytes_of(numbers{9}), bytes_of(std::vector<float>{5.0f})};
  for (const auto donate : {plan_runner::donation::off, plan_runner::donation::on}) {
    const auto results = plan_runner(p).run(inputs, donate);
    EXPECT_EQ(values_of<float>(results.at(0)), changed);
    EXPECT_EQ(values_of<float>(results.at(1)), difference);
  }
}

}  // namespace
