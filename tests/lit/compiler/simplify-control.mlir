// RUN: wherry-opt --simplify --split-input-file %s | FileCheck %s

// What a loop carries unchanged is not carried.
// CHECK-LABEL: func.func @invariant
// CHECK: stablehlo.while(%{{.*}} = %arg1) : tensor<f32>
func.func @invariant(%k: tensor<f32>, %x: tensor<f32>) -> (tensor<f32>, tensor<f32>) {
  %r:2 = stablehlo.while(%a = %k, %b = %x) : tensor<f32>, tensor<f32>
  cond {
    %c = stablehlo.compare LT, %b, %a : (tensor<f32>, tensor<f32>) -> tensor<i1>
    stablehlo.return %c : tensor<i1>
  } do {
    %n = stablehlo.add %b, %a : tensor<f32>
    stablehlo.return %a, %n : tensor<f32>, tensor<f32>
  }
  return %r#0, %r#1 : tensor<f32>, tensor<f32>
}

// -----

// An if is a case of the negated predicate.
// CHECK-LABEL: func.func @branches
// CHECK: %[[N:.*]] = stablehlo.not %arg0
// CHECK: %[[I:.*]] = stablehlo.convert %[[N]]
// CHECK: "stablehlo.case"(%[[I]])
func.func @branches(%p: tensor<i1>, %x: tensor<f32>) -> tensor<f32> {
  %0 = "stablehlo.if"(%p) ({
    stablehlo.return %x : tensor<f32>
  }, {
    %1 = stablehlo.negate %x : tensor<f32>
    stablehlo.return %1 : tensor<f32>
  }) : (tensor<i1>) -> tensor<f32>
  return %0 : tensor<f32>
}

// -----

// A known index leaves its branch; out of range is the last one.
// CHECK-LABEL: func.func @known
// CHECK-NEXT: stablehlo.negate
// CHECK-NEXT: return
func.func @known(%x: tensor<f32>) -> tensor<f32> {
  %k = stablehlo.constant dense<-3> : tensor<i32>
  %0 = "stablehlo.case"(%k) ({
    stablehlo.return %x : tensor<f32>
  }, {
    %1 = stablehlo.negate %x : tensor<f32>
    stablehlo.return %1 : tensor<f32>
  }) : (tensor<i32>) -> tensor<f32>
  return %0 : tensor<f32>
}
