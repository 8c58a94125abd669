// Interpreter.td: the interpreter dialect: several processes in one test program, and probes of values.
#ifndef WHERRY_STABLEHLO_INTERPRETER
#define WHERRY_STABLEHLO_INTERPRETER

include "stablehlo/Base.td"

def Interpreter_Dialect : Dialect {
  let name = "interpreter";
  let summary = "several processes in one test program, and probes of values";
  let cppNamespace = "::mlir::interpreter";
}

def Interpreter_RunParallelOp : Op<Interpreter_Dialect, "run_parallel"> {
  let summary = "runs `programs` (rows are replicas, columns partitions) at once";
  let arguments = (ins Variadic<StableHLO_TensorOrToken>:$inputs, OptionalAttr<ArrayAttr>:$infeed,
                       ArrayAttr:$programs);
  let results = (outs Variadic<StableHLO_TensorOrToken>);
}

def Interpreter_ProbeOp : Op<Interpreter_Dialect, "probe", [AllTypesMatch<["operand", "result"]>]> {
  let summary = "returns its operand and records it under a name";
  let arguments = (ins StableHLO_Tensor:$operand, StrAttr:$probe_id);
  let results = (outs StableHLO_Tensor:$result);
  let assemblyFormat = "$operand `,` `probe_id` `=` $probe_id attr-dict `:` type($operand)";
}

#endif // WHERRY_STABLEHLO_INTERPRETER
