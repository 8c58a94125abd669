// RUN: wherry-opt --inline-calls %s | FileCheck %s

// A composite or custom call that names a function with a rule of its own becomes that function; any other
// composite becomes its decomposition, and so does a custom call that names one.

// CHECK-LABEL: func.func @main
// CHECK-NEXT: chlo.erf %arg0
// CHECK-NEXT: chlo.asinh
// CHECK-NEXT: stablehlo.negate
// CHECK-NEXT: stablehlo.abs
// CHECK-NEXT: return
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = stablehlo.composite "chlo.erf" %x {decomposition = @erf, version = 1 : i32} : (tensor<4xf32>) -> tensor<4xf32>
  %1 = stablehlo.custom_call @mhlo.asinh(%0) {mhlo.attributes = {}, mhlo.version = 1 : i64} : (tensor<4xf32>) -> tensor<4xf32>
  %2 = stablehlo.composite "other.erf" %1 {decomposition = @erf} : (tensor<4xf32>) -> tensor<4xf32>
  %3 = stablehlo.custom_call @chlo.scan(%2) {called_computations = [@scan]} : (tensor<4xf32>) -> tensor<4xf32>
  return %3 : tensor<4xf32>
}
func.func private @erf(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = stablehlo.negate %x : tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func private @scan(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = stablehlo.abs %x : tensor<4xf32>
  return %0 : tensor<4xf32>
}
