// RUN: wherry-opt --lower-quantized %s | FileCheck %s

!q = !quant.uniform<i8:f32, 0.5:3>
!axis = !quant.uniform<i8:f32:1, {0.5:0, 0.25:-2}>
!wide = !quant.uniform<i32:f32, 0.125>
!exact = !quant.uniform<i32:f32, 0.25>
!bytes = !quant.uniform<u8:f32, 0.5>

// Quantizing divides, adds the zero point, clamps, and rounds last.
// CHECK-LABEL: func.func @quantize(%arg0: tensor<2xf32>) -> tensor<2xi8>
// CHECK: %[[SCALED:.*]] = stablehlo.divide %arg0,
// CHECK: %[[MOVED:.*]] = stablehlo.add %[[SCALED]],
// CHECK: %[[CLAMPED:.*]] = stablehlo.clamp %{{.*}}, %[[MOVED]],
// CHECK: %[[ROUNDED:.*]] = stablehlo.round_nearest_even %[[CLAMPED]]
// CHECK: %[[RESULT:.*]] = stablehlo.convert %[[ROUNDED]] : (tensor<2xf32>) -> tensor<2xi8>
// CHECK: return %[[RESULT]] : tensor<2xi8>
func.func @quantize(%x: tensor<2xf32>) -> tensor<2x!q> {
  %0 = stablehlo.uniform_quantize %x : (tensor<2xf32>) -> tensor<2x!q>
  return %0 : tensor<2x!q>
}

// Operations that only move elements stay, on the integers.
// CHECK-LABEL: func.func @movement(%arg0: tensor<2x3xui8>) -> tensor<6xui8>
// CHECK-NEXT: stablehlo.transpose %arg0, dims = [1, 0] : (tensor<2x3xui8>) -> tensor<3x2xui8>
// CHECK-NEXT: stablehlo.reshape
// CHECK-NEXT: return
func.func @movement(%x: tensor<2x3x!bytes>) -> tensor<6x!bytes> {
  %0 = stablehlo.transpose %x, dims = [1, 0] : (tensor<2x3x!bytes>) -> tensor<3x2x!bytes>
  %1 = stablehlo.reshape %0 : (tensor<3x2x!bytes>) -> tensor<6x!bytes>
  return %1 : tensor<6x!bytes>
}

// A product of integers whose scale is the product of the scales needs no floats at all.
// CHECK-LABEL: func.func @exact
// CHECK-NOT: f32
// CHECK: stablehlo.dot_general {{.*}} -> tensor<2x2xi32>
// CHECK-NOT: f32
// CHECK: return
func.func @exact(%x: tensor<2x4x!q>, %y: tensor<4x2x!q>) -> tensor<2x2x!exact> {
  %0 = stablehlo.dot_general %x, %y, contracting_dims = [1] x [0] : (tensor<2x4x!q>, tensor<4x2x!q>) -> tensor<2x2x!exact>
  return %0 : tensor<2x2x!exact>
}

// Scales of the right operand's columns become scales of the result's.
// CHECK-LABEL: func.func @columns
// CHECK: stablehlo.dot_general {{.*}} -> tensor<2x2xi32>
// CHECK: stablehlo.convert {{.*}} : (tensor<2x2xi32>) -> tensor<2x2xf32>
// CHECK: stablehlo.constant dense<[2.000000e+00, 1.000000e+00]> : tensor<2xf32>
// CHECK: stablehlo.broadcast_in_dim {{.*}}, dims = [1]
func.func @columns(%x: tensor<2x4x!q>, %y: tensor<4x2x!axis>) -> tensor<2x2x!wide> {
  %0 = stablehlo.dot_general %x, %y, contracting_dims = [1] x [0] : (tensor<2x4x!q>, tensor<4x2x!axis>) -> tensor<2x2x!wide>
  return %0 : tensor<2x2x!wide>
}

// Real and quantized operands together: the product is one of real numbers.
// CHECK-LABEL: func.func @hybrid
// CHECK: stablehlo.dot_general %arg0, {{.*}} : (tensor<2x4xf32>, tensor<4x2xf32>) -> tensor<2x2xf32>
func.func @hybrid(%x: tensor<2x4xf32>, %y: tensor<4x2x!axis>) -> tensor<2x2xf32> {
  %0 = stablehlo.dot_general %x, %y, contracting_dims = [1] x [0] : (tensor<2x4xf32>, tensor<4x2x!axis>) -> tensor<2x2xf32>
  return %0 : tensor<2x2xf32>
}

// What loops carry travels as integers too.
// CHECK-LABEL: func.func @carried
// CHECK: stablehlo.while({{.*}}) : tensor<i8>
func.func @carried(%x: tensor<!q>, %p: tensor<i1>) -> tensor<!q> {
  %0 = stablehlo.while(%a = %x) : tensor<!q>
    cond {
      stablehlo.return %p : tensor<i1>
    } do {
      %1 = stablehlo.add %a, %a : tensor<!q>
      stablehlo.return %1 : tensor<!q>
    }
  return %0 : tensor<!q>
}
