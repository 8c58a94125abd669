// One step of training tanh(x w1 + b1) w2 to give y, by gradient descent on the mean of the squared errors.
// The parameters are donated: the new ones live where the old ones were.
module @descend {
  func.func @main(%w1: tensor<32x128xf32> {tf.aliasing_output = 0 : i32}, %b1: tensor<128xf32> {tf.aliasing_output = 1 : i32},
                  %w2: tensor<128x8xf32> {tf.aliasing_output = 2 : i32}, %x: tensor<256x32xf32>, %y: tensor<256x8xf32>)
      -> (tensor<32x128xf32>, tensor<128xf32>, tensor<128x8xf32>, tensor<f32>) {
    %zero = stablehlo.constant dense<0.0> : tensor<f32>
    %one = stablehlo.constant dense<1.0> : tensor<256x128xf32>
    %scale = stablehlo.constant dense<4.8828125e-4> : tensor<f32>
    %twice = stablehlo.constant dense<9.765625e-4> : tensor<256x8xf32>

    // Forwards.
    %z0 = stablehlo.dot_general %x, %w1, contracting_dims = [1] x [0] : (tensor<256x32xf32>, tensor<32x128xf32>) -> tensor<256x128xf32>
    %b = stablehlo.broadcast_in_dim %b1, dims = [1] : (tensor<128xf32>) -> tensor<256x128xf32>
    %z = stablehlo.add %z0, %b : tensor<256x128xf32>
    %h = stablehlo.tanh %z : tensor<256x128xf32>
    %p = stablehlo.dot_general %h, %w2, contracting_dims = [1] x [0] : (tensor<256x128xf32>, tensor<128x8xf32>) -> tensor<256x8xf32>
    %e = stablehlo.subtract %p, %y : tensor<256x8xf32>
    %squares = stablehlo.multiply %e, %e : tensor<256x8xf32>
    %sum = stablehlo.reduce(%squares init: %zero) applies stablehlo.add across dimensions = [0, 1] : (tensor<256x8xf32>, tensor<f32>) -> tensor<f32>
    %loss = stablehlo.multiply %sum, %scale : tensor<f32>

    // Backwards.
    %de = stablehlo.multiply %e, %twice : tensor<256x8xf32>
    %dw2 = stablehlo.dot_general %h, %de, contracting_dims = [0] x [0] : (tensor<256x128xf32>, tensor<256x8xf32>) -> tensor<128x8xf32>
    %dh = stablehlo.dot_general %de, %w2, contracting_dims = [1] x [1] : (tensor<256x8xf32>, tensor<128x8xf32>) -> tensor<256x128xf32>
    %hh = stablehlo.multiply %h, %h : tensor<256x128xf32>
    %slope = stablehlo.subtract %one, %hh : tensor<256x128xf32>
    %dz = stablehlo.multiply %dh, %slope : tensor<256x128xf32>
    %dw1 = stablehlo.dot_general %x, %dz, contracting_dims = [0] x [0] : (tensor<256x32xf32>, tensor<256x128xf32>) -> tensor<32x128xf32>
    %db1 = stablehlo.reduce(%dz init: %zero) applies stablehlo.add across dimensions = [0] : (tensor<256x128xf32>, tensor<f32>) -> tensor<128xf32>

    // A step of half the gradient.
    %half = stablehlo.constant dense<0.5> : tensor<f32>
    %half_w1 = stablehlo.broadcast_in_dim %half, dims = [] : (tensor<f32>) -> tensor<32x128xf32>
    %half_b1 = stablehlo.broadcast_in_dim %half, dims = [] : (tensor<f32>) -> tensor<128xf32>
    %half_w2 = stablehlo.broadcast_in_dim %half, dims = [] : (tensor<f32>) -> tensor<128x8xf32>
    %sw1 = stablehlo.multiply %dw1, %half_w1 : tensor<32x128xf32>
    %sb1 = stablehlo.multiply %db1, %half_b1 : tensor<128xf32>
    %sw2 = stablehlo.multiply %dw2, %half_w2 : tensor<128x8xf32>
    %nw1 = stablehlo.subtract %w1, %sw1 : tensor<32x128xf32>
    %nb1 = stablehlo.subtract %b1, %sb1 : tensor<128xf32>
    %nw2 = stablehlo.subtract %w2, %sw2 : tensor<128x8xf32>
    return %nw1, %nb1, %nw2, %loss : tensor<32x128xf32>, tensor<128xf32>, tensor<128x8xf32>, tensor<f32>
  }
}
