// powers_check.mlir: a module that checks itself, for `wherry check`.
func.func @main() {
  %three = stablehlo.constant dense<3> : tensor<8xi32>
  %exponents = stablehlo.iota dim = 0 : tensor<8xi32>
  %0 = stablehlo.power %three, %exponents : tensor<8xi32>
  check.expect_eq_const %0, dense<[1, 3, 9, 27, 81, 243, 729, 2187]> : tensor<8xi32>
  return
}
