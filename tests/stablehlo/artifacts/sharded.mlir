module @sharded {
  sdy.mesh @mesh = <["x"=1, "y"=1]>
  func.func @main(%x: tensor<8x6xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"x"}, {"y", ?}p1]>}) -> (tensor<8x6xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"x"}, {}]>}) {
    %0 = sdy.sharding_constraint %x <@mesh, [{"x"}, {?}]> : tensor<8x6xf32>
    %1 = stablehlo.custom_call @elsewhere(%0) {sdy.sharding_rule = #sdy.op_sharding_rule<([i, j])->([i, j]) {i=8, j=6}, custom>} : (tensor<8x6xf32>) -> tensor<8x6xf32>
    %2 = sdy.manual_computation(%1) in_shardings=[<@mesh, [{"x"}, {}]>] out_shardings=[<@mesh, [{"x"}, {}]>] manual_axes={"x"} (%y: tensor<8x6xf32>) {
      %4 = stablehlo.add %y, %y : tensor<8x6xf32>
      sdy.return %4 : tensor<8x6xf32>
    } : (tensor<8x6xf32>) -> tensor<8x6xf32>
    %3 = sdy.reshard %2 <@mesh, [{}, {}]> : tensor<8x6xf32>
    return %3 : tensor<8x6xf32>
  }
}
