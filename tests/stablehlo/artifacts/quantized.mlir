module @quantized {
  func.func @main(%x: tensor<2x3xf32>, %w: tensor<2x3x!quant.uniform<i8:f32:1, {1.000000e-01, 2.000000e-01:3, 5.000000e-01}>>) -> tensor<2x3xf32> {
    %q = stablehlo.uniform_quantize %x : (tensor<2x3xf32>) -> tensor<2x3x!quant.uniform<u8:f32, 2.500000e-01:128>>
    %d = stablehlo.uniform_dequantize %q : (tensor<2x3x!quant.uniform<u8:f32, 2.500000e-01:128>>) -> tensor<2x3xf32>
    %e = stablehlo.uniform_dequantize %w : (tensor<2x3x!quant.uniform<i8:f32:1, {1.000000e-01, 2.000000e-01:3, 5.000000e-01}>>) -> tensor<2x3xf32>
    %r = stablehlo.add %d, %e : tensor<2x3xf32>
    return %r : tensor<2x3xf32>
  }
}
