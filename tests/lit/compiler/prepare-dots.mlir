// RUN: wherry-opt --prepare-dots %s | FileCheck %s

// Dimensions 0 and 2 of the left operand have no common stride, and three columns are too few to gather.
// CHECK-LABEL: func.func @main
// CHECK: %[[A:.*]] = stablehlo.transpose %arg0, dims = [1, 0, 2]
// CHECK: stablehlo.dot_general %[[A]], %{{.*}}, contracting_dims = [1, 2] x
func.func @main(%a: tensor<6x400x5xf32>, %b: tensor<6x5x3xf32>) -> tensor<400x3xf32> {
  %0 = stablehlo.dot_general %a, %b, contracting_dims = [0, 2] x [0, 1] : (tensor<6x400x5xf32>, tensor<6x5x3xf32>) -> tensor<400x3xf32>
  return %0 : tensor<400x3xf32>
}

// With more columns the kernels step through both dimensions as they are.
// CHECK-LABEL: func.func @gathered
// CHECK-NOT: stablehlo.transpose
// CHECK: return
func.func @gathered(%a: tensor<6x40x5xf32>, %b: tensor<6x5x30xf32>) -> tensor<40x30xf32> {
  %0 = stablehlo.dot_general %a, %b, contracting_dims = [0, 2] x [0, 1] : (tensor<6x40x5xf32>, tensor<6x5x30xf32>) -> tensor<40x30xf32>
  return %0 : tensor<40x30xf32>
}
