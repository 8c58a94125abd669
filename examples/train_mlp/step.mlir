// One training step of a 784-256-128-10 multilayer perceptron: forward pass (ReLU), softmax cross-entropy, backward
// pass, SGD with momentum 0.9. Parameters and velocities are donated: their new values live in their memory.
// BATCH is replaced by the batch size before parsing.
//
// Results: the parameters, the velocities, the mean loss of the batch.

func.func public @main(
    %w1: tensor<784x256xf32> {tf.aliasing_output = 0 : i32},
    %b1: tensor<256xf32> {tf.aliasing_output = 1 : i32},
    %w2: tensor<256x128xf32> {tf.aliasing_output = 2 : i32},
    %b2: tensor<128xf32> {tf.aliasing_output = 3 : i32},
    %w3: tensor<128x10xf32> {tf.aliasing_output = 4 : i32},
    %b3: tensor<10xf32> {tf.aliasing_output = 5 : i32},
    %v_w1: tensor<784x256xf32> {tf.aliasing_output = 6 : i32},
    %v_b1: tensor<256xf32> {tf.aliasing_output = 7 : i32},
    %v_w2: tensor<256x128xf32> {tf.aliasing_output = 8 : i32},
    %v_b2: tensor<128xf32> {tf.aliasing_output = 9 : i32},
    %v_w3: tensor<128x10xf32> {tf.aliasing_output = 10 : i32},
    %v_b3: tensor<10xf32> {tf.aliasing_output = 11 : i32},
    %images: tensor<BATCHx784xf32>,
    %labels: tensor<BATCHxi32>,
    %rate: tensor<f32>)
    -> (tensor<784x256xf32>, tensor<256xf32>, tensor<256x128xf32>, tensor<128xf32>, tensor<128x10xf32>, tensor<10xf32>, tensor<784x256xf32>, tensor<256xf32>, tensor<256x128xf32>, tensor<128xf32>, tensor<128x10xf32>, tensor<10xf32>, tensor<f32>) {
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %lowest = stablehlo.constant dense<0xFF800000> : tensor<f32>
  %momentum = stablehlo.constant dense<0.9> : tensor<f32>
  %scale = stablehlo.constant dense<BATCH.0> : tensor<f32>

  // Forward.
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

  // Softmax cross-entropy with the labels as one-hot rows.
  %top = stablehlo.reduce(%z3 init: %lowest) applies stablehlo.maximum across dimensions = [1] : (tensor<BATCHx10xf32>, tensor<f32>) -> tensor<BATCHxf32>
  %top_rows = stablehlo.broadcast_in_dim %top, dims = [0] : (tensor<BATCHxf32>) -> tensor<BATCHx10xf32>
  %shifted = stablehlo.subtract %z3, %top_rows : tensor<BATCHx10xf32>
  %exp = stablehlo.exponential %shifted : tensor<BATCHx10xf32>
  %sum = stablehlo.reduce(%exp init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<BATCHx10xf32>, tensor<f32>) -> tensor<BATCHxf32>
  %log_sum = stablehlo.log %sum : tensor<BATCHxf32>
  %log_sum_rows = stablehlo.broadcast_in_dim %log_sum, dims = [0] : (tensor<BATCHxf32>) -> tensor<BATCHx10xf32>
  %log_p = stablehlo.subtract %shifted, %log_sum_rows : tensor<BATCHx10xf32>
  %classes = stablehlo.iota dim = 1 : tensor<BATCHx10xi32>
  %label_rows = stablehlo.broadcast_in_dim %labels, dims = [0] : (tensor<BATCHxi32>) -> tensor<BATCHx10xi32>
  %is_label = stablehlo.compare EQ, %classes, %label_rows, SIGNED : (tensor<BATCHx10xi32>, tensor<BATCHx10xi32>) -> tensor<BATCHx10xi1>
  %one_hot = stablehlo.convert %is_label : (tensor<BATCHx10xi1>) -> tensor<BATCHx10xf32>
  %picked = stablehlo.multiply %one_hot, %log_p : tensor<BATCHx10xf32>
  %log_likelihood = stablehlo.reduce(%picked init: %zero) applies stablehlo.add across dimensions = [0, 1] : (tensor<BATCHx10xf32>, tensor<f32>) -> tensor<f32>
  %mean = stablehlo.divide %log_likelihood, %scale : tensor<f32>
  %loss = stablehlo.negate %mean : tensor<f32>

  // Backward.
  %p = stablehlo.exponential %log_p : tensor<BATCHx10xf32>
  %error = stablehlo.subtract %p, %one_hot : tensor<BATCHx10xf32>
  %scale_rows = stablehlo.broadcast_in_dim %scale, dims = [] : (tensor<f32>) -> tensor<BATCHx10xf32>
  %d3 = stablehlo.divide %error, %scale_rows : tensor<BATCHx10xf32>
  %g_w3 = stablehlo.dot_general %h2, %d3, contracting_dims = [0] x [0] : (tensor<BATCHx128xf32>, tensor<BATCHx10xf32>) -> tensor<128x10xf32>
  %g_b3 = stablehlo.reduce(%d3 init: %zero) applies stablehlo.add across dimensions = [0] : (tensor<BATCHx10xf32>, tensor<f32>) -> tensor<10xf32>
  %d2_all = stablehlo.dot_general %d3, %w3, contracting_dims = [1] x [1] : (tensor<BATCHx10xf32>, tensor<128x10xf32>) -> tensor<BATCHx128xf32>
  %on2 = stablehlo.compare GT, %z2, %zero2, FLOAT : (tensor<BATCHx128xf32>, tensor<BATCHx128xf32>) -> tensor<BATCHx128xi1>
  %d2 = stablehlo.select %on2, %d2_all, %zero2 : tensor<BATCHx128xi1>, tensor<BATCHx128xf32>
  %g_w2 = stablehlo.dot_general %h1, %d2, contracting_dims = [0] x [0] : (tensor<BATCHx256xf32>, tensor<BATCHx128xf32>) -> tensor<256x128xf32>
  %g_b2 = stablehlo.reduce(%d2 init: %zero) applies stablehlo.add across dimensions = [0] : (tensor<BATCHx128xf32>, tensor<f32>) -> tensor<128xf32>
  %d1_all = stablehlo.dot_general %d2, %w2, contracting_dims = [1] x [1] : (tensor<BATCHx128xf32>, tensor<256x128xf32>) -> tensor<BATCHx256xf32>
  %on1 = stablehlo.compare GT, %z1, %zero1, FLOAT : (tensor<BATCHx256xf32>, tensor<BATCHx256xf32>) -> tensor<BATCHx256xi1>
  %d1 = stablehlo.select %on1, %d1_all, %zero1 : tensor<BATCHx256xi1>, tensor<BATCHx256xf32>
  %g_w1 = stablehlo.dot_general %images, %d1, contracting_dims = [0] x [0] : (tensor<BATCHx784xf32>, tensor<BATCHx256xf32>) -> tensor<784x256xf32>
  %g_b1 = stablehlo.reduce(%d1 init: %zero) applies stablehlo.add across dimensions = [0] : (tensor<BATCHx256xf32>, tensor<f32>) -> tensor<256xf32>

  // Momentum: v = 0.9 v + g; w = w - rate v.
  %m_w1 = stablehlo.broadcast_in_dim %momentum, dims = [] : (tensor<f32>) -> tensor<784x256xf32>
  %kept_w1 = stablehlo.multiply %m_w1, %v_w1 : tensor<784x256xf32>
  %new_v_w1 = stablehlo.add %kept_w1, %g_w1 : tensor<784x256xf32>
  %rate_w1 = stablehlo.broadcast_in_dim %rate, dims = [] : (tensor<f32>) -> tensor<784x256xf32>
  %step_w1 = stablehlo.multiply %rate_w1, %new_v_w1 : tensor<784x256xf32>
  %new_w1 = stablehlo.subtract %w1, %step_w1 : tensor<784x256xf32>
  %m_b1 = stablehlo.broadcast_in_dim %momentum, dims = [] : (tensor<f32>) -> tensor<256xf32>
  %kept_b1 = stablehlo.multiply %m_b1, %v_b1 : tensor<256xf32>
  %new_v_b1 = stablehlo.add %kept_b1, %g_b1 : tensor<256xf32>
  %rate_b1 = stablehlo.broadcast_in_dim %rate, dims = [] : (tensor<f32>) -> tensor<256xf32>
  %step_b1 = stablehlo.multiply %rate_b1, %new_v_b1 : tensor<256xf32>
  %new_b1 = stablehlo.subtract %b1, %step_b1 : tensor<256xf32>
  %m_w2 = stablehlo.broadcast_in_dim %momentum, dims = [] : (tensor<f32>) -> tensor<256x128xf32>
  %kept_w2 = stablehlo.multiply %m_w2, %v_w2 : tensor<256x128xf32>
  %new_v_w2 = stablehlo.add %kept_w2, %g_w2 : tensor<256x128xf32>
  %rate_w2 = stablehlo.broadcast_in_dim %rate, dims = [] : (tensor<f32>) -> tensor<256x128xf32>
  %step_w2 = stablehlo.multiply %rate_w2, %new_v_w2 : tensor<256x128xf32>
  %new_w2 = stablehlo.subtract %w2, %step_w2 : tensor<256x128xf32>
  %m_b2 = stablehlo.broadcast_in_dim %momentum, dims = [] : (tensor<f32>) -> tensor<128xf32>
  %kept_b2 = stablehlo.multiply %m_b2, %v_b2 : tensor<128xf32>
  %new_v_b2 = stablehlo.add %kept_b2, %g_b2 : tensor<128xf32>
  %rate_b2 = stablehlo.broadcast_in_dim %rate, dims = [] : (tensor<f32>) -> tensor<128xf32>
  %step_b2 = stablehlo.multiply %rate_b2, %new_v_b2 : tensor<128xf32>
  %new_b2 = stablehlo.subtract %b2, %step_b2 : tensor<128xf32>
  %m_w3 = stablehlo.broadcast_in_dim %momentum, dims = [] : (tensor<f32>) -> tensor<128x10xf32>
  %kept_w3 = stablehlo.multiply %m_w3, %v_w3 : tensor<128x10xf32>
  %new_v_w3 = stablehlo.add %kept_w3, %g_w3 : tensor<128x10xf32>
  %rate_w3 = stablehlo.broadcast_in_dim %rate, dims = [] : (tensor<f32>) -> tensor<128x10xf32>
  %step_w3 = stablehlo.multiply %rate_w3, %new_v_w3 : tensor<128x10xf32>
  %new_w3 = stablehlo.subtract %w3, %step_w3 : tensor<128x10xf32>
  %m_b3 = stablehlo.broadcast_in_dim %momentum, dims = [] : (tensor<f32>) -> tensor<10xf32>
  %kept_b3 = stablehlo.multiply %m_b3, %v_b3 : tensor<10xf32>
  %new_v_b3 = stablehlo.add %kept_b3, %g_b3 : tensor<10xf32>
  %rate_b3 = stablehlo.broadcast_in_dim %rate, dims = [] : (tensor<f32>) -> tensor<10xf32>
  %step_b3 = stablehlo.multiply %rate_b3, %new_v_b3 : tensor<10xf32>
  %new_b3 = stablehlo.subtract %b3, %step_b3 : tensor<10xf32>
  return %new_w1, %new_b1, %new_w2, %new_b2, %new_w3, %new_b3, %new_v_w1, %new_v_b1, %new_v_w2, %new_v_b2, %new_v_w3, %new_v_b3, %loss
      : tensor<784x256xf32>, tensor<256xf32>, tensor<256x128xf32>, tensor<128xf32>, tensor<128x10xf32>, tensor<10xf32>, tensor<784x256xf32>, tensor<256xf32>, tensor<256x128xf32>, tensor<128xf32>, tensor<128x10xf32>, tensor<10xf32>, tensor<f32>
}
