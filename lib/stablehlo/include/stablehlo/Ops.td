// Ops.td: all operations of the stablehlo dialect.
include "stablehlo/Elementwise.td"
include "stablehlo/Movement.td"
include "stablehlo/Reduction.td"
include "stablehlo/Control.td"
include "stablehlo/Distribution.td"
include "stablehlo/Dynamism.td"
