// Check.td: the check dialect: comparisons in programs that test themselves.
//
// Tolerances are those of upstream's tests: `expect_eq` is exact (NaN differs from NaN, -0 equals +0),
// `expect_almost_eq` absolute, `expect_close` counts representable values of the element type between
// the two. `expect_serialized_eq` compares with what a probe has recorded, at its first pass or pass `iter`.
#ifndef WHERRY_STABLEHLO_CHECK
#define WHERRY_STABLEHLO_CHECK

include "stablehlo/Base.td"

def Check_Dialect : Dialect {
  let name = "check";
  let summary = "comparisons in programs that test themselves";
  let cppNamespace = "::mlir::check";
}

class Check_Op<string mnemonic, list<Trait> traits = []> : Op<Check_Dialect, mnemonic, traits>;

def Check_ExpectEqOp : Check_Op<"expect_eq", [AllTypesMatch<["lhs", "rhs"]>]> {
  let arguments = (ins StableHLO_Tensor:$lhs, StableHLO_Tensor:$rhs);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` type($lhs)";
}
def Check_ExpectEqConstOp : Check_Op<"expect_eq_const", [AllTypesMatch<["lhs", "value"]>]> {
  let arguments = (ins StableHLO_Tensor:$lhs, ElementsAttr:$value);
  let assemblyFormat = "$lhs `,` $value attr-dict";
}
def Check_ExpectAlmostEqOp : Check_Op<"expect_almost_eq", [AllTypesMatch<["lhs", "rhs"]>]> {
  let arguments = (ins StableHLO_Tensor:$lhs, StableHLO_Tensor:$rhs, DefaultValuedAttr<F64Attr, "1e-4">:$tolerance);
  let assemblyFormat = "$lhs `,` $rhs (`,` `tolerance` `=` $tolerance^)? attr-dict `:` type($lhs)";
}
def Check_ExpectAlmostEqConstOp : Check_Op<"expect_almost_eq_const", [AllTypesMatch<["lhs", "value"]>]> {
  let arguments = (ins StableHLO_Tensor:$lhs, ElementsAttr:$value, DefaultValuedAttr<F64Attr, "1e-4">:$tolerance);
  let assemblyFormat = "$lhs `,` $value (`,` `tolerance` `=` $tolerance^)? attr-dict";
}
def Check_ExpectCloseOp : Check_Op<"expect_close"> {
  let arguments = (ins StableHLO_Tensor:$actual, StableHLO_Tensor:$expected,
                       DefaultValuedAttr<I64Attr, "3">:$max_ulp_difference,
                       DefaultValuedAttr<I64Attr, "0">:$min_ulp_difference);
  let assemblyFormat = [{
    $actual `,` $expected (`,` `max_ulp_difference` `=` $max_ulp_difference^)?
      (`,` `min_ulp_difference` `=` $min_ulp_difference^)? attr-dict `:` type($actual) `,` type($expected)
  }];
}
def Check_ExpectSerializedEqOp : Check_Op<"expect_serialized_eq"> {
  let arguments = (ins StableHLO_Tensor:$expected, StrAttr:$probe_id, DefaultValuedAttr<UI32Attr, "0">:$iter);
  let assemblyFormat = [{
    $expected `,` `probe_id` `=` $probe_id (`,` `iter` `=` $iter^)? attr-dict `:` type($expected)
  }];
}

#endif // WHERRY_STABLEHLO_CHECK
