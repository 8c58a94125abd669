// RUN: wherry-opt --expand-ops %s | FileCheck %s

// In a region that becomes a part of a kernel, both sides are computed and one is chosen.
// CHECK-LABEL: func.func @in_a_map
// CHECK: stablehlo.negate
// CHECK-NEXT: stablehlo.select
// CHECK-NOT: stablehlo.if
func.func @in_a_map(%x: tensor<4xf32>, %p: tensor<i1>) -> tensor<4xf32> {
  %0 = "stablehlo.map"(%x) ({
    ^bb0(%a: tensor<f32>):
      %1 = "stablehlo.if"(%p) ({
        stablehlo.return %a : tensor<f32>
      }, {
        %n = stablehlo.negate %a : tensor<f32>
        stablehlo.return %n : tensor<f32>
      }) : (tensor<i1>) -> tensor<f32>
      stablehlo.return %1 : tensor<f32>
  }) {dimensions = array<i64: 0>} : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// Elsewhere only the side that is taken runs.
// CHECK-LABEL: func.func @in_a_function
// CHECK: "stablehlo.if"
func.func @in_a_function(%x: tensor<4xf32>, %p: tensor<i1>) -> tensor<4xf32> {
  %1 = "stablehlo.if"(%p) ({
    stablehlo.return %x : tensor<4xf32>
  }, {
    %n = stablehlo.negate %x : tensor<4xf32>
    stablehlo.return %n : tensor<4xf32>
  }) : (tensor<i1>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}
