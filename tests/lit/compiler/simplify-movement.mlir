// RUN: wherry-opt --simplify --split-input-file %s | FileCheck %s

// A broadcast in two steps is one, and keeps no extent of 1 in its operand.
// CHECK-LABEL: func.func @bias
// CHECK-NEXT: %[[B:.*]] = stablehlo.broadcast_in_dim %arg0, dims = [1] : (tensor<8xf32>) -> tensor<4x8xf32>
// CHECK-NEXT: return %[[B]]
func.func @bias(%x: tensor<8xf32>) -> tensor<4x8xf32> {
  %0 = stablehlo.broadcast_in_dim %x, dims = [1] : (tensor<8xf32>) -> tensor<1x8xf32>
  %1 = stablehlo.broadcast_in_dim %0, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<4x8xf32>
  return %1 : tensor<4x8xf32>
}

// -----

// A transpose that moves only extents of 1 is a reshape.
// CHECK-LABEL: func.func @moved
// CHECK-NEXT: stablehlo.reshape
// CHECK-NEXT: return
func.func @moved(%x: tensor<3x1x5xf32>) -> tensor<1x3x5xf32> {
  %0 = stablehlo.transpose %x, dims = [1, 0, 2] : (tensor<3x1x5xf32>) -> tensor<1x3x5xf32>
  return %0 : tensor<1x3x5xf32>
}

// -----

// A broadcast that swaps dimensions multiplies nothing, but is no reshape.
// CHECK-LABEL: func.func @swapped
// CHECK-NOT: reshape
// CHECK: broadcast_in_dim
func.func @swapped(%x: tensor<3x5xf32>) -> tensor<5x3xf32> {
  %0 = stablehlo.broadcast_in_dim %x, dims = [1, 0] : (tensor<3x5xf32>) -> tensor<5x3xf32>
  return %0 : tensor<5x3xf32>
}
