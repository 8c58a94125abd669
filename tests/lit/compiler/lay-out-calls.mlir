// RUN: wherry-opt --lay-out-calls %s | FileCheck %s
// RUN: wherry-opt --lay-out-calls --simplify %s | FileCheck %s --check-prefix=SIMPLE

// What is row-major stays as it is.
// CHECK-LABEL: func.func @rows
// CHECK-NEXT: custom_call @f(%arg0)
// CHECK-SAME: (tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: return
func.func @rows(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = stablehlo.custom_call @f(%x) {operand_layouts = [dense<[1, 0]> : tensor<2xindex>], result_layouts = [dense<[1, 0]> : tensor<2xindex>]} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: func.func @columns
// CHECK-NEXT: %[[T:.*]] = stablehlo.transpose %arg0, dims = [1, 0] : (tensor<2x3xf32>) -> tensor<3x2xf32>
// CHECK-NEXT: %[[C:.*]]:2 = stablehlo.custom_call @f(%[[T]])
// CHECK-SAME: (tensor<3x2xf32>) -> (tensor<3x2xf32>, tensor<2xf32>)
// CHECK-NEXT: %[[R:.*]] = stablehlo.transpose %[[C]]#0, dims = [1, 0] : (tensor<3x2xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: return %[[R]], %[[C]]#1
func.func @columns(%x: tensor<2x3xf32>) -> (tensor<2x3xf32>, tensor<2xf32>) {
  %0:2 = stablehlo.custom_call @f(%x) {operand_layouts = [dense<[0, 1]> : tensor<2xindex>], result_layouts = [dense<[0, 1]> : tensor<2xindex>, dense<0> : tensor<1xindex>]} : (tensor<2x3xf32>) -> (tensor<2x3xf32>, tensor<2xf32>)
  return %0#0, %0#1 : tensor<2x3xf32>, tensor<2xf32>
}

// JAX's batches: rows vary fastest, then columns, then matrices.
// CHECK-LABEL: func.func @batch
// CHECK-NEXT: stablehlo.transpose %arg0, dims = [0, 2, 1] : (tensor<5x2x3xf32>) -> tensor<5x3x2xf32>
func.func @batch(%x: tensor<5x2x3xf32>) -> tensor<f32> {
  %0 = stablehlo.custom_call @f(%x) {operand_layouts = [dense<[1, 2, 0]> : tensor<3xindex>], result_layouts = [dense<> : tensor<0xindex>]} : (tensor<5x2x3xf32>) -> tensor<f32>
  return %0 : tensor<f32>
}

// Between two calls of one layout nothing is left to do.
// SIMPLE-LABEL: func.func @chain
// SIMPLE: stablehlo.custom_call @f
// SIMPLE-NEXT: stablehlo.custom_call @g
func.func @chain(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = stablehlo.custom_call @f(%x) {operand_layouts = [dense<[0, 1]> : tensor<2xindex>], result_layouts = [dense<[0, 1]> : tensor<2xindex>]} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %1 = stablehlo.custom_call @g(%0) {operand_layouts = [dense<[0, 1]> : tensor<2xindex>], result_layouts = [dense<[0, 1]> : tensor<2xindex>]} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %1 : tensor<2x3xf32>
}
