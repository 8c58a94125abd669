// Lanes.cpp: vector ops that MLIR's own lowering would not turn into what both exits promise.
//
// `vector.fma` becomes a true fused multiply-add (MLIR makes `fmuladd`, which may or may not fuse), and
// floating reductions have one order: halves, so that both exits give the same bits.

#include "Native.h"
#include "llvm/ADT/Sequence.h"
#include "llvm/Support/MathExtras.h"
#include "mlir/Conversion/LLVMCommon/Pattern.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace wherry::compile::native {
namespace {

struct FmaPattern : ConvertOpToLLVMPattern<vector::FMAOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult matchAndRewrite(vector::FMAOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter& rewriter) const override {
    rewriter.replaceOpWithNewOp<LLVM::FMAOp>(op, adaptor.getLhs(), adaptor.getRhs(), adaptor.getAcc());
    return success();
  }
};

struct StepPattern : ConvertOpToLLVMPattern<vector::StepOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult matchAndRewrite(vector::StepOp op, OpAdaptor,
                                ConversionPatternRewriter& rewriter) const override {
    auto type = cast<VectorType>(typeConverter->convertType(op.getType()));
    SmallVector<int64_t> lanes = llvm::to_vector(llvm::seq<int64_t>(0, type.getNumElements()));
    rewriter.replaceOpWithNewOp<LLVM::ConstantOp>(op, type, DenseIntElementsAttr::get(type, lanes));
    return success();
  }
};

struct ReductionPattern : ConvertOpToLLVMPattern<vector::ReductionOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult matchAndRewrite(vector::ReductionOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter& rewriter) const override {
    Location loc = op.getLoc();
    int64_t lanes = op.getSourceVectorType().getNumElements();
    if (!isa<FloatType>(op.getDest().getType()) || !llvm::isPowerOf2_64(lanes)) return failure();
    auto combine = [&](Value a, Value b) -> Value {
      switch (op.getKind()) {
        case vector::CombiningKind::ADD:
          return LLVM::FAddOp::create(rewriter, loc, a, b);
        case vector::CombiningKind::MUL:
          return LLVM::FMulOp::create(rewriter, loc, a, b);
        case vector::CombiningKind::MAXIMUMF:
          return LLVM::MaximumOp::create(rewriter, loc, a, b);
        case vector::CombiningKind::MINIMUMF:
          return LLVM::MinimumOp::create(rewriter, loc, a, b);
        default:
          return {};
      }
    };
    Value value = adaptor.getVector();
    while (lanes > 1) {
      lanes /= 2;
      auto low = llvm::to_vector(llvm::seq<int32_t>(0, lanes));
      auto high = llvm::to_vector(llvm::seq<int32_t>(lanes, 2 * lanes));
      Value a = LLVM::ShuffleVectorOp::create(rewriter, loc, value, value, low);
      Value b = LLVM::ShuffleVectorOp::create(rewriter, loc, value, value, high);
      value = combine(a, b);
      if (!value) return rewriter.notifyMatchFailure(op, "maxnumf and minnumf are no kernel operations");
    }
    Value zero = LLVM::ConstantOp::create(rewriter, loc, rewriter.getI64Type(), 0);
    value = LLVM::ExtractElementOp::create(rewriter, loc, value, zero);
    rewriter.replaceOp(op, adaptor.getAcc() ? combine(adaptor.getAcc(), value) : value);
    return success();
  }
};

}  // namespace

void populateLanePatterns(const LLVMTypeConverter& converter, RewritePatternSet& patterns) {
  patterns.add<FmaPattern, StepPattern, ReductionPattern>(converter, /*benefit=*/2);
}

}  // namespace wherry::compile::native
