// RUN: wherry-opt --expand-splats %s | FileCheck %s

// The large start of a loop becomes a broadcast; the small one and the operand of an addition stay.
// CHECK-LABEL: func.func @main
// CHECK: %[[B:.*]] = stablehlo.broadcast_in_dim %{{.*}}, dims = [] : (tensor<f32>) -> tensor<4096xf32>
// CHECK: stablehlo.while(%{{.*}} = %{{[a-z0-9_]+}}, %{{.*}} = %[[B]])
// CHECK-NOT: broadcast_in_dim
// CHECK: return
func.func @main(%n: tensor<i32>) -> tensor<4096xf32> {
  %zero = stablehlo.constant dense<0> : tensor<i32>
  %zeros = stablehlo.constant dense<0.0> : tensor<4096xf32>
  %one = stablehlo.constant dense<1> : tensor<i32>
  %ones = stablehlo.constant dense<1.0> : tensor<4096xf32>
  %r:2 = stablehlo.while(%i = %zero, %x = %zeros) : tensor<i32>, tensor<4096xf32>
  cond {
    %c = stablehlo.compare LT, %i, %n : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.return %c : tensor<i1>
  } do {
    %j = stablehlo.add %i, %one : tensor<i32>
    %y = stablehlo.add %x, %ones : tensor<4096xf32>
    stablehlo.return %j, %y : tensor<i32>, tensor<4096xf32>
  }
  return %r#1 : tensor<4096xf32>
}

// A scatter fills its result itself.
// CHECK-LABEL: func.func @scatter
// CHECK-NOT: broadcast_in_dim
// CHECK: "stablehlo.scatter"
// CHECK-NOT: broadcast_in_dim
// CHECK: return
func.func @scatter(%i: tensor<1xi32>, %u: tensor<f32>) -> tensor<4096xf32> {
  %zeros = stablehlo.constant dense<0.0> : tensor<4096xf32>
  %0 = "stablehlo.scatter"(%zeros, %i, %u) <{scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0], scatter_dims_to_operand_dims = [0]>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<4096xf32>, tensor<1xi32>, tensor<f32>) -> tensor<4096xf32>
  return %0 : tensor<4096xf32>
}
