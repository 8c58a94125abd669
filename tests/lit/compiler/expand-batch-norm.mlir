// RUN: wherry-opt --expand-ops %s | FileCheck %s

// CHECK-LABEL: func.func @inference
// CHECK: %[[CENTRED:.*]] = stablehlo.subtract %arg0, %{{.*}} : tensor<4x3xf32>
// CHECK: %[[SAFE:.*]] = stablehlo.add %arg4, %{{.*}} : tensor<3xf32>
// CHECK: %[[ROOT:.*]] = stablehlo.sqrt %[[SAFE]] : tensor<3xf32>
// CHECK: %[[DEVIATION:.*]] = stablehlo.broadcast_in_dim %[[ROOT]], dims = [1]
// CHECK: stablehlo.divide %[[CENTRED]], %[[DEVIATION]]
// CHECK-NOT: stablehlo.batch_norm
func.func @inference(%x: tensor<4x3xf32>, %scale: tensor<3xf32>, %offset: tensor<3xf32>, %mean: tensor<3xf32>, %variance: tensor<3xf32>) -> tensor<4x3xf32> {
  %0 = "stablehlo.batch_norm_inference"(%x, %scale, %offset, %mean, %variance) {epsilon = 0.125 : f32, feature_index = 1 : i64} : (tensor<4x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<4x3xf32>
  return %0 : tensor<4x3xf32>
}

// Sums over a batch of half-precision numbers are taken in f32.
// CHECK-LABEL: func.func @training
// CHECK: stablehlo.convert %arg0 : (tensor<4x3xbf16>) -> tensor<4x3xf32>
// CHECK: stablehlo.reduce({{.*}}) applies stablehlo.add across dimensions = [0] : (tensor<4x3xf32>, tensor<f32>) -> tensor<3xf32>
// CHECK: stablehlo.convert {{.*}} : (tensor<4x3xf32>) -> tensor<4x3xbf16>
func.func @training(%x: tensor<4x3xbf16>, %scale: tensor<3xbf16>, %offset: tensor<3xbf16>) -> (tensor<4x3xbf16>, tensor<3xbf16>, tensor<3xbf16>) {
  %0:3 = "stablehlo.batch_norm_training"(%x, %scale, %offset) {epsilon = 0.125 : f32, feature_index = 1 : i64} : (tensor<4x3xbf16>, tensor<3xbf16>, tensor<3xbf16>) -> (tensor<4x3xbf16>, tensor<3xbf16>, tensor<3xbf16>)
  return %0#0, %0#1, %0#2 : tensor<4x3xbf16>, tensor<3xbf16>, tensor<3xbf16>
}
