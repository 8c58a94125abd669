// Evaluation of the same network on one batch: how many images are classified right. A batch that is not full is
// padded, and `mask` is 0 for padding. BATCH is replaced by the batch size before parsing.

func.func public @main(
    %w1: tensor<784x256xf32>,
    %b1: tensor<256xf32>,
    %w2: tensor<256x128xf32>,
    %b2: tensor<128xf32>,
    %w3: tensor<128x10xf32>,
    %b3: tensor<10xf32>,
    %images: tensor<BATCHx784xf32>,
    %labels: tensor<BATCHxi32>,
    %mask: tensor<BATCHxi32>) -> tensor<i32> {
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %lowest = stablehlo.constant dense<0xFF800000> : tensor<f32>
  %none = stablehlo.constant dense<0> : tensor<i32>
  %ten = stablehlo.constant dense<10> : tensor<i32>

  %z1_dot = stablehlo.dot_general %images, %w1, contracting_dims = [1] x [0] : (tensor<BATCHx784xf32>, tensor<784x256xf32>) -> tensor<BATCHx256xf32>
  %b1_rows = stablehlo.broadcast_in_dim %b1, dims = [1] : (tensor<256xf32>) -> tensor<BATCHx256xf32>
  %z1 = stablehlo.add %z1_dot, %b1_rows : tensor<BATCHx256xf32>
  %zero1 = stablehlo.broadcast_in_dim %zero, dims = [] : (tensor<f32>) -> tensor<BATCHx256xf32>
  %h1 = stablehlo.maximum %z1, %zero1 : tensor<BATCHx256xf32>
  %z2_dot = stablehlo.dot_general %h1, %w2, contracting_dims = [1] x [0] : (tensor<BATCHx256xf32>, tensor<256x128xf32>) -> tensor<BATCHx128xf32>
  %b2_rows = stablehlo.broadcast_in_dim %b2, dims = [1] : (tensor<128xf32>) -> tensor<BATCHx128xf32>
  %z2 = stablehlo.add %z2_dot, %b2_rows : tensor<BATCHx128xf32>
  %zero2 = stablehlo.broadcast_in_dim %zero, dims = [] : (tensor<f32>) -> tensor<BATCHx128xf32>
  %h2 = stablehlo.maximum %z2, %zero2 : tensor<BATCHx128xf32>
  %z3_dot = stablehlo.dot_general %h2, %w3, contracting_dims = [1] x [0] : (tensor<BATCHx128xf32>, tensor<128x10xf32>) -> tensor<BATCHx10xf32>
  %b3_rows = stablehlo.broadcast_in_dim %b3, dims = [1] : (tensor<10xf32>) -> tensor<BATCHx10xf32>
  %z3 = stablehlo.add %z3_dot, %b3_rows : tensor<BATCHx10xf32>

  // The first class that has the largest score.
  %top = stablehlo.reduce(%z3 init: %lowest) applies stablehlo.maximum across dimensions = [1] : (tensor<BATCHx10xf32>, tensor<f32>) -> tensor<BATCHxf32>
  %top_rows = stablehlo.broadcast_in_dim %top, dims = [0] : (tensor<BATCHxf32>) -> tensor<BATCHx10xf32>
  %is_top = stablehlo.compare EQ, %z3, %top_rows, FLOAT : (tensor<BATCHx10xf32>, tensor<BATCHx10xf32>) -> tensor<BATCHx10xi1>
  %classes = stablehlo.iota dim = 1 : tensor<BATCHx10xi32>
  %ten_rows = stablehlo.broadcast_in_dim %ten, dims = [] : (tensor<i32>) -> tensor<BATCHx10xi32>
  %candidates = stablehlo.select %is_top, %classes, %ten_rows : tensor<BATCHx10xi1>, tensor<BATCHx10xi32>
  %guess = stablehlo.reduce(%candidates init: %ten) applies stablehlo.minimum across dimensions = [1] : (tensor<BATCHx10xi32>, tensor<i32>) -> tensor<BATCHxi32>
  %is_right = stablehlo.compare EQ, %guess, %labels, SIGNED : (tensor<BATCHxi32>, tensor<BATCHxi32>) -> tensor<BATCHxi1>
  %right = stablehlo.convert %is_right : (tensor<BATCHxi1>) -> tensor<BATCHxi32>
  %counted = stablehlo.multiply %right, %mask : tensor<BATCHxi32>
  %count = stablehlo.reduce(%counted init: %none) applies stablehlo.add across dimensions = [0] : (tensor<BATCHxi32>, tensor<i32>) -> tensor<i32>
  return %count : tensor<i32>
}
