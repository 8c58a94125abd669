// Calls out of programs, from StableHLO text to a handler, on each kind of device that a client opens.
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <mutex>
#include <wherry/client.hpp>
#include <wherry/exec/bind.hpp>
#include <wherry/exec/call_program.hpp>
#include <wherry/exec/plan_io.hpp>

#include "device/configurations.hpp"

namespace wherry {
namespace {

using testing_support::client_name_of;
using testing_support::device_kind;

/// What the handlers of one test have seen.
struct journal {
  std::mutex mutex;
  std::vector<std::string> lines;
  void add(std::string line) {
    std::lock_guard lock(mutex);
    lines.push_back(std::move(line));
  }
};

/// Handlers that are registered as long as this lives.
class registrations {
 public:
  ~registrations() {
    for (const std::string& name : names_) kernel_registry::instance().remove_target(name);
  }
  template <class Handler>
  void add(const std::string& name, Handler handler) {
    register_call(name, std::move(handler));
    names_.push_back(name);
  }

 private:
  std::vector<std::string> names_;
};

enum class place { native, opencl_on_cpu, queue, intel };

class custom_calls : public ::testing::TestWithParam<place> {
 protected:
  void SetUp() override {
    try {
      options_.cache = false;
      if (GetParam() == place::opencl_on_cpu) options_.codegen = "opencl";
      if (GetParam() == place::queue) options_.device = client_.device(client_name_of(device_kind::queue));
      if (GetParam() == place::intel) options_.device = client_.device(client_name_of(device_kind::intel));
    } catch (const error& e) {
      GTEST_SKIP() << e.what();
    }
    targets_.add("log", [this](call_frame& c) {
      journal_.add(c.attribute<std::string>("text", "") +
                   (c.operands() ? std::to_string(static_cast<int>(c.operand(0).data<float>()[0])) : ""));
      return absl::OkStatus();
    });
    targets_.add("double", bind([this](std::span<const float> x, std::span<float> y) {
                   ++doubled_;
                   for (std::size_t k = 0; k < x.size(); ++k) y[k] = 2 * x[k];
                 }));
    // Writes what lies in memory, whatever the dimensions.
    targets_.add("copy_memory", [](call_frame& c) {
      std::copy_n(c.operand(0).bytes().data(), c.operand(0).bytes().size(), c.result(0).bytes().data());
      return absl::OkStatus();
    });
    targets_.add("count_up", [](call_frame& c) {
      float next = 0;
      for (float& x : c.result(0).data<float>()) x = next++;
      return absl::OkStatus();
    });
  }

  executable compile(const std::string& text) const {
    return client_.compile(program::from_text(text), options_);
  }
  buffer values(const std::vector<float>& v, const shape& dims) const {
    return client_.buffer(v, dims, host_memory_use::copy, options_.device);
  }
  std::string refusal(const std::string& text) const {
    try {
      (void)compile(text);
      return "";
    } catch (const error& e) {
      return e.what();
    }
  }
  static std::vector<float> data(const array& a) {
    const auto d = a.data<float>();
    return {d.begin(), d.end()};
  }

  client client_;
  compile_options options_;
  registrations targets_;
  journal journal_;
  std::atomic<int> doubled_{0};
};

TEST_P(custom_calls, a_call_stands_between_operations) {
  const executable program = compile(R"(
    func.func @main(%x: tensor<3xf32>) -> tensor<3xf32> {
      %a = stablehlo.add %x, %x : tensor<3xf32>
      %b = stablehlo.custom_call @double(%a) : (tensor<3xf32>) -> tensor<3xf32>
      %c = stablehlo.subtract %b, %x : tensor<3xf32>
      return %c : tensor<3xf32>
    })");
  EXPECT_FALSE(program.code().bounded) << "a call never runs inline";
  EXPECT_EQ(data(program(values({1, 2, 3}, {3})).value()), (std::vector<float>{3, 6, 9}));
}

TEST_P(custom_calls, attributes_come_from_dictionaries_of_every_spelling) {
  std::string seen;
  targets_.add("look", [&seen](call_frame& c) {
    seen += std::to_string(c.attribute<int>("i")) + " " + std::to_string(c.attribute<double>("f")) + " " +
            c.attribute<std::string>("s") + " " + std::to_string(c.attribute<bool>("b")) + " " +
            std::to_string(c.attribute<std::vector<std::int64_t>>("list").at(1)) + " " +
            std::to_string(c.attribute<std::vector<float>>("tensor").at(1)) + " " +
            c.attribute<attribute::dictionary>("inner").at(0).name + " " +
            std::to_string(c.call().api_version) + "\n";
    std::fill_n(c.result(0).bytes().data(), 4, std::byte{});
    return absl::OkStatus();
  });
  const std::string entries =
      "{i = 42 : ui8, f = 1.5 : f32, s = \"text\", b = true, list = array<i32: 7, 8>, tensor = dense<[1.0, "
      "2.5]> : "
      "tensor<2xf64>, inner = {deep = [1 : i64, \"x\"]}}";
  std::string quoted = "\"";
  for (const char c : entries) quoted += c == '"' ? std::string("\\22") : std::string(1, c);
  quoted += "\"";
  for (const std::string& config : {"backend_config = " + entries + ", api_version = 4 : i32",
                                    "mhlo.backend_config = " + entries + ", api_version = 4 : i32",
                                    "backend_config = " + quoted + ", api_version = 4 : i32",
                                    "backend_config = \"\", mhlo.backend_config = " + entries}) {
    SCOPED_TRACE(config);
    seen.clear();
    compile("func.func @main() -> tensor<f32> { %0 = stablehlo.custom_call @look() {" + config +
            "} : () -> tensor<f32>\n return %0 : tensor<f32> }")()
        .await();
    const std::string version = config.find("api_version") == std::string::npos ? "1" : "4";
    EXPECT_EQ(seen, "42 1.500000 text 1 8 2.500000 deep " + version + "\n");
  }
}

TEST_P(custom_calls, a_text_configuration_reaches_the_handler_as_it_is) {
  std::string seen;
  targets_.add("read", [&seen](call_frame& c) {
    seen = c.backend_config();
    return absl::OkStatus();
  });
  compile(
      "func.func @main() { stablehlo.custom_call @read() {backend_config = \"{a: 1}\", api_version = 2 : "
      "i32, "
      "has_side_effect = true} : () -> ()\n return }")()
      .await();
  EXPECT_EQ(seen, "{a: 1}");
}

TEST_P(custom_calls, operands_and_results_lie_as_the_layouts_say) {
  const executable program = compile(R"(
    func.func @main(%x: tensor<2x3xf32>) -> (tensor<6xf32>, tensor<2x3xf32>, tensor<2x3xf32>) {
      %a = stablehlo.custom_call @copy_memory(%x) {operand_layouts = [dense<[0, 1]> : tensor<2xindex>],
          result_layouts = [dense<0> : tensor<1xindex>]} : (tensor<2x3xf32>) -> tensor<6xf32>
      %b = stablehlo.custom_call @copy_memory(%x) {operand_layouts = [dense<[0, 1]> : tensor<2xindex>],
          result_layouts = [dense<[0, 1]> : tensor<2xindex>]} : (tensor<2x3xf32>) -> tensor<2x3xf32>
      %c = stablehlo.custom_call @copy_memory(%x) {operand_layouts = [dense<[1, 0]> : tensor<2xindex>],
          result_layouts = [dense<[0, 1]> : tensor<2xindex>]} : (tensor<2x3xf32>) -> tensor<2x3xf32>
      return %a, %b, %c : tensor<6xf32>, tensor<2x3xf32>, tensor<2x3xf32>
    })");
  const execution run = program(values({1, 2, 3, 4, 5, 6}, {2, 3}));
  EXPECT_EQ(data(run[0].value()), (std::vector<float>{1, 4, 2, 5, 3, 6}));
  EXPECT_EQ(data(run[1].value()), (std::vector<float>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(data(run[2].value()), (std::vector<float>{1, 3, 5, 2, 4, 6}));
}

TEST_P(custom_calls, a_handler_sees_the_dimensions_of_the_program_and_the_layout) {
  std::string seen;
  targets_.add("shapes", [&seen](call_frame& c) {
    seen = to_string(c.operand(0).type());
    for (const std::uint32_t d : c.operand(0).minor_to_major()) seen += " " + std::to_string(d);
    seen += ", " + to_string(c.operand(1).type());
    for (const std::uint32_t d : c.operand(1).minor_to_major()) seen += " " + std::to_string(d);
    seen += ": " + std::to_string(static_cast<int>(c.operand(0).data<float>()[1]));
    return absl::OkStatus();
  });
  const executable program = compile(R"(
    func.func @main(%x: tensor<2x3x1xf32>) {
      stablehlo.custom_call @shapes(%x, %x) {has_side_effect = true, result_layouts = [],
          operand_layouts = [dense<[2, 0, 1]> : tensor<3xindex>, dense<[2, 1, 0]> : tensor<3xindex>]}
          : (tensor<2x3x1xf32>, tensor<2x3x1xf32>) -> ()
      return
    })");
  program(values({1, 2, 3, 4, 5, 6}, {2, 3, 1})).await();
  EXPECT_EQ(seen, "tensor<2x3x1xf32> 2 0 1, tensor<2x3x1xf32>: 4");
}

TEST_P(custom_calls, wrong_layouts_are_refused_at_their_place) {
  const auto with = [this](const std::string& layouts) {
    return refusal(
        "func.func @main(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {\n  %0 = stablehlo.custom_call "
        "@copy_memory(%x) {" +
        layouts + "} : (tensor<2x3xf32>) -> tensor<2x3xf32>\n  return %0 : tensor<2x3xf32>\n}");
  };
  EXPECT_EQ(
      with("operand_layouts = [dense<[0, 0]> : tensor<2xindex>]"),
      "program:2:8: error: the layout of operand 0 does not name the 2 dimensions of 'tensor<2x3xf32>' once "
      "each");
  EXPECT_EQ(with("result_layouts = []"), "program:2:8: error: there are 0 result layouts for 1 results");
}

TEST_P(custom_calls, calls_with_effects_keep_their_order_and_none_is_dropped_or_shared) {
  const executable program = compile(R"(
    func.func @main(%x: tensor<f32>, %y: tensor<f32>) -> tensor<f32> {
      %one = stablehlo.constant dense<1.0> : tensor<f32>
      stablehlo.custom_call @log(%x) {has_side_effect = true, backend_config = {text = "a"}} : (tensor<f32>) -> ()
      %s = stablehlo.add %x, %one : tensor<f32>
      stablehlo.custom_call @log(%x) {has_side_effect = true, backend_config = {text = "a"}} : (tensor<f32>) -> ()
      %t = stablehlo.custom_call @double(%y) {has_side_effect = true} : (tensor<f32>) -> tensor<f32>
      %u = stablehlo.add %t, %one : tensor<f32>
      stablehlo.custom_call @log(%s) {has_side_effect = true, backend_config = {text = "b"}} : (tensor<f32>) -> ()
      stablehlo.custom_call @log(%u) {has_side_effect = true, backend_config = {text = "c"}} : (tensor<f32>) -> ()
      stablehlo.custom_call @log() {has_side_effect = true, backend_config = {text = "d"}} : () -> ()
      return %u : tensor<f32>
    })");
  for (int k = 0; k < 2; ++k) {
    journal_.lines.clear();
    EXPECT_EQ(program(values({1}, {}), values({5}, {})).value().item<float>(), 11);
    EXPECT_EQ(journal_.lines, (std::vector<std::string>{"a1", "a1", "b2", "c11", "d"}));
  }
  EXPECT_EQ(doubled_, 2);
}

// Sums that would go into one kernel are on both sides of a call.
TEST_P(custom_calls, kernels_are_not_merged_across_calls_that_stand_between_them) {
  const executable program = compile(R"(
    func.func @main(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
      %a = stablehlo.add %x, %x : tensor<4xf32>
      stablehlo.custom_call @log(%a) {has_side_effect = true} : (tensor<4xf32>) -> ()
      %b = stablehlo.custom_call @double(%x) {has_side_effect = true} : (tensor<4xf32>) -> tensor<4xf32>
      %c = stablehlo.multiply %b, %x : tensor<4xf32>
      stablehlo.custom_call @log(%c) {has_side_effect = true} : (tensor<4xf32>) -> ()
      return %a, %c : tensor<4xf32>, tensor<4xf32>
    })");
  const execution run = program(values({3, 1, 1, 1}, {4}));
  EXPECT_EQ(data(run[0].value())[0], 6);
  EXPECT_EQ(data(run[1].value())[0], 18);
  EXPECT_EQ(journal_.lines, (std::vector<std::string>{"6", "18"}));
}

TEST_P(custom_calls, calls_without_effects_are_shared_and_dropped) {
  const executable program = compile(R"(
    func.func @main(%x: tensor<f32>) -> tensor<f32> {
      %a = stablehlo.custom_call @double(%x) : (tensor<f32>) -> tensor<f32>
      %b = stablehlo.custom_call @double(%x) : (tensor<f32>) -> tensor<f32>
      %c = stablehlo.custom_call @double(%b) : (tensor<f32>) -> tensor<f32>
      %d = stablehlo.add %a, %b : tensor<f32>
      return %d : tensor<f32>
    })");
  EXPECT_EQ(program(values({1}, {})).value().item<float>(), 4);
  EXPECT_EQ(doubled_, 1);
}

TEST_P(custom_calls, loops_and_branches_call_as_often_as_they_run) {
  const executable program = compile(R"(
    func.func @main(%x: tensor<f32>, %n: tensor<i32>) -> tensor<f32> {
      %zero = stablehlo.constant dense<0> : tensor<i32>
      %one = stablehlo.constant dense<1> : tensor<i32>
      stablehlo.custom_call @log() {has_side_effect = true, backend_config = {text = "begin"}} : () -> ()
      %r:2 = stablehlo.while(%i = %zero, %v = %x) : tensor<i32>, tensor<f32>
        cond {
          %p = stablehlo.compare LT, %i, %n : (tensor<i32>, tensor<i32>) -> tensor<i1>
          stablehlo.return %p : tensor<i1>
        } do {
          stablehlo.custom_call @log(%v) {has_side_effect = true} : (tensor<f32>) -> ()
          %w = stablehlo.custom_call @double(%v) : (tensor<f32>) -> tensor<f32>
          %j = stablehlo.add %i, %one : tensor<i32>
          stablehlo.return %j, %w : tensor<i32>, tensor<f32>
        }
      %k = "stablehlo.case"(%n) ({
        stablehlo.custom_call @log() {has_side_effect = true, backend_config = {text = "none"}} : () -> ()
        stablehlo.return %x : tensor<f32>
      }, {
        stablehlo.custom_call @log() {has_side_effect = true, backend_config = {text = "some"}} : () -> ()
        stablehlo.return %r#1 : tensor<f32>
      }) : (tensor<i32>) -> tensor<f32>
      stablehlo.custom_call @log() {has_side_effect = true, backend_config = {text = "end"}} : () -> ()
      return %k : tensor<f32>
    })");
  const auto run = [&](std::int32_t n) {
    journal_.lines.clear();
    return program(values({3}, {}), client_.scalar(n, options_.device)).value().item<float>();
  };
  EXPECT_EQ(run(3), 24);
  EXPECT_EQ(journal_.lines, (std::vector<std::string>{"begin", "3", "6", "12", "some", "end"}));
  EXPECT_EQ(run(0), 3);
  EXPECT_EQ(journal_.lines, (std::vector<std::string>{"begin", "none", "end"}));
}

TEST_P(custom_calls, a_call_in_the_condition_of_a_counted_loop_is_made_each_time) {
  const executable program = compile(R"(
    func.func @main() -> tensor<i32> {
      %zero = stablehlo.constant dense<0> : tensor<i32>
      %one = stablehlo.constant dense<1> : tensor<i32>
      %three = stablehlo.constant dense<3> : tensor<i32>
      %r = stablehlo.while(%i = %zero) : tensor<i32>
        cond {
          stablehlo.custom_call @log() {has_side_effect = true, backend_config = {text = "?"}} : () -> ()
          %p = stablehlo.compare LT, %i, %three : (tensor<i32>, tensor<i32>) -> tensor<i1>
          stablehlo.return %p : tensor<i1>
        } do {
          stablehlo.custom_call @log() {has_side_effect = true, backend_config = {text = "!"}} : () -> ()
          %j = stablehlo.add %i, %one : tensor<i32>
          stablehlo.return %j : tensor<i32>
        }
      return %r : tensor<i32>
    })");
  EXPECT_EQ(program().value().item<std::int32_t>(), 3);
  EXPECT_EQ(journal_.lines, (std::vector<std::string>{"?", "!", "?", "!", "?", "!", "?"}));
}

// The results of the branches are the same, so only what they do tells them apart.
TEST_P(custom_calls, a_branch_with_effects_and_no_results_is_taken) {
  const executable program = compile(R"(
    func.func @main(%p: tensor<i1>) {
      "stablehlo.if"(%p) ({
        stablehlo.custom_call @log() {has_side_effect = true, backend_config = {text = "yes"}} : () -> ()
        stablehlo.return
      }, {
        stablehlo.custom_call @log() {has_side_effect = true, backend_config = {text = "no"}} : () -> ()
        stablehlo.return
      }) : (tensor<i1>) -> ()
      return
    })");
  for (const bool p : {true, false, true}) program(client_.scalar(p, options_.device)).await();
  EXPECT_EQ(journal_.lines, (std::vector<std::string>{"yes", "no", "yes"}));
}

constexpr const char* in_place_text = R"(
    func.func @main(%x: tensor<4xf32> DONATED) -> (tensor<4xf32>, tensor<f32>) {
      %one = stablehlo.constant dense<1.0> : tensor<f32>
      %0:2 = stablehlo.custom_call @ten_times(%x, %one) {output_operand_aliases = [
          #stablehlo.output_operand_alias<output_tuple_indices = [0], operand_index = 0, operand_tuple_indices = []>]}
          : (tensor<4xf32>, tensor<f32>) -> (tensor<4xf32>, tensor<f32>)
      return %0#0, %0#1 : tensor<4xf32>, tensor<f32>
    })";

TEST_P(custom_calls, an_aliased_operand_and_its_result_are_one_memory_and_the_input_stays) {
  targets_.add("ten_times", [](call_frame& c) -> absl::Status {
    if (c.operand(0).bytes().data() != c.result(0).bytes().data()) return absl::InternalError("two memories");
    for (float& x : c.result(0).data<float>()) x *= 10;
    c.result(1).data<float>()[0] = c.operand(1).data<float>()[0];
    return absl::OkStatus();
  });
  for (const bool donates : {false, true}) {
    std::string text = in_place_text;
    text.replace(text.find("DONATED"), 7, donates ? "{tf.aliasing_output = 0 : i32}" : "");
    const executable program = compile(text);
    const buffer x = values({1, 2, 3, 4}, {4});
    const execution run = program(x);
    EXPECT_EQ(data(run[0].value()), (std::vector<float>{10, 20, 30, 40}));
    EXPECT_EQ(run[1].value().item<float>(), 1);
    EXPECT_EQ(x.is_deleted(), donates);
    if (!donates) EXPECT_EQ(data(x.value()), (std::vector<float>{1, 2, 3, 4}));
  }
}

TEST_P(custom_calls, results_in_tuples_and_tokens_are_flattened) {
  targets_.add("two", [](call_frame& c) -> absl::Status {
    if (c.operands() != 1 || c.results() != 2) return absl::InternalError("wrong counts");
    if (c.operand(0).minor_to_major().size() != 2) return absl::InternalError("the layout is lost");
    std::copy_n(c.operand(0).bytes().data(), 24, c.result(0).bytes().data());
    c.result(1).data<float>()[0] = 7;
    return absl::OkStatus();
  });
  const executable program = compile(R"(
    func.func @main(%x: tensor<2x3xf32>) -> (tensor<2x3xf32>, tensor<f32>) {
      %t = stablehlo.create_token : !stablehlo.token
      %0 = stablehlo.custom_call @two(%t, %x) {
          operand_layouts = [dense<> : tensor<0xindex>, dense<[0, 1]> : tensor<2xindex>],
          result_layouts = [dense<[1, 0]> : tensor<2xindex>, dense<> : tensor<0xindex>]}
          : (!stablehlo.token, tensor<2x3xf32>) -> tuple<tensor<2x3xf32>, tensor<f32>>
      %a = stablehlo.get_tuple_element %0[0] : (tuple<tensor<2x3xf32>, tensor<f32>>) -> tensor<2x3xf32>
      %b = stablehlo.get_tuple_element %0[1] : (tuple<tensor<2x3xf32>, tensor<f32>>) -> tensor<f32>
      return %a, %b : tensor<2x3xf32>, tensor<f32>
    })");
  const execution run = program(values({1, 2, 3, 4, 5, 6}, {2, 3}));
  EXPECT_EQ(data(run[0].value()), (std::vector<float>{1, 4, 2, 5, 3, 6}));
  EXPECT_EQ(run[1].value().item<float>(), 7);
}

TEST_P(custom_calls, constants_and_large_splats_reach_handlers_in_memory) {
  targets_.add("sum", [](call_frame& c) {
    float sum = 0;
    for (std::size_t k = 0; k < c.operands(); ++k)
      for (const float x : c.operand(k).data<float>()) sum += x;
    c.result(0).data<float>()[0] = sum;
    return absl::OkStatus();
  });
  const executable program = compile(R"(
    func.func @main() -> tensor<f32> {
      %a = stablehlo.constant dense<[1.0, 2.0]> : tensor<2xf32>
      %b = stablehlo.constant dense<0.5> : tensor<5000xf32>
      %c = stablehlo.constant dense<> : tensor<0xf32>
      %0 = stablehlo.custom_call @sum(%a, %b, %c) : (tensor<2xf32>, tensor<5000xf32>, tensor<0xf32>) -> tensor<f32>
      return %0 : tensor<f32>
    })");
  EXPECT_EQ(program().value().item<float>(), 2503);
}

TEST_P(custom_calls, a_target_of_an_odd_name_is_found) {
  targets_.add("odd name/1", [](call_frame& c) {
    c.result(0).data<float>()[0] = 1;
    return absl::OkStatus();
  });
  EXPECT_EQ(compile("func.func @main() -> tensor<f32> { %0 = stablehlo.custom_call @\"odd name/1\"() : () -> "
                    "tensor<f32>\n return %0 : tensor<f32> }")()
                .value()
                .item<float>(),
            1);
}

TEST_P(custom_calls, an_unknown_target_is_refused_with_its_line_and_those_that_are_known) {
  const std::string what = refusal(
      "func.func @main() -> tensor<f32> {\n  %0 = stablehlo.custom_call @nobody.knows() : () -> "
      "tensor<f32>\n  return "
      "%0 : tensor<f32>\n}");
  EXPECT_EQ(
      what.find("main: the target of custom call \"nobody.knows\" (line 2) is not registered; registered: "),
      0U)
      << what;
  EXPECT_NE(what.find("copy_memory, count_up, double, log"), std::string::npos) << what;
}

TEST_P(custom_calls, a_plan_may_be_compiled_before_its_target_is_registered) {
  const std::string text =
      "func.func @main() -> tensor<f32> { %0 = stablehlo.custom_call @later() : () -> tensor<f32>\n return "
      "%0 : "
      "tensor<f32> }";
  EXPECT_NE(refusal(text).find("not registered"), std::string::npos);
  const target where = client_.target_for(options_);
  const plan made = compiler::installed()->compile({text, "later.mlir", {}, where});
  const std::vector<std::byte> stored = write_plan(made);
  targets_.add("later", [](call_frame& c) {
    c.result(0).data<float>()[0] = 3;
    return absl::OkStatus();
  });
  const std::string artifact(reinterpret_cast<const char*>(stored.data()), stored.size());
  EXPECT_EQ(client_.compile(program::from_text(artifact), options_)().value().item<float>(), 3);
}

TEST_P(custom_calls, a_call_of_unknown_sizes_gets_them_from_its_last_operands) {
  const executable program = compile(R"(
    func.func @main(%x: tensor<?xf32>) -> tensor<?x2xf32> {
      %n = stablehlo.get_dimension_size %x, dim = 0 : (tensor<?xf32>) -> tensor<i32>
      %rows = stablehlo.reshape %n : (tensor<i32>) -> tensor<1xi32>
      %two = stablehlo.constant dense<2> : tensor<1xi32>
      %shape = stablehlo.concatenate %rows, %two, dim = 0 : (tensor<1xi32>, tensor<1xi32>) -> tensor<2xi32>
      %0 = stablehlo.custom_call @count_up(%x, %shape) {indices_of_shape_operands = dense<1> : tensor<1xi64>,
          operand_layouts = [dense<0> : tensor<1xindex>, dense<0> : tensor<1xindex>],
          result_layouts = [dense<[0, 1]> : tensor<2xindex>]} : (tensor<?xf32>, tensor<2xi32>) -> tensor<?x2xf32>
      return %0 : tensor<?x2xf32>
    })");
  EXPECT_EQ(data(program(values({1, 2}, {2})).value()), (std::vector<float>{0, 2, 1, 3}));
  EXPECT_EQ(data(program(values({1, 2, 3}, {3})).value()), (std::vector<float>{0, 3, 1, 4, 2, 5}));
}

TEST_P(custom_calls, a_target_runs_by_its_name_alone) {
  const tensor_type type{dtype::f32, {3}};
  const executable program = client_.compile(
      call_program({.target = "double", .operands = {{type}}, .results = {{type}}}), options_);
  EXPECT_EQ(program.name(), "double");
  EXPECT_EQ(data(program(values({1, 2, 3}, {3})).value()), (std::vector<float>{2, 4, 6}));
  custom_call call{
      .target = "copy_memory", .operands = {{{dtype::f32, {2, 3}}}}, .results = {{{dtype::f32, {6}}}}};
  call.operands[0].minor_to_major = {0, 1};
  EXPECT_EQ(client_.compile(call_program(call), options_).inputs()[0], (tensor_type{dtype::f32, {3, 2}}));
  call.operands[0].minor_to_major = {0, 1, 2};
  EXPECT_THROW((void)call_program(call), error);
}

TEST_P(custom_calls, the_functions_of_chlo_are_no_calls) {
  const executable program = compile(R"(
    func.func @main(%x: tensor<f32>) -> tensor<f32> {
      %0 = stablehlo.custom_call @mhlo.sinh(%x) {mhlo.attributes = {}, mhlo.version = 1 : i64} : (tensor<f32>) -> tensor<f32>
      return %0 : tensor<f32>
    })");
  EXPECT_TRUE(program.code().calls.empty());
  EXPECT_NE(
      refusal(
          "func.func @main(%x: tensor<f32>) -> tensor<f32> { %0 = stablehlo.custom_call @mhlo.nothing(%x) : "
          "(tensor<f32>) -> tensor<f32>\n return %0 : tensor<f32> }")
          .find("not supported"),
      std::string::npos);
}

const auto place_name = [](const auto& info) {
  const char* const names[] = {"native", "opencl_on_cpu", "queue", "intel"};
  return names[static_cast<int>(info.param)];
};
INSTANTIATE_TEST_SUITE_P(places, custom_calls,
                         ::testing::Values(place::native, place::opencl_on_cpu, place::queue, place::intel),
                         place_name);

}  // namespace
}  // namespace wherry
