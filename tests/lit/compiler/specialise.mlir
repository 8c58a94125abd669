// RUN: wherry-opt --split-input-file --specialise='shapes=tensor<5x3xf32>' --simplify %s | FileCheck %s

// Sizes that are read from an argument become constants, and operations that take a shape lose it.
// CHECK-LABEL: func.func @from_argument(
// CHECK-SAME: %[[X:.*]]: tensor<5x3xf32>) -> tensor<5x3xf32>
// CHECK-NEXT: %[[I:.*]] = stablehlo.iota dim = 1 : tensor<5x3xf32>
// CHECK-NEXT: %[[S:.*]] = stablehlo.add %[[I]], %[[X]] : tensor<5x3xf32>
// CHECK-NEXT: return %[[S]]
func.func @from_argument(%x: tensor<?x3xf32>) -> tensor<?x3xf32> {
  %n = stablehlo.get_dimension_size %x, dim = 0 : (tensor<?x3xf32>) -> tensor<i32>
  %n1 = stablehlo.reshape %n : (tensor<i32>) -> tensor<1xi32>
  %three = stablehlo.constant dense<3> : tensor<1xi32>
  %shape = stablehlo.concatenate %n1, %three, dim = 0 : (tensor<1xi32>, tensor<1xi32>) -> tensor<2xi32>
  %i = stablehlo.dynamic_iota %shape, dim = 1 : (tensor<2xi32>) -> tensor<?x3xf32>
  %s = stablehlo.add %i, %x : tensor<?x3xf32>
  return %s : tensor<?x3xf32>
}

// -----

// Arithmetic on sizes: 2 * 5 - 3 = 7 rows, padded by 5 / 2.
// CHECK-LABEL: func.func @arithmetic(
// CHECK-SAME: -> tensor<9x3xf32>
// CHECK: stablehlo.broadcast_in_dim %{{.*}}, dims = [] : (tensor<f32>) -> tensor<7x3xf32>
// CHECK: stablehlo.pad %{{.*}}, low = [0, 0], high = [2, 0], interior = [0, 0] : (tensor<7x3xf32>, tensor<f32>) -> tensor<9x3xf32>
func.func @arithmetic(%x: tensor<?x3xf32>) -> tensor<?x3xf32> {
  %c0 = stablehlo.constant dense<0> : tensor<1xi32>
  %c2 = stablehlo.constant dense<2> : tensor<i32>
  %c3 = stablehlo.constant dense<3> : tensor<i32>
  %zeros = stablehlo.constant dense<0> : tensor<2xi32>
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %n = stablehlo.get_dimension_size %x, dim = 0 : (tensor<?x3xf32>) -> tensor<i32>
  %twice = stablehlo.multiply %n, %c2 : tensor<i32>
  %less = stablehlo.subtract %twice, %c3 : tensor<i32>
  %half = stablehlo.divide %n, %c2 : tensor<i32>
  %r = stablehlo.reshape %less : (tensor<i32>) -> tensor<1xi32>
  %h = stablehlo.reshape %half : (tensor<i32>) -> tensor<1xi32>
  %t = stablehlo.reshape %c3 : (tensor<i32>) -> tensor<1xi32>
  %shape = stablehlo.concatenate %r, %t, dim = 0 : (tensor<1xi32>, tensor<1xi32>) -> tensor<2xi32>
  %high = stablehlo.concatenate %h, %c0, dim = 0 : (tensor<1xi32>, tensor<1xi32>) -> tensor<2xi32>
  %sum = stablehlo.reduce(%x init: %zero) applies stablehlo.add across dimensions = [0, 1] : (tensor<?x3xf32>, tensor<f32>) -> tensor<f32>
  %b = stablehlo.dynamic_broadcast_in_dim %sum, %shape, dims = [] : (tensor<f32>, tensor<2xi32>) -> tensor<?x3xf32>
  %p = stablehlo.dynamic_pad %b, %zero, %zeros, %high, %zeros : (tensor<?x3xf32>, tensor<f32>, tensor<2xi32>, tensor<2xi32>, tensor<2xi32>) -> tensor<?x3xf32>
  return %p : tensor<?x3xf32>
}

// -----

// Types follow into calls and loops; an assertion that holds goes away.
// CHECK-LABEL: func.func public @loop(
// CHECK-SAME: -> tensor<5x3xf32>
// CHECK-NOT: custom_call
// CHECK: stablehlo.while(%{{.*}}) : tensor<i32>, tensor<5x3xf32>
// CHECK: stablehlo.exponential %{{.*}} : tensor<5x3xf32>
func.func public @loop(%x: tensor<?x3xf32>) -> tensor<?x3xf32> {
  %n = stablehlo.get_dimension_size %x, dim = 0 : (tensor<?x3xf32>) -> tensor<i32>
  %c1 = stablehlo.constant dense<1> : tensor<i32>
  %ok = stablehlo.compare GE, %n, %c1 : (tensor<i32>, tensor<i32>) -> tensor<i1>
  stablehlo.custom_call @shape_assertion(%ok, %n) {api_version = 2 : i32, error_message = "n is {0}", has_side_effect = true} : (tensor<i1>, tensor<i32>) -> ()
  %zero = stablehlo.constant dense<0> : tensor<i32>
  %r:2 = stablehlo.while(%i = %zero, %y = %x) : tensor<i32>, tensor<?x3xf32>
  cond {
    %c = stablehlo.compare LT, %i, %n : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.return %c : tensor<i1>
  } do {
    %j = stablehlo.add %i, %c1 : tensor<i32>
    %z = func.call @step(%y) : (tensor<?x3xf32>) -> tensor<?x3xf32>
    stablehlo.return %j, %z : tensor<i32>, tensor<?x3xf32>
  }
  return %r#1 : tensor<?x3xf32>
}
func.func private @step(%x: tensor<?x3xf32>) -> tensor<?x3xf32> {
  %0 = stablehlo.exponential %x : tensor<?x3xf32>
  return %0 : tensor<?x3xf32>
}
