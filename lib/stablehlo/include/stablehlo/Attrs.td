// Attrs.td: the enumerations and structures that stablehlo operations carry as attributes.
//
// An enumeration prints as `#stablehlo<comparison_direction LT>`. A structure prints as
// `#stablehlo.dot<name = value, ...>`; fields come in any order, empty lists and zeros are left out.
#ifndef WHERRY_STABLEHLO_ATTRS
#define WHERRY_STABLEHLO_ATTRS

include "stablehlo/Base.td"

class StableHLO_EnumInfo<string name, string summary, list<I32EnumAttrCase> cases>
    : I32EnumAttr<name, summary, cases> {
  let genSpecializedAttr = 0;
  let cppNamespace = "::mlir::stablehlo";
}
class StableHLO_EnumAttr<EnumInfo info, string mnemonic> : EnumAttr<StableHLO_Dialect, info, mnemonic>;

def StableHLO_ComparisonDirection : StableHLO_EnumInfo<"ComparisonDirection", "which comparison", [
    I32EnumAttrCase<"EQ", 0>, I32EnumAttrCase<"NE", 1>, I32EnumAttrCase<"GE", 2>,
    I32EnumAttrCase<"GT", 3>, I32EnumAttrCase<"LE", 4>, I32EnumAttrCase<"LT", 5>]>;
def StableHLO_ComparisonDirectionAttr : StableHLO_EnumAttr<StableHLO_ComparisonDirection, "comparison_direction">;

def StableHLO_ComparisonType : StableHLO_EnumInfo<"ComparisonType", "how elements are compared", [
    I32EnumAttrCase<"NOTYPE", 0>, I32EnumAttrCase<"FLOAT", 1>, I32EnumAttrCase<"TOTALORDER", 2>,
    I32EnumAttrCase<"SIGNED", 3>, I32EnumAttrCase<"UNSIGNED", 4>]>;
def StableHLO_ComparisonTypeAttr : StableHLO_EnumAttr<StableHLO_ComparisonType, "comparison_type">;

def StableHLO_Precision : StableHLO_EnumInfo<"Precision", "speed against accuracy of a dot or convolution", [
    I32EnumAttrCase<"DEFAULT", 0>, I32EnumAttrCase<"HIGH", 1>, I32EnumAttrCase<"HIGHEST", 2>]>;
def StableHLO_PrecisionAttr : StableHLO_EnumAttr<StableHLO_Precision, "precision">;

def StableHLO_FftType : StableHLO_EnumInfo<"FftType", "which Fourier transform", [
    I32EnumAttrCase<"FFT", 0>, I32EnumAttrCase<"IFFT", 1>, I32EnumAttrCase<"RFFT", 2>,
    I32EnumAttrCase<"IRFFT", 3>]>;
def StableHLO_FftTypeAttr : StableHLO_EnumAttr<StableHLO_FftType, "fft_type">;

def StableHLO_Transpose : StableHLO_EnumInfo<"Transpose", "how a matrix operand is read", [
    I32EnumAttrCase<"TRANSPOSE_INVALID", 0>, I32EnumAttrCase<"NO_TRANSPOSE", 1>,
    I32EnumAttrCase<"TRANSPOSE", 2>, I32EnumAttrCase<"ADJOINT", 3>]>;
def StableHLO_TransposeAttr : StableHLO_EnumAttr<StableHLO_Transpose, "transpose">;

def StableHLO_RngAlgorithm : StableHLO_EnumInfo<"RngAlgorithm", "a generator of random bits", [
    I32EnumAttrCase<"DEFAULT", 0>, I32EnumAttrCase<"THREE_FRY", 1>, I32EnumAttrCase<"PHILOX", 2>]>;
def StableHLO_RngAlgorithmAttr : StableHLO_EnumAttr<StableHLO_RngAlgorithm, "rng_algorithm">;

def StableHLO_RngDistribution : StableHLO_EnumInfo<"RngDistribution", "a distribution of random numbers", [
    I32EnumAttrCase<"UNIFORM", 1>, I32EnumAttrCase<"NORMAL", 2>]>;
def StableHLO_RngDistributionAttr : StableHLO_EnumAttr<StableHLO_RngDistribution, "rng_distribution">;

def StableHLO_ResultAccuracyMode : StableHLO_EnumInfo<"ResultAccuracyMode", "what accuracy is asked for", [
    I32EnumAttrCase<"DEFAULT", 0>, I32EnumAttrCase<"HIGHEST", 1>, I32EnumAttrCase<"TOLERANCE", 2>]>;
def StableHLO_ResultAccuracyModeAttr : StableHLO_EnumAttr<StableHLO_ResultAccuracyMode, "result_accuracy_mode"> {
  let assemblyFormat = "`<` $value `>`";
}

// Stored as a plain i32, unlike the others.
def StableHLO_CustomCallApiVersionAttr : I32EnumAttr<"CustomCallApiVersion", "calling convention of a custom call", [
    I32EnumAttrCase<"API_VERSION_UNSPECIFIED", 0>, I32EnumAttrCase<"API_VERSION_ORIGINAL", 1>,
    I32EnumAttrCase<"API_VERSION_STATUS_RETURNING", 2>,
    I32EnumAttrCase<"API_VERSION_STATUS_RETURNING_UNIFIED", 3>,
    I32EnumAttrCase<"API_VERSION_TYPED_FFI", 4>]> {
  let cppNamespace = "::mlir::stablehlo";
}

class StableHLO_Struct<string name, string attrMnemonic, string what, list<Trait> traits = []>
    : AttrDef<StableHLO_Dialect, name, traits> {
  let mnemonic = attrMnemonic;
  let summary = what;
  let hasCustomAssemblyFormat = 1;
}
def StableHLO_Dims : ArrayRefParameter<"int64_t", "a list of dimensions">;

def StableHLO_ScatterDimensionNumbers
    : StableHLO_Struct<"ScatterDimensionNumbers", "scatter", "how scatter maps updates to its inputs"> {
  let parameters = (ins StableHLO_Dims:$updateWindowDims, StableHLO_Dims:$insertedWindowDims,
                        StableHLO_Dims:$inputBatchingDims, StableHLO_Dims:$scatterIndicesBatchingDims,
                        StableHLO_Dims:$scatterDimsToOperandDims, "int64_t":$indexVectorDim);
}
def StableHLO_GatherDimensionNumbers
    : StableHLO_Struct<"GatherDimensionNumbers", "gather", "how gather maps its result to its operand"> {
  let parameters = (ins StableHLO_Dims:$offsetDims, StableHLO_Dims:$collapsedSliceDims,
                        StableHLO_Dims:$operandBatchingDims, StableHLO_Dims:$startIndicesBatchingDims,
                        StableHLO_Dims:$startIndexMap, "int64_t":$indexVectorDim);
}
def StableHLO_DotDimensionNumbers
    : StableHLO_Struct<"DotDimensionNumbers", "dot", "which dimensions dot_general pairs and sums"> {
  let parameters = (ins StableHLO_Dims:$lhsBatchingDimensions, StableHLO_Dims:$rhsBatchingDimensions,
                        StableHLO_Dims:$lhsContractingDimensions, StableHLO_Dims:$rhsContractingDimensions);
}
def StableHLO_DotAlgorithm
    : StableHLO_Struct<"DotAlgorithm", "dot_algorithm", "the arithmetic that dot_general may use"> {
  let parameters = (ins "::mlir::Type":$lhsPrecisionType, "::mlir::Type":$rhsPrecisionType,
                        "::mlir::Type":$accumulationType, "int64_t":$lhsComponentCount,
                        "int64_t":$rhsComponentCount, "int64_t":$numPrimitiveOperations,
                        "bool":$allowImpreciseAccumulation);
}
def StableHLO_ConvDimensionNumbers
    : StableHLO_Struct<"ConvDimensionNumbers", "conv", "the meaning of the dimensions of a convolution"> {
  let parameters = (ins "int64_t":$inputBatchDimension, "int64_t":$inputFeatureDimension,
                        StableHLO_Dims:$inputSpatialDimensions, "int64_t":$kernelInputFeatureDimension,
                        "int64_t":$kernelOutputFeatureDimension, StableHLO_Dims:$kernelSpatialDimensions,
                        "int64_t":$outputBatchDimension, "int64_t":$outputFeatureDimension,
                        StableHLO_Dims:$outputSpatialDimensions);
}
def StableHLO_ChannelHandle
    : StableHLO_Struct<"ChannelHandle", "channel_handle", "the channel of a communication"> {
  let parameters = (ins "int64_t":$handle, "int64_t":$type);
}
def StableHLO_OutputOperandAlias
    : StableHLO_Struct<"OutputOperandAlias", "output_operand_alias", "an output that lives in an operand's memory"> {
  let parameters = (ins StableHLO_Dims:$outputTupleIndices, "int64_t":$operandIndex,
                        StableHLO_Dims:$operandTupleIndices);
}
def StableHLO_TypeExtensions
    : StableHLO_Struct<"TypeExtensions", "type_extensions", "upper bounds of dynamic dimensions",
                       [DeclareAttrInterfaceMethods<VerifiableTensorEncoding>]> {
  let parameters = (ins StableHLO_Dims:$bounds);
}
def StableHLO_ResultAccuracy
    : StableHLO_Struct<"ResultAccuracy", "result_accuracy", "the accuracy asked of an elementary function"> {
  let parameters = (ins "::llvm::APFloat":$atol, "::llvm::APFloat":$rtol, "int64_t":$ulps,
                        "::mlir::stablehlo::ResultAccuracyModeAttr":$mode);
}
def StableHLO_SubAxisInfo : StableHLO_Struct<"SubAxisInfo", "sub_axis_info", "a part of a mesh axis"> {
  let parameters = (ins "int64_t":$preSize, "int64_t":$size);
}
def StableHLO_AxisRef : StableHLO_Struct<"AxisRef", "axis_ref", "a mesh axis or a part of it"> {
  let parameters = (ins "::mlir::StringAttr":$name, "::mlir::stablehlo::SubAxisInfoAttr":$subAxisInfo);
}
def StableHLO_MeshAxis : StableHLO_Struct<"MeshAxis", "mesh_axis", "an axis of a mesh of devices"> {
  let parameters = (ins "::mlir::StringAttr":$name, "int64_t":$size);
}
def StableHLO_Mesh : StableHLO_Struct<"Mesh", "mesh", "a mesh of devices"> {
  let parameters = (ins ArrayRefParameter<"::mlir::stablehlo::MeshAxisAttr">:$axes,
                        "::mlir::DenseIntElementsAttr":$deviceIds);
}
def StableHLO_ReplicaGroupMeshAxes
    : StableHLO_Struct<"ReplicaGroupMeshAxes", "replica_group_mesh_axes", "replica groups along mesh axes"> {
  let parameters = (ins "::mlir::Attribute":$mesh, "::mlir::ArrayAttr":$axes);
}

// Constraints on attributes of operations.
def StableHLO_PrecisionConfig
    : OptionalAttr<TypedArrayAttrBase<StableHLO_PrecisionAttr, "list of precisions, one per operand">>;
def StableHLO_ReplicaGroups
    : Attr<CPred<"::llvm::isa<::mlir::DenseIntElementsAttr, ::mlir::stablehlo::ReplicaGroupMeshAxesAttr>($_self)">,
           "2-D tensor of replica ids or replica_group_mesh_axes"> {
  let storageType = "::mlir::Attribute";
  let returnType = "::mlir::Attribute";
  let convertFromStorage = "$_self";
}
def StableHLO_SortedFlag : DefaultValuedOptionalAttr<BoolAttr, "false">;

#endif // WHERRY_STABLEHLO_ATTRS
