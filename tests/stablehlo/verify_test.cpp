// verify_test.cpp: a program that breaks a rule is refused, and the message says which, where and how.
#include <gtest/gtest.h>

#include <ostream>
#include <string>

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "stablehlo/Parse.h"

namespace {

// The arguments that every statement below may use.
constexpr const char* header =
    "func.func @main(%a: tensor<2x3xf32>, %b: tensor<3x2xf32>, %p: tensor<2xi1>, %s: tensor<f32>, %i: "
    "tensor<i32>, "
    "%n: tensor<4xi32>, %c: tensor<2x3xcomplex<f32>>, %d: tensor<2x3xf64>) {\n";

std::string diagnose(const std::string& statement) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  std::string diagnostics;
  const std::string text = header + statement + "\n  return\n}\n";
  const auto module = mlir::stablehlo::parseStablehlo(context, text, "bad.mlir", diagnostics);
  EXPECT_EQ(module.get() == nullptr, !diagnostics.empty()) << statement;
  return diagnostics;
}

struct wrong {
  const char* statement;
  const char* message;
};
std::ostream& operator<<(std::ostream& out, const wrong& w) { return out << w.statement; }

class refused : public testing::TestWithParam<wrong> {};

TEST_P(refused, with_one_message_at_the_operation) {
  const std::string diagnostics = diagnose(std::string("  ") + GetParam().statement);
  EXPECT_EQ(diagnostics.rfind("bad.mlir:2:", 0), 0u) << diagnostics;
  EXPECT_NE(diagnostics.find(GetParam().message), std::string::npos) << diagnostics;
  EXPECT_EQ(diagnostics.find('\n'), diagnostics.size() - 1) << diagnostics;
}

INSTANTIATE_TEST_SUITE_P(
    elementwise, refused,
    testing::Values(
        wrong{"%0 = stablehlo.add %a, %b : (tensor<2x3xf32>, tensor<3x2xf32>) -> tensor<2x3xf32>",
              "'stablehlo.add' op operand #1 must have the same shape as operand #0: expected "
              "'tensor<2x3xf32>', got "
              "'tensor<3x2xf32>'"},
        wrong{"%0 = stablehlo.add %a, %d : (tensor<2x3xf32>, tensor<2x3xf64>) -> tensor<2x3xf32>",
              "operand #1 must have the same element type as operand #0"},
        wrong{"%0 = stablehlo.add %a, %a : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<3x2xf32>",
              "result #0 must have the same shape as operand #0"},
        wrong{"%0 = stablehlo.exponential %i : tensor<i32>",
              "operand #0 must be ranked tensor of floats, complex or quantized numbers, but got "
              "'tensor<i32>'"},
        wrong{"%0 = \"stablehlo.constant\"() <{value = dense<1> : tensor<2xi32>}> : () -> tensor<3xi32>",
              "result must have the type of the value 'tensor<2xi32>', got 'tensor<3xi32>'"},
        wrong{"%0 = stablehlo.iota dim = 2 : tensor<2x3xf32>", "dim must be in [0, 2), got 2"},
        wrong{"%0 = stablehlo.compare LT, %c, %c : (tensor<2x3xcomplex<f32>>, tensor<2x3xcomplex<f32>>) -> "
              "tensor<2x3xi1>",
              "complex numbers compare only by EQ and NE, got LT"},
        wrong{"%0 = stablehlo.compare LT, %a, %a, UNSIGNED : (tensor<2x3xf32>, tensor<2x3xf32>) -> "
              "tensor<2x3xi1>",
              "compare type UNSIGNED does not fit elements of type 'f32'"},
        wrong{"%0 = stablehlo.select %p, %a, %a : tensor<2xi1>, tensor<2x3xf32>",
              "predicate must be a scalar or have the shape of the values 'tensor<2x3xf32>', got "
              "'tensor<2xi1>'"},
        wrong{"%0 = stablehlo.convert %a : (tensor<2x3xf32>) -> tensor<2xf64>",
              "result #0 must have the same shape as operand #0"},
        wrong{"%0 = stablehlo.clamp %n, %a, %s : (tensor<4xi32>, tensor<2x3xf32>, tensor<f32>) -> "
              "tensor<2x3xf32>",
              "min must be a scalar or have the operand's type 'tensor<2x3xf32>', got 'tensor<4xi32>'"},
        wrong{"%0 = stablehlo.bitcast_convert %a : (tensor<2x3xf32>) -> tensor<2x3xf64>",
              "a last dimension for the ratio of element widths"},
        wrong{"%0 = stablehlo.reduce_precision %a, format = m10 : tensor<2x3xf32>",
              "expected a format such as e5m10, got `m10`"},
        wrong{"%0 = stablehlo.nonsense %a : tensor<2x3xf32>", "'stablehlo.nonsense' is unknown"},
        wrong{"%0 = \"other.op\"(%a) : (tensor<2x3xf32>) -> tensor<2x3xf32>",
              "unknown operation `other.op`"}));

INSTANTIATE_TEST_SUITE_P(
    movement, refused,
    testing::Values(
        wrong{"%0 = stablehlo.slice %a [0:3, 0:3] : (tensor<2x3xf32>) -> tensor<3x3xf32>",
              "limit must be at most 2, the operand's size, in dimension 0, got 3"},
        wrong{"%0 = stablehlo.slice %a [0:2] : (tensor<2x3xf32>) -> tensor<2x3xf32>",
              "start_indices must have one entry for each of 2 dimensions, got 1"},
        wrong{"%0 = stablehlo.slice %a [0:2, 0:3:0] : (tensor<2x3xf32>) -> tensor<2x3xf32>",
              "stride must be positive in dimension 1, got 0"},
        wrong{"%0 = stablehlo.slice %a [0:2, 0:3:2] : (tensor<2x3xf32>) -> tensor<2x3xf32>",
              "inferred type(s) 'tensor<2x2xf32>' are incompatible with return type(s) of operation "
              "'tensor<2x3xf32>'"},
        wrong{"%0 = stablehlo.pad %a, %s, low = [0], high = [1, 1], interior = [1, 0] : (tensor<2x3xf32>, "
              "tensor<f32>) "
              "-> tensor<4x3xf32>",
              "low must have one entry for each of 2 dimensions, got 1"},
        wrong{"%0 = stablehlo.concatenate %a, %b, dim = 0 : (tensor<2x3xf32>, tensor<3x2xf32>) -> "
              "tensor<5x3xf32>",
              "operand #1 must agree with the others in dimension 1: expected 3, got 2"},
        wrong{"%0 = stablehlo.concatenate %a, %a, dim = 2 : (tensor<2x3xf32>, tensor<2x3xf32>) -> "
              "tensor<5x3xf32>",
              "dimension must be in [0, 2), got 2"},
        wrong{"%0 = stablehlo.broadcast_in_dim %a, dims = [1, 0] : (tensor<2x3xf32>) -> tensor<2x3x4xf32>",
              "operand dimension 0 must have size 1 or that of result dimension 1, 3, got 2"},
        wrong{"%0 = stablehlo.reshape %a : (tensor<2x3xf32>) -> tensor<7xf32>",
              "result must have as many elements as the operand, 6, got 7"},
        wrong{"%0 = stablehlo.transpose %a, dims = [0, 0] : (tensor<2x3xf32>) -> tensor<2x3xf32>",
              "dims must be distinct, but 0 is there twice"},
        wrong{"%0 = stablehlo.reverse %a, dims = [2] : tensor<2x3xf32>", "dims must be in [0, 2), got 2"},
        wrong{"%0 = stablehlo.dynamic_slice %a, %i, sizes = [1, 2] : (tensor<2x3xf32>, tensor<i32>) -> "
              "tensor<1x2xf32>",
              "needs a start index for each of 2 dimensions, got 1"},
        wrong{"%0 = stablehlo.dynamic_update_slice %a, %b, %i, %i : (tensor<2x3xf32>, tensor<3x2xf32>, "
              "tensor<i32>, "
              "tensor<i32>) -> tensor<2x3xf32>",
              "update must not exceed the operand in dimension 0: expected at most 2, got 3"},
        wrong{"%0 = \"stablehlo.gather\"(%a, %n) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], "
              "nonsense = "
              "3>, slice_sizes = array<i64: 1, 3>}> : (tensor<2x3xf32>, tensor<4xi32>) -> tensor<4x3xf32>",
              "unknown field `nonsense`; expected one of offset_dims, "}));

// One reduce_window of %a by addition, with the given attributes and a result of the given type.
#define WINDOW(attributes, result)                                                        \
  "%0 = \"stablehlo.reduce_window\"(%a, %s) <{" attributes                                \
  "}> ({ ^bb0(%x: tensor<f32>, %y: tensor<f32>): stablehlo.return %x : tensor<f32> }) : " \
  "(tensor<2x3xf32>, tensor<f32>) -> " result
#define SCATTERED(select, attributes)                                                     \
  "%0 = \"stablehlo.select_and_scatter\"(%a, %b, %s) <{" attributes                       \
  "}> ({ ^bb0(%x: tensor<f32>, %y: tensor<f32>): " select                                 \
  " }, { ^bb0(%x: tensor<f32>, %y: tensor<f32>): stablehlo.return %x : tensor<f32> }) : " \
  "(tensor<2x3xf32>, tensor<3x2xf32>, tensor<f32>) -> tensor<2x3xf32>"

INSTANTIATE_TEST_SUITE_P(
    windows, refused,
    testing::Values(
        wrong{WINDOW("window_dimensions = array<i64: 2>", "tensor<1x2xf32>"), "window_dimensions"},
        wrong{WINDOW("window_dimensions = array<i64: 2, 0>", "tensor<1x2xf32>"),
              "window_dimensions must be positive, got 0"},
        wrong{WINDOW("window_dimensions = array<i64: 2, 2>, window_strides = array<i64: 1, -1>",
                     "tensor<1x2xf32>"),
              "window_strides must be positive, got -1"},
        wrong{WINDOW("window_dimensions = array<i64: 2, 2>, base_dilations = array<i64: 0, 1>",
                     "tensor<1x2xf32>"),
              "base_dilations must be positive, got 0"},
        wrong{WINDOW("window_dimensions = array<i64: 2, 2>, window_dilations = array<i64: 1, -3>",
                     "tensor<1x2xf32>"),
              "window_dilations must be positive, got -3"},
        wrong{WINDOW("window_dimensions = array<i64: 2, 2>, padding = dense<0> : tensor<2x3xi64>",
                     "tensor<1x2xf32>"),
              "padding must have the shape 2x2, got 'tensor<2x3xi64>'"},
        wrong{WINDOW("window_dimensions = array<i64: 2, 2>, padding = dense<9223372036854775807> : "
                     "tensor<2x2xi64>",
                     "tensor<1x2xf32>"),
              "window, dilations and padding of dimension 0 are too large"},
        wrong{WINDOW("window_dimensions = array<i64: 2, 2>", "tensor<2x2xf32>"), "tensor<1x2xf32>"},
        wrong{SCATTERED("stablehlo.return %x : tensor<f32>", "window_dimensions = array<i64: 1, 1>"),
              "source must have an element per window position: expected 'tensor<2x3xf32>', got "
              "'tensor<3x2xf32>'"},
        wrong{SCATTERED("stablehlo.return %x : tensor<f32>",
                        "window_dimensions = array<i64: 1, 2>, padding = dense<[[1, 0], [0, 0]]> : "
                        "tensor<2x2xi64>"),
              "select must return ('tensor<i1>'), got ('tensor<f32>')"}));

#undef WINDOW
#undef SCATTERED

INSTANTIATE_TEST_SUITE_P(
    reductions_and_control, refused,
    testing::Values(
        wrong{"%0 = stablehlo.dot_general %a, %b, contracting_dims = [0] x [0] : (tensor<2x3xf32>, "
              "tensor<3x2xf32>) -> "
              "tensor<3x2xf32>",
              "paired dimensions must have one size: lhs dimension 0 has 2, rhs dimension 0 has 3"},
        wrong{"%0 = stablehlo.dot_general %a, %b, contracting_dims = [1] x [0] : (tensor<2x3xf32>, "
              "tensor<3x2xf32>) -> "
              "tensor<3x2xf32>",
              "result must have the shape of 'tensor<2x2xf32>', got 'tensor<3x2xf32>'"},
        wrong{"%0 = stablehlo.reduce(%a init: %s) applies stablehlo.add across dimensions = [2] : "
              "(tensor<2x3xf32>, "
              "tensor<f32>) -> tensor<3xf32>",
              "dimensions must be in [0, 2), got 2"},
        wrong{"%0 = stablehlo.reduce(%a init: %s) applies stablehlo.subtract across dimensions = [1] : "
              "(tensor<2x3xf32>, tensor<f32>) -> tensor<2xf32>",
              "`applies` needs a commutative operation of two operands, got stablehlo.subtract"},
        wrong{"%0 = \"stablehlo.reduce\"(%a, %s, %s) <{dimensions = array<i64: 1>}> ({ ^bb0(%x: tensor<f32>, "
              "%y: "
              "tensor<f32>): stablehlo.return %x : tensor<f32> }) : (tensor<2x3xf32>, tensor<f32>, "
              "tensor<f32>) -> "
              "tensor<2xf32>",
              "needs an initial value for each operand to reduce, got 3 values in all"},
        wrong{"%0 = \"stablehlo.reduce\"(%a, %s) <{dimensions = array<i64: 1>}> ({ ^bb0(%x: tensor<f32>, %y: "
              "tensor<i32>): stablehlo.return %x : tensor<f32> }) : (tensor<2x3xf32>, tensor<f32>) -> "
              "tensor<2xf32>",
              "body argument #1 must be a scalar that 'f32' promotes to, got 'tensor<i32>'"},
        wrong{"%0 = stablehlo.while(%j = %i) : tensor<i32> cond { stablehlo.return %i : tensor<i32> } do { "
              "stablehlo.return %j : tensor<i32> }",
              "cond must return ('tensor<i1>'), got ('tensor<i32>')"},
        wrong{"%0 = stablehlo.while(%j = %i) : tensor<i32> cond { %q = stablehlo.compare LT, %j, %j : "
              "(tensor<i32>, "
              "tensor<i32>) -> tensor<i1> stablehlo.return %q : tensor<i1> } do { stablehlo.return %s : "
              "tensor<f32> }",
              "body must return ('tensor<i32>'), got ('tensor<f32>')"},
        wrong{
            "%0 = \"stablehlo.case\"(%i) ({ stablehlo.return %a : tensor<2x3xf32> }, { stablehlo.return %b : "
            "tensor<3x2xf32> }) : (tensor<i32>) -> tensor<2x3xf32>",
            "branch #1 must return ('tensor<2x3xf32>'), got ('tensor<3x2xf32>')"},
        wrong{"%0 = \"stablehlo.if\"(%p) ({ stablehlo.return %a : tensor<2x3xf32> }, { stablehlo.return %a : "
              "tensor<2x3xf32> }) : (tensor<2xi1>) -> tensor<2x3xf32>",
              "predicate must be a scalar, got 'tensor<2xi1>'"},
        wrong{"%0 = stablehlo.convolution(%a, %b) dim_numbers = [b, f]x[i, o]->[b, f], window = {} "
              "{batch_group_count "
              "= 1 : i64, feature_group_count = 1 : i64} : (tensor<2x3xf32>, tensor<3x2xf32>) -> "
              "tensor<2x3xf32>",
              "result must have the shape of 'tensor<2x2xf32>', got 'tensor<2x3xf32>'"}));

INSTANTIATE_TEST_SUITE_P(
    convolutions, refused,
    testing::Values(
        wrong{"%0 = stablehlo.convolution(%a, %b) dim_numbers = [b, f]x[i, o]->[b, f], window = {} "
              "{batch_group_count = 4 : i64, feature_group_count = 1 : i64} : (tensor<2x3xf32>, "
              "tensor<3x2xf32>) -> tensor<2x2xf32>",
              "input batch must be a multiple of batch_group_count, 4, got 2"},
        wrong{"%0 = stablehlo.convolution(%b, %b) dim_numbers = [b, f]x[o, i]->[b, f], window = {} "
              "{batch_group_count = 1 : i64, feature_group_count = 1 : i64, precision_config = "
              "[#stablehlo<precision DEFAULT>]} : (tensor<3x2xf32>, tensor<3x2xf32>) -> tensor<3x3xf32>",
              "precision_config needs an entry per operand, got 1"},
        wrong{"%0 = stablehlo.convolution(%a, %a) dim_numbers = [f, b]x[o, i]->[b, f], window = {} "
              "{batch_group_count = 3 : i64, feature_group_count = 1 : i64} : (tensor<2x3xf32>, "
              "tensor<2x3xf32>) -> tensor<1x2xf32>",
              "input features must be kernel input features times feature_group_count, 3, got 2"},
        wrong{"%0 = stablehlo.convolution(%b, %a) dim_numbers = [b, f]x[i, o]->[b, f], window = {} "
              "{batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<3x2xf32>, "
              "tensor<2x3xf32>) -> tensor<3x3xi32>",
              "operands and result must all have integer, all floating-point or all complex elements"},
        wrong{"%0 = stablehlo.convolution(%n, %n) dim_numbers = [b, f]x[i, o]->[b, f], window = {} "
              "{batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<4xi32>, "
              "tensor<4xi32>) -> tensor<4xi32>",
              "operands and result must have one rank of at least 2"}));

INSTANTIATE_TEST_SUITE_P(
    transforms, refused,
    testing::Values(
        wrong{
            "%0 = stablehlo.fft %a, type = FFT, length = [3] : (tensor<2x3xf32>) -> tensor<2x3xcomplex<f32>>",
            "FFT needs complex numbers"},
        wrong{"%0 = stablehlo.fft %c, type = RFFT, length = [3] : (tensor<2x3xcomplex<f32>>) -> "
              "tensor<2x2xcomplex<f32>>",
              "RFFT needs real numbers"},
        wrong{"%0 = stablehlo.fft %c, type = FFT, length = [4] : (tensor<2x3xcomplex<f32>>) -> "
              "tensor<2x4xcomplex<f32>>",
              "dimension 1 must have the size 4, got 3"},
        wrong{"%0 = stablehlo.fft %c, type = FFT, length = [1, 2, 3] : (tensor<2x3xcomplex<f32>>) -> "
              "tensor<2x3xcomplex<f32>>",
              "length must have 1 to 3 entries, at most the rank 2, got 3"},
        wrong{"%0 = stablehlo.fft %c, type = IRFFT, length = [-4] : (tensor<2x3xcomplex<f32>>) -> "
              "tensor<2x4xf32>",
              "length must not be negative, got -4"}));

}  // namespace
