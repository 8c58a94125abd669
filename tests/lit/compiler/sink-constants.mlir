// RUN: wherry-opt --sink-constants %s | FileCheck %s

// The region of a reduction does not use values from outside.
// CHECK-LABEL: func.func @main
// CHECK: stablehlo.reduce
// CHECK: stablehlo.constant dense<2.000000e+00>
// CHECK: stablehlo.multiply
func.func @main(%x: tensor<8xf32>, %z: tensor<f32>) -> tensor<f32> {
  %two = stablehlo.constant dense<2.0> : tensor<f32>
  %0 = stablehlo.reduce(%x init: %z) across dimensions = [0] : (tensor<8xf32>, tensor<f32>) -> tensor<f32>
   reducer(%a: tensor<f32>, %b: tensor<f32>) {
    %1 = stablehlo.multiply %b, %two : tensor<f32>
    %2 = stablehlo.add %a, %1 : tensor<f32>
    stablehlo.return %2 : tensor<f32>
  }
  return %0 : tensor<f32>
}
