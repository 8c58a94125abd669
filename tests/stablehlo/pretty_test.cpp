// pretty_test.cpp: every operation with a pretty form prints what the StableHLO documents show.
#include <gtest/gtest.h>

#include <string>

#include "llvm/Support/raw_ostream.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "stablehlo/Parse.h"

namespace {

class pretty : public testing::TestWithParam<const char*> {};

TEST_P(pretty, form_is_printed_as_it_was_read) {
  const std::string statement = GetParam();
  const std::string text =
      "func.func @main(%arg0: tensor<2x3xf32>, %arg1: tensor<2x3xf32>, %arg2: tensor<2x3xi1>, %arg3: "
      "tensor<f32>, "
      "%arg4: tensor<i32>, %arg5: !stablehlo.token, %arg6: tensor<2x3xcomplex<f32>>, %arg7: tensor<2x2xf32>, "
      "%arg8: tensor<2xi64>, %arg9: tensor<2xui64>, %arg10: tuple<tensor<2x3xf32>, !stablehlo.token>, "
      "%arg11: tensor<1x4x4x2xf32>, %arg12: tensor<3x3x2x5xf32>, %arg13: tensor<?x3xf32>) {\n  " +
      statement + "\n  return\n}\n";
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  std::string diagnostics, printed;
  auto module = mlir::stablehlo::parseStablehlo(context, text, "pretty.mlir", diagnostics);
  ASSERT_TRUE(module) << diagnostics;
  llvm::raw_string_ostream out(printed);
  module->print(out);
  EXPECT_NE(printed.find(statement + "\n"), std::string::npos) << printed;
}

INSTANTIATE_TEST_SUITE_P(
    elementwise, pretty,
    testing::Values(
        "%0 = stablehlo.add %arg0, %arg1 : tensor<2x3xf32>",
        "%0 = stablehlo.add %arg0, %arg13 : (tensor<2x3xf32>, tensor<?x3xf32>) -> tensor<2x3xf32>",
        "%0 = stablehlo.abs %arg0 : tensor<2x3xf32>",
        "%0 = stablehlo.abs %arg6 : (tensor<2x3xcomplex<f32>>) -> tensor<2x3xf32>",
        "%0 = stablehlo.exponential %arg0 {result_accuracy = #stablehlo.result_accuracy<atol = 1.000000e-03, "
        "rtol = "
        "0.000000e+00, ulps = 2, mode = #stablehlo.result_accuracy_mode<TOLERANCE>>} : tensor<2x3xf32>",
        "%0 = stablehlo.is_finite %arg0 : (tensor<2x3xf32>) -> tensor<2x3xi1>",
        "%0 = stablehlo.convert %arg0 : (tensor<2x3xf32>) -> tensor<2x3xi32>",
        "%0 = stablehlo.compare  LT, %arg0, %arg1,  TOTALORDER : (tensor<2x3xf32>, tensor<2x3xf32>) -> "
        "tensor<2x3xi1>",
        "%0 = stablehlo.select %arg2, %arg0, %arg1 : tensor<2x3xi1>, tensor<2x3xf32>",
        "%0 = stablehlo.clamp %arg3, %arg0, %arg3 : (tensor<f32>, tensor<2x3xf32>, tensor<f32>) -> "
        "tensor<2x3xf32>",
        "%0 = stablehlo.clamp %arg0, %arg0, %arg1 : tensor<2x3xf32>",
        "%0 = stablehlo.complex %arg0, %arg1 : tensor<2x3xcomplex<f32>>",
        "%0 = stablehlo.reduce_precision %arg0, format = e5m10 : tensor<2x3xf32>",
        "%0 = stablehlo.bitcast_convert %arg0 : (tensor<2x3xf32>) -> tensor<2x3x4xi8>",
        "%0 = stablehlo.constant dense<[true, false, true]> : tensor<3xi1>",
        "%0 = stablehlo.constant() <{value = dense<1> : tensor<2xi8>}> : () -> "
        "tensor<2x!quant.uniform<i8:f32, "
        "5.000000e-01:1>>"));

INSTANTIATE_TEST_SUITE_P(
    movement, pretty,
    testing::Values("%0 = stablehlo.broadcast_in_dim %arg3, dims = [] : (tensor<f32>) -> tensor<2x3xf32>",
                    "%0 = stablehlo.concatenate %arg0, %arg1, dim = 0 : (tensor<2x3xf32>, tensor<2x3xf32>) "
                    "-> tensor<4x3xf32>",
                    "%0 = stablehlo.dynamic_slice %arg0, %arg4, %arg4, sizes = [1, 2] : (tensor<2x3xf32>, "
                    "tensor<i32>, tensor<i32>) "
                    "-> tensor<1x2xf32>",
                    "%0 = stablehlo.iota dim = 1 : tensor<2x3xui8>",
                    "%0 = stablehlo.pad %arg0, %arg3, low = [0, -1], high = [1, 1], interior = [1, 0] : "
                    "(tensor<2x3xf32>, "
                    "tensor<f32>) -> tensor<4x3xf32>",
                    "%0 = stablehlo.reverse %arg0, dims = [0, 1] : tensor<2x3xf32>",
                    "%0 = stablehlo.slice %arg0 [0:2, 0:3:2] : (tensor<2x3xf32>) -> tensor<2x2xf32>",
                    "%0 = stablehlo.transpose %arg0, dims = [1, 0] : (tensor<2x3xf32>) -> tensor<3x2xf32>",
                    "%0 = stablehlo.get_dimension_size %arg13, dim = 0 : (tensor<?x3xf32>) -> tensor<i32>",
                    "%0 = stablehlo.dynamic_iota %arg8, dim = 1 : (tensor<2xi64>) -> tensor<?x?xf32>",
                    "%0 = stablehlo.dynamic_broadcast_in_dim %arg3, %arg8, dims = [] "
                    "{known_expanding_dimensions = array<i64>} : "
                    "(tensor<f32>, tensor<2xi64>) -> tensor<?x?xf32>"));

INSTANTIATE_TEST_SUITE_P(
    algebra, pretty,
    testing::Values(
        "%0 = stablehlo.dot_general %arg0, %arg1, contracting_dims = [1] x [1] : (tensor<2x3xf32>, "
        "tensor<2x3xf32>) -> "
        "tensor<2x2xf32>",
        "%0 = stablehlo.dot_general %arg0, %arg1, batching_dims = [0] x [0], contracting_dims = [1] x [1], "
        "precision = "
        "[DEFAULT, HIGHEST], algorithm = <lhs_precision_type = tf32, rhs_precision_type = tf32, "
        "accumulation_type = "
        "f32, lhs_component_count = 1, rhs_component_count = 1, num_primitive_operations = 1, "
        "allow_imprecise_accumulation = false> : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2xf32>",
        "%0 = stablehlo.dot %arg7, %arg0 : (tensor<2x2xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>",
        "%0 = stablehlo.convolution(%arg11, %arg12) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], "
        "window = "
        "{stride = [2, 2], pad = [[1, 1], [0, 2]], rhs_dilate = [1, 1], reverse = [false, true]} "
        "{batch_group_count = "
        "1 : i64, feature_group_count = 1 : i64, precision_config = [#stablehlo<precision DEFAULT>, "
        "#stablehlo<precision HIGH>]} : (tensor<1x4x4x2xf32>, tensor<3x3x2x5xf32>) -> tensor<1x2x2x5xf32>",
        "%0 = stablehlo.cholesky %arg7, lower = true : tensor<2x2xf32>",
        "%0 = stablehlo.fft %arg6, type =  FFT, length = [3] : (tensor<2x3xcomplex<f32>>) -> "
        "tensor<2x3xcomplex<f32>>",
        "%0 = stablehlo.einsum %arg0, %arg1, config = \"ab,cb->ac\" : (tensor<2x3xf32>, tensor<2x3xf32>) -> "
        "tensor<2x2xf32>",
        "%0 = stablehlo.reduce(%arg0 init: %arg3) applies stablehlo.maximum across dimensions = [0] : "
        "(tensor<2x3xf32>, tensor<f32>) -> tensor<3xf32>",
        "%0 = stablehlo.reduce(%arg0 init: %arg3) across dimensions = [0] : (tensor<2x3xf32>, tensor<f32>) "
        "-> "
        "tensor<3xf32>\n     reducer(%arg14: tensor<f32>, %arg15: tensor<f32>) {\n      %1 = stablehlo.add "
        "%arg15, "
        "%arg14 : tensor<f32>\n      stablehlo.return %1 : tensor<f32>\n    }"));

INSTANTIATE_TEST_SUITE_P(
    control, pretty,
    testing::Values(
        "%0 = stablehlo.while(%iterArg = %arg4) : tensor<i32> attributes {wherry.note = 1 : i32}\n    cond "
        "{\n      %1 = "
        "stablehlo.compare  LT, %iterArg, %arg4 : (tensor<i32>, tensor<i32>) -> tensor<i1>\n      "
        "stablehlo.return %1 "
        ": tensor<i1>\n    } do {\n      stablehlo.return %iterArg : tensor<i32>\n    }",
        "%0:2 = stablehlo.optimization_barrier %arg0, %arg4 : tensor<2x3xf32>, tensor<i32>",
        "%0 = stablehlo.custom_call @\"a b\"(%arg0) {api_version = 4 : i32, backend_config = {a = 1 : i32}, "
        "has_side_effect = true, operand_layouts = [dense<[1, 0]> : tensor<2xindex>], output_operand_aliases "
        "= "
        "[#stablehlo.output_operand_alias<output_tuple_indices = [], operand_index = 0, "
        "operand_tuple_indices = []>]} "
        ": (tensor<2x3xf32>) -> tensor<2x3xf32>",
        "%0 = stablehlo.composite \"chlo.erf\" %arg0 {composite_attributes = {k = 1 : i64}, decomposition = "
        "@impl, "
        "version = 1 : i32} : (tensor<2x3xf32>) -> tensor<2x3xf32>",
        "%0 = stablehlo.tuple %arg0, %arg5 : tuple<tensor<2x3xf32>, !stablehlo.token>",
        "%0 = stablehlo.get_tuple_element %arg10[0] : (tuple<tensor<2x3xf32>, !stablehlo.token>) -> "
        "tensor<2x3xf32>",
        "%0 = stablehlo.after_all %arg5, %arg5 : !stablehlo.token",
        "%0 = stablehlo.create_token : !stablehlo.token", "%0 = stablehlo.replica_id : tensor<ui32>",
        "%0 = stablehlo.rng %arg3, %arg3, %arg8, distribution =  UNIFORM : (tensor<f32>, tensor<f32>, "
        "tensor<2xi64>) "
        "-> tensor<2x3xf32>",
        "%output_state, %output = stablehlo.rng_bit_generator %arg9, algorithm =  THREE_FRY : "
        "(tensor<2xui64>) -> "
        "(tensor<2xui64>, tensor<4xui32>)",
        "%0 = chlo.erf %arg0 : tensor<2x3xf32> -> tensor<2x3xf32>",
        "%0 = chlo.next_after %arg0, %arg1 : tensor<2x3xf32>, tensor<2x3xf32> -> tensor<2x3xf32>",
        "%0 = chlo.broadcast_add %arg0, %arg3 : (tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xf32>",
        "%values, %indices = chlo.top_k(%arg0, k = 2) : tensor<2x3xf32> -> (tensor<2x2xf32>, "
        "tensor<2x2xi32>)",
        "check.expect_eq %arg0, %arg1 : tensor<2x3xf32>",
        "check.expect_almost_eq %arg0, %arg1, tolerance = 1.000000e-01 : tensor<2x3xf32>",
        "check.expect_close %arg0, %arg1, max_ulp_difference = 4, min_ulp_difference = 1 : tensor<2x3xf32>, "
        "tensor<2x3xf32>",
        "%0 = interpreter.probe %arg0, probe_id = \"x\" : tensor<2x3xf32>"));

}  // namespace
