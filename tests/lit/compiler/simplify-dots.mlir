// RUN: wherry-opt --simplify --split-input-file %s | FileCheck %s

// Transposed operands are read where they lie.
// CHECK-LABEL: func.func @operands
// CHECK-NEXT: stablehlo.dot_general %arg0, %arg1, contracting_dims = [0] x [1]
// CHECK-NEXT: return
func.func @operands(%a: tensor<8x4xf32>, %b: tensor<6x8xf32>) -> tensor<4x6xf32> {
  %0 = stablehlo.transpose %a, dims = [1, 0] : (tensor<8x4xf32>) -> tensor<4x8xf32>
  %1 = stablehlo.transpose %b, dims = [1, 0] : (tensor<6x8xf32>) -> tensor<8x6xf32>
  %2 = stablehlo.dot_general %0, %1, contracting_dims = [1] x [0] : (tensor<4x8xf32>, tensor<8x6xf32>) -> tensor<4x6xf32>
  return %2 : tensor<4x6xf32>
}

// -----

// The transpose of a product exchanges its operands.
// CHECK-LABEL: func.func @result
// CHECK-NEXT: stablehlo.dot_general %arg1, %arg0, contracting_dims = [0] x [0]
// CHECK-SAME: -> tensor<6x4xf32>
// CHECK-NEXT: return
func.func @result(%a: tensor<8x4xf32>, %b: tensor<8x6xf32>) -> tensor<6x4xf32> {
  %0 = stablehlo.dot_general %a, %b, contracting_dims = [0] x [0] : (tensor<8x4xf32>, tensor<8x6xf32>) -> tensor<4x6xf32>
  %1 = stablehlo.transpose %0, dims = [1, 0] : (tensor<4x6xf32>) -> tensor<6x4xf32>
  return %1 : tensor<6x4xf32>
}

// -----

// Free dimensions that change their order keep their transpose.
// CHECK-LABEL: func.func @order
// CHECK: stablehlo.transpose
func.func @order(%a: tensor<3x4x8xf32>, %b: tensor<8x6xf32>) -> tensor<4x3x6xf32> {
  %0 = stablehlo.transpose %a, dims = [1, 0, 2] : (tensor<3x4x8xf32>) -> tensor<4x3x8xf32>
  %1 = stablehlo.dot_general %0, %b, contracting_dims = [2] x [0] : (tensor<4x3x8xf32>, tensor<8x6xf32>) -> tensor<4x3x6xf32>
  return %1 : tensor<4x3x6xf32>
}
