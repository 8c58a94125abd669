// powers.mlir: the first eight powers of 3, for `wherry run`. It needs no input.
func.func @main() -> tensor<8xi32> {
  %three = stablehlo.constant dense<3> : tensor<8xi32>
  %exponents = stablehlo.iota dim = 0 : tensor<8xi32>
  %0 = stablehlo.power %three, %exponents : tensor<8xi32>
  return %0 : tensor<8xi32>
}
