// RUN: wherry-opt --flatten-values %s | FileCheck %s

// The alias names the result by its new place.
// CHECK-LABEL: func.func @main
// CHECK-SAME: (%arg0: tensor<2xf32>, %arg1: tensor<i32>, %arg2: tensor<f32> {tf.aliasing_output = 2 : i32})
// CHECK-SAME: -> (tensor<i32>, tensor<2xf32>, tensor<f32>)
// CHECK-NEXT: return %arg1, %arg0, %arg2
func.func @main(%t: tuple<tensor<2xf32>, tuple<tensor<i32>>>, %k: !stablehlo.token, %x: tensor<f32> {tf.aliasing_output = 2 : i32}) -> (!stablehlo.token, tuple<tensor<i32>, tensor<2xf32>>, tensor<f32>) {
  %a = stablehlo.get_tuple_element %t[0] : (tuple<tensor<2xf32>, tuple<tensor<i32>>>) -> tensor<2xf32>
  %b = stablehlo.get_tuple_element %t[1] : (tuple<tensor<2xf32>, tuple<tensor<i32>>>) -> tuple<tensor<i32>>
  %c = stablehlo.get_tuple_element %b[0] : (tuple<tensor<i32>>) -> tensor<i32>
  %r = stablehlo.tuple %c, %a : tuple<tensor<i32>, tensor<2xf32>>
  return %k, %r, %x : !stablehlo.token, tuple<tensor<i32>, tensor<2xf32>>, tensor<f32>
}

// CHECK-LABEL: func.func @branches
// CHECK: "stablehlo.case"(%arg0) ({
// CHECK-NEXT: stablehlo.return %arg1, %arg2
// CHECK: stablehlo.return %arg2, %arg1
// CHECK: -> (tensor<f32>, tensor<f32>)
func.func @branches(%i: tensor<i32>, %x: tensor<f32>, %y: tensor<f32>) -> tensor<f32> {
  %0 = "stablehlo.case"(%i) ({
    %t = stablehlo.tuple %x, %y : tuple<tensor<f32>, tensor<f32>>
    stablehlo.return %t : tuple<tensor<f32>, tensor<f32>>
  }, {
    %t = stablehlo.tuple %y, %x : tuple<tensor<f32>, tensor<f32>>
    stablehlo.return %t : tuple<tensor<f32>, tensor<f32>>
  }) : (tensor<i32>) -> tuple<tensor<f32>, tensor<f32>>
  %1 = stablehlo.get_tuple_element %0[0] : (tuple<tensor<f32>, tensor<f32>>) -> tensor<f32>
  return %1 : tensor<f32>
}
