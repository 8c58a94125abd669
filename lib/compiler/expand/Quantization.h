// Quantization.h: what the numbers of a quantized tensor mean, and arithmetic between them and real numbers.
//
// A quantized tensor holds integers; `(integer - zero point) * scale` is the number that one stands for.
// Scale and zero point belong to the tensor, to each index of one dimension (the specification's section
// "Quantized types"), or to each block of a grid of blocks (the sub-channel types of MLIR's quant).
#pragma once

#include <optional>

#include "compiler/expand/Build.h"

namespace wherry::compile {

struct Quantization {
  mlir::Type storage;               // iN or uiN
  mlir::FloatType expressed;        // of the numbers meant
  int64_t low = 0, high = 0;        // of the integers
  std::optional<int64_t> axis;      // the dimension with a scale per index; none: one for all
  llvm::SmallVector<int64_t> grid;  // how many blocks along each dimension; empty: not of blocks
  llvm::SmallVector<double> scales;
  llvm::SmallVector<int64_t> zeroPoints;

  /// Of a quantized element type or a tensor of one; none for other types.
  static std::optional<Quantization> of(mlir::Type type);

  bool isPerAxis() const { return axis.has_value(); }
  bool isPerBlock() const { return !grid.empty(); }
  /// True if equal integers mean equal numbers; the dimension that has the scales may be another.
  bool sameNumbers(const Quantization& other) const;

  /// The numbers that `stored` means, in the expressed type. `stored` may still have its quantized type.
  mlir::Value dequantize(Build& build, mlir::Value stored) const;
  /// The nearest integers to numbers of the expressed type: ties to even, clamped, NaN as 0; with element
  /// type `as`.
  mlir::Value quantize(Build& build, mlir::Value numbers, mlir::Type as) const;
  /// `stored` minus its zero point, in the integer type `element`, which must hold it.
  mlir::Value centred(Build& build, mlir::Value stored, mlir::Type element) const;
  /// The integers for `sums`, integers of which one means the number `factors[i]` (i: along dimension
  /// `along`, or 0 where there is one factor). Not for blocks.
  mlir::Value fromSums(Build& build, mlir::Value sums, llvm::ArrayRef<double> factors,
                       std::optional<int64_t> along, mlir::Type as) const;

 private:
  /// Scales or zero points for each element of `like`, in the type `element`.
  mlir::Value spread(Build& build, mlir::Value like, mlir::Type element, llvm::ArrayRef<double> values) const;
};

/// True for quantized element types and tensors of them.
bool isQuantized(mlir::Type type);

/// `type`, or the type of its integers if it is a quantized tensor.
mlir::Type storageTypeOf(mlir::Type type);

}  // namespace wherry::compile
