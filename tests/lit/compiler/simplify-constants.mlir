// RUN: wherry-opt --simplify --split-input-file %s | FileCheck %s

// Scalars fold; so does what a division by a power of two is.
// CHECK-LABEL: func.func @scalars
// CHECK-DAG: stablehlo.constant dense<-7.812500e-03> : tensor<f32>
// CHECK-DAG: stablehlo.constant dense<7.812500e-03> : tensor<4xf32>
// CHECK: stablehlo.multiply
// CHECK-NOT: stablehlo.divide
func.func @scalars(%x: tensor<4xf32>) -> (tensor<f32>, tensor<4xf32>) {
  %one = stablehlo.constant dense<1.0> : tensor<f32>
  %n = stablehlo.constant dense<128.0> : tensor<f32>
  %0 = stablehlo.negate %one : tensor<f32>
  %1 = stablehlo.divide %0, %n : tensor<f32>
  %2 = stablehlo.broadcast_in_dim %n, dims = [] : (tensor<f32>) -> tensor<4xf32>
  %3 = stablehlo.divide %x, %2 : tensor<4xf32>
  return %1, %3 : tensor<f32>, tensor<4xf32>
}

// -----

// Adding +0 changes -0, so it stays; adding -0 and taking the maximum with -inf do not.
// CHECK-LABEL: func.func @zeros
// CHECK: stablehlo.add
// CHECK-NOT: stablehlo.add
// CHECK-NOT: stablehlo.maximum
// CHECK: return
func.func @zeros(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %plus = stablehlo.constant dense<0.0> : tensor<4xf32>
  %minus = stablehlo.constant dense<-0.0> : tensor<4xf32>
  %low = stablehlo.constant dense<0xFF800000> : tensor<4xf32>
  %0 = stablehlo.add %x, %plus : tensor<4xf32>
  %1 = stablehlo.add %x, %minus : tensor<4xf32>
  %2 = stablehlo.maximum %1, %low : tensor<4xf32>
  return %0, %2 : tensor<4xf32>, tensor<4xf32>
}

// -----

// A comparison with NaN is decided, an operation that makes one is left to the device.
// CHECK-LABEL: func.func @nan
// CHECK: stablehlo.constant dense<true> : tensor<i1>
// CHECK: stablehlo.subtract
func.func @nan() -> (tensor<i1>, tensor<f32>) {
  %nan = stablehlo.constant dense<0x7FC00000> : tensor<f32>
  %inf = stablehlo.constant dense<0x7F800000> : tensor<f32>
  %0 = stablehlo.compare NE, %nan, %nan : (tensor<f32>, tensor<f32>) -> tensor<i1>
  %1 = stablehlo.subtract %inf, %inf : tensor<f32>
  return %0, %1 : tensor<i1>, tensor<f32>
}
