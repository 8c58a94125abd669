// RUN: wherry-opt --split-input-file --specialise='shapes=tensor<i64>=4,tensor<4x3xf32>' --simplify %s | FileCheck %s
// RUN: wherry-opt --split-input-file --specialise='shapes=tensor<i64>,tensor<4x3xf32>' --simplify %s | FileCheck %s

// An argument that is a size has the value that is given, or else the one for which the shapes agree.
// CHECK-LABEL: func.func @main(
// CHECK: stablehlo.slice %{{.*}} [1:4, 0:2] : (tensor<4x3xf32>) -> tensor<3x2xf32>
func.func @main(%n: tensor<i64>, %x: tensor<?x3xf32>) -> tensor<?x2xf32> {
  %n1 = stablehlo.reshape %n : (tensor<i64>) -> tensor<1xi64>
  %c2 = stablehlo.constant dense<2> : tensor<1xi64>
  %start = stablehlo.constant dense<[1, 0]> : tensor<2xi64>
  %limit = stablehlo.concatenate %n1, %c2, dim = 0 : (tensor<1xi64>, tensor<1xi64>) -> tensor<2xi64>
  %ones = stablehlo.constant dense<1> : tensor<2xi64>
  %s = stablehlo.real_dynamic_slice %x, %start, %limit, %ones : (tensor<?x3xf32>, tensor<2xi64>, tensor<2xi64>, tensor<2xi64>) -> tensor<?x2xf32>
  return %s : tensor<?x2xf32>
}

// -----

// CHECK-LABEL: func.func @agree(
// CHECK-SAME: -> tensor<4x3xf32>
// CHECK: stablehlo.iota dim = 0 : tensor<4x3xf32>
func.func @agree(%n: tensor<i64>, %x: tensor<?x?xf32>) -> tensor<?x?xf32> {
  %n1 = stablehlo.reshape %n : (tensor<i64>) -> tensor<1xi64>
  %c3 = stablehlo.constant dense<3> : tensor<1xi64>
  %shape = stablehlo.concatenate %n1, %c3, dim = 0 : (tensor<1xi64>, tensor<1xi64>) -> tensor<2xi64>
  %i = stablehlo.dynamic_iota %shape, dim = 0 : (tensor<2xi64>) -> tensor<?x?xf32>
  %s = stablehlo.add %i, %x : tensor<?x?xf32>
  return %s : tensor<?x?xf32>
}

// -----

// A size that is set cuts.
// CHECK-LABEL: func.func @set(
// CHECK: stablehlo.slice %{{.*}} [0:2, 0:3] : (tensor<4x3xf32>) -> tensor<2x3xf32>
func.func @set(%n: tensor<i64>, %x: tensor<4x3xf32>) -> tensor<?x3xf32, #stablehlo.bounds<4, ?>> {
  %c2 = stablehlo.constant dense<2> : tensor<i32>
  %s = stablehlo.set_dimension_size %x, %c2, dim = 0 : (tensor<4x3xf32>, tensor<i32>) -> tensor<?x3xf32, #stablehlo.bounds<4, ?>>
  return %s : tensor<?x3xf32, #stablehlo.bounds<4, ?>>
}
