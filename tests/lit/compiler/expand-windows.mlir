// RUN: wherry-opt --expand-ops --simplify --split-input-file %s | FileCheck %s

// Windows side by side along rows are one reduction.
// CHECK-LABEL: func.func @side_by_side
// CHECK-NEXT: constant
// CHECK-NEXT: stablehlo.reshape %arg0 : (tensor<4x64xf32>) -> tensor<4x4x16xf32>
// CHECK-NEXT: stablehlo.reduce({{.*}}) applies stablehlo.add across dimensions = [2]
// CHECK-NEXT: return
func.func @side_by_side(%x: tensor<4x64xf32>) -> tensor<4x4xf32> {
  %i = stablehlo.constant dense<0.0> : tensor<f32>
  %0 = "stablehlo.reduce_window"(%x, %i) <{window_dimensions = array<i64: 1, 16>, window_strides = array<i64: 1, 16>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %1 = stablehlo.add %a, %b : tensor<f32>
    stablehlo.return %1 : tensor<f32>
  }) : (tensor<4x64xf32>, tensor<f32>) -> tensor<4x4xf32>
  return %0 : tensor<4x4xf32>
}

// -----

// A sum of all elements before each is a piece of the running sum.
// CHECK-LABEL: func.func @exclusive
// CHECK: %[[S:.*]] = "stablehlo.reduce_window"(%{{.*}}) <{padding = dense<{{.*}}18, 0{{.*}}> : tensor<1x2xi64>, window_dimensions = array<i64: 19>}>
// CHECK: stablehlo.concatenate {{.*}}, dim = 0 : (tensor<1xf32>, tensor<19xf32>) -> tensor<20xf32>
func.func @exclusive(%x: tensor<20xf32>) -> tensor<20xf32> {
  %i = stablehlo.constant dense<0.0> : tensor<f32>
  %0 = "stablehlo.reduce_window"(%x, %i) <{window_dimensions = array<i64: 20>, padding = dense<[[20, -1]]> : tensor<1x2xi64>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %1 = stablehlo.add %a, %b : tensor<f32>
    stablehlo.return %1 : tensor<f32>
  }) : (tensor<20xf32>, tensor<f32>) -> tensor<20xf32>
  return %0 : tensor<20xf32>
}

// -----

// Padding counts where the initial value is not neutral, so this is no running sum.
// CHECK-LABEL: func.func @counted
// CHECK-NEXT: constant
// CHECK-NEXT: "stablehlo.reduce_window"(%arg0, %{{.*}}) <{padding = dense<{{.*}}20, -1{{.*}}>
func.func @counted(%x: tensor<20xf32>) -> tensor<20xf32> {
  %i = stablehlo.constant dense<1.0> : tensor<f32>
  %0 = "stablehlo.reduce_window"(%x, %i) <{window_dimensions = array<i64: 20>, padding = dense<[[20, -1]]> : tensor<1x2xi64>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %1 = stablehlo.add %a, %b : tensor<f32>
    stablehlo.return %1 : tensor<f32>
  }) : (tensor<20xf32>, tensor<f32>) -> tensor<20xf32>
  return %0 : tensor<20xf32>
}

// -----

// A long running sum is one of block sums, and one in every block.
// CHECK-LABEL: func.func @blocks
// CHECK: stablehlo.reduce({{.*}}) applies stablehlo.add across dimensions = [2] : (tensor<1x7x4096xf32>, tensor<f32>) -> tensor<1x7xf32>
// CHECK: window_dimensions = array<i64: 1, 7, 1>
// CHECK: window_dimensions = array<i64: 1, 1, 4096, 1>
func.func @blocks(%x: tensor<32768xf32>) -> tensor<32768xf32> {
  %i = stablehlo.constant dense<0.0> : tensor<f32>
  %0 = "stablehlo.reduce_window"(%x, %i) <{window_dimensions = array<i64: 32768>, padding = dense<[[32767, 0]]> : tensor<1x2xi64>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %1 = stablehlo.add %a, %b : tensor<f32>
    stablehlo.return %1 : tensor<f32>
  }) : (tensor<32768xf32>, tensor<f32>) -> tensor<32768xf32>
  return %0 : tensor<32768xf32>
}

// -----

// The element that a window selects is found as a position, where the source is scattered.
// CHECK-LABEL: func.func @gradient
// CHECK: %[[P:.*]]:2 = "stablehlo.reduce_window"(%arg0, %
// CHECK: "stablehlo.scatter"(%{{.*}}) <{{.*}}input_batching_dims = [0, 2]
func.func @gradient(%x: tensor<2x8x3xf32>, %s: tensor<2x4x3xf32>) -> tensor<2x8x3xf32> {
  %i = stablehlo.constant dense<0.0> : tensor<f32>
  %0 = "stablehlo.select_and_scatter"(%x, %s, %i) <{window_dimensions = array<i64: 1, 2, 1>, window_strides = array<i64: 1, 2, 1>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %1 = stablehlo.compare GE, %a, %b : (tensor<f32>, tensor<f32>) -> tensor<i1>
    stablehlo.return %1 : tensor<i1>
  }, {
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %1 = stablehlo.add %a, %b : tensor<f32>
    stablehlo.return %1 : tensor<f32>
  }) : (tensor<2x8x3xf32>, tensor<2x4x3xf32>, tensor<f32>) -> tensor<2x8x3xf32>
  return %0 : tensor<2x8x3xf32>
}
