module @dynamic {
  func.func @main(%x: tensor<?x3xf32>, %b: tensor<?xf32, #stablehlo.bounds<8>>) -> tensor<?x3xf32> {
    %n = stablehlo.get_dimension_size %x, dim = 0 : (tensor<?x3xf32>) -> tensor<i32>
    %n1 = stablehlo.reshape %n : (tensor<i32>) -> tensor<1xi32>
    %three = stablehlo.constant dense<3> : tensor<1xi32>
    %shape = stablehlo.concatenate %n1, %three, dim = 0 : (tensor<1xi32>, tensor<1xi32>) -> tensor<2xi32>
    %i = stablehlo.dynamic_iota %shape, dim = 1 : (tensor<2xi32>) -> tensor<?x3xf32>
    %one = stablehlo.constant dense<1.000000e+00> : tensor<f32>
    %ones = stablehlo.dynamic_broadcast_in_dim %one, %shape, dims = [] : (tensor<f32>, tensor<2xi32>) -> tensor<?x3xf32>
    %spread = stablehlo.dynamic_broadcast_in_dim %ones, %shape, dims = [0, 1] {known_expanding_dimensions = array<i64: 1>, known_nonexpanding_dimensions = array<i64: 0>} : (tensor<?x3xf32>, tensor<2xi32>) -> tensor<?x3xf32>
    %s = stablehlo.add %i, %spread : tensor<?x3xf32>
    %r = stablehlo.add %s, %x : tensor<?x3xf32>
    return %r : tensor<?x3xf32>
  }
}
