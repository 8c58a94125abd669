// RUN: wherry-opt --expand-ops --split-input-file %s | FileCheck %s

// Long rows with a narrow key are sorted as numbers, and of what is sliced away nothing is gathered.
// CHECK-LABEL: func.func @main
// CHECK: stablehlo.bitcast_convert %{{.*}} : (tensor<3x100xbf16>) -> tensor<3x100xi16>
// CHECK: %[[S:.*]] = "stablehlo.sort"(%{{.*}}) <{dimension = 1 : i64, is_stable = true}>
// CHECK: stablehlo.compare LT, %{{.*}}, %{{.*}} : (tensor<ui64>, tensor<ui64>) -> tensor<i1>
// CHECK: {wherry.wanted = 4 : i64} : (tensor<3x100xui64>) -> tensor<3x100xui64>
// CHECK: stablehlo.slice %[[S]] [0:3, 0:4]
// CHECK: "stablehlo.gather"{{.*}} -> tensor<3x4xbf16>
func.func @main(%a: tensor<3x100xbf16>) -> (tensor<3x4xbf16>, tensor<3x4xi32>) {
  %0:2 = "chlo.top_k"(%a) <{k = 4 : i64}> : (tensor<3x100xbf16>) -> (tensor<3x4xbf16>, tensor<3x4xi32>)
  return %0#0, %0#1 : tensor<3x4xbf16>, tensor<3x4xi32>
}

// -----

// Kernels sort along the last dimension; keys of 64 bits move with their operands.
// CHECK-LABEL: func.func @main
// CHECK: %[[T:.*]] = stablehlo.transpose %arg0, dims = [2, 1, 0]
// CHECK: %[[S:.*]] = "stablehlo.sort"(%[[T]]) <{dimension = 2 : i64
// CHECK: stablehlo.transpose %[[S]], dims = [2, 1, 0]
func.func @main(%a: tensor<100x2x3xf64>) -> tensor<100x2x3xf64> {
  %0 = "stablehlo.sort"(%a) <{dimension = 0 : i64}> ({
  ^bb0(%x: tensor<f64>, %y: tensor<f64>):
    %1 = stablehlo.compare LT, %x, %y, TOTALORDER : (tensor<f64>, tensor<f64>) -> tensor<i1>
    stablehlo.return %1 : tensor<i1>
  }) : (tensor<100x2x3xf64>) -> tensor<100x2x3xf64>
  return %0 : tensor<100x2x3xf64>
}
