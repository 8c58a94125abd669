// RUN: wherry-opt --expand-ops %s | FileCheck %s

// Padding is a pad of as many elements as the windows see: the last column is left out.
// CHECK-LABEL: func.func @padded
// CHECK: stablehlo.pad %arg0, %{{.*}}, low = [0, 1, 0, 0], high = [0, 1, -1, 0], interior = [0, 0, 0, 0]
// CHECK: stablehlo.convolution({{.*}}window = {stride = [1, 2], rhs_dilate = [1, 1]}
func.func @padded(%x: tensor<2x8x8x3xf32>, %w: tensor<3x3x3x4xf32>) -> tensor<2x8x3x4xf32> {
  %0 = stablehlo.convolution(%x, %w) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {stride = [1, 2], pad = [[1, 1], [0, 0]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<2x8x8x3xf32>, tensor<3x3x3x4xf32>) -> tensor<2x8x3x4xf32>
  return %0 : tensor<2x8x3x4xf32>
}

// A dilated input is convolved as it is, with twice as many features for each dilated dimension.
// CHECK-LABEL: func.func @dilated
// CHECK: stablehlo.convolution({{.*}} -> tensor<2x4x4x16xf32>
// CHECK: stablehlo.transpose
func.func @dilated(%x: tensor<2x4x4x3xf32>, %w: tensor<3x3x3x4xf32>) -> tensor<2x8x8x4xf32> {
  %0 = stablehlo.convolution(%x, %w) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {pad = [[1, 2], [1, 2]], lhs_dilate = [2, 2]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<2x4x4x3xf32>, tensor<3x3x3x4xf32>) -> tensor<2x8x8x4xf32>
  return %0 : tensor<2x8x8x4xf32>
}

// Without a window it is a dot.
// CHECK-LABEL: func.func @pointwise
// CHECK-NOT: stablehlo.convolution
// CHECK: stablehlo.dot_general
func.func @pointwise(%x: tensor<2x8x8x3xf32>, %w: tensor<1x1x3x4xf32>) -> tensor<2x8x8x4xf32> {
  %0 = stablehlo.convolution(%x, %w) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<2x8x8x3xf32>, tensor<1x1x3x4xf32>) -> tensor<2x8x8x4xf32>
  return %0 : tensor<2x8x8x4xf32>
}
