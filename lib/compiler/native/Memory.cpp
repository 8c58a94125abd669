// Memory.cpp: memory accesses of kernels as LLVM dialect.
//
// The buffers of a kernel are dense and static, so a memref is one pointer; MLIR's descriptor of five
// members a memref would only make more IR. Vectors are accessed with the alignment of one element.

#include "Native.h"
#include "mlir/Conversion/LLVMCommon/Pattern.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace wherry::compile::native {
namespace {

unsigned elementAlign(MemRefType type) {
  return std::max(1u, type.getElementType().getIntOrFloatBitWidth() / 8);
}

// Returns the address of `base[indices]`. Strides come from the shape: the layout is the identity.
Value addressOf(ConversionPatternRewriter& rewriter, Location loc, MemRefType type, Value base,
                ValueRange indices) {
  Type i64 = rewriter.getI64Type();
  Value linear;
  for (auto [axis, index] : llvm::enumerate(indices)) {
    if (!linear) {
      linear = index;
      continue;
    }
    Value extent = LLVM::ConstantOp::create(rewriter, loc, i64, type.getDimSize(axis));
    linear = LLVM::MulOp::create(rewriter, loc, linear, extent);
    linear = LLVM::AddOp::create(rewriter, loc, linear, index);
  }
  if (!linear) return base;
  return LLVM::GEPOp::create(rewriter, loc, LLVM::LLVMPointerType::get(rewriter.getContext()),
                             type.getElementType(), base, ArrayRef<LLVM::GEPArg>{linear});
}

// memref.load and vector.load differ in the names of their accessors only.
template <class Op>
struct LoadPattern : ConvertOpToLLVMPattern<Op> {
  using ConvertOpToLLVMPattern<Op>::ConvertOpToLLVMPattern;
  LogicalResult matchAndRewrite(Op op, typename Op::Adaptor adaptor,
                                ConversionPatternRewriter& rewriter) const override {
    MemRefType type = op.getMemRefType();
    Value base;
    if constexpr (std::is_same_v<Op, memref::LoadOp>)
      base = adaptor.getMemref();
    else
      base = adaptor.getBase();
    Value address = addressOf(rewriter, op.getLoc(), type, base, adaptor.getIndices());
    Type result = this->typeConverter->convertType(op.getResult().getType());
    rewriter.replaceOpWithNewOp<LLVM::LoadOp>(op, result, address, elementAlign(type));
    return success();
  }
};

template <class Op>
struct StorePattern : ConvertOpToLLVMPattern<Op> {
  using ConvertOpToLLVMPattern<Op>::ConvertOpToLLVMPattern;
  LogicalResult matchAndRewrite(Op op, typename Op::Adaptor adaptor,
                                ConversionPatternRewriter& rewriter) const override {
    MemRefType type = op.getMemRefType();
    Value base, value;
    if constexpr (std::is_same_v<Op, memref::StoreOp>) {
      base = adaptor.getMemref();
      value = adaptor.getValue();
    } else {
      base = adaptor.getBase();
      value = adaptor.getValueToStore();
    }
    Value address = addressOf(rewriter, op.getLoc(), type, base, adaptor.getIndices());
    rewriter.replaceOpWithNewOp<LLVM::StoreOp>(op, value, address, elementAlign(type));
    return success();
  }
};

struct AllocaPattern : ConvertOpToLLVMPattern<memref::AllocaOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult matchAndRewrite(memref::AllocaOp op, OpAdaptor,
                                ConversionPatternRewriter& rewriter) const override {
    MemRefType type = op.getType();
    Location loc = op.getLoc();
    Value count = LLVM::ConstantOp::create(rewriter, loc, rewriter.getI64Type(), type.getNumElements());
    rewriter.replaceOpWithNewOp<LLVM::AllocaOp>(op, LLVM::LLVMPointerType::get(rewriter.getContext()),
                                                type.getElementType(), count, op.getAlignment().value_or(64));
    return success();
  }
};

// Indices are signed; getelementptr extends the narrow ones.
struct GatherPattern : ConvertOpToLLVMPattern<vector::GatherOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult matchAndRewrite(vector::GatherOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter& rewriter) const override {
    auto type = dyn_cast<MemRefType>(op.getBase().getType());
    if (!type || op.getVectorType().getRank() != 1) return failure();
    Location loc = op.getLoc();
    Value base = addressOf(rewriter, loc, type, adaptor.getBase(), adaptor.getOffsets());
    auto pointers = VectorType::get(op.getVectorType().getShape(), base.getType());
    Value addresses = LLVM::GEPOp::create(rewriter, loc, pointers, type.getElementType(), base,
                                          ArrayRef<LLVM::GEPArg>{adaptor.getIndices()});
    rewriter.replaceOpWithNewOp<LLVM::masked_gather>(op, op.getVectorType(), addresses, adaptor.getMask(),
                                                     adaptor.getPassThru(),
                                                     rewriter.getI32IntegerAttr(elementAlign(type)));
    return success();
  }
};

}  // namespace

void populateMemoryPatterns(const LLVMTypeConverter& converter, RewritePatternSet& patterns) {
  patterns.add<LoadPattern<memref::LoadOp>, LoadPattern<vector::LoadOp>, StorePattern<memref::StoreOp>,
               StorePattern<vector::StoreOp>, AllocaPattern, GatherPattern>(converter, /*benefit=*/2);
}

}  // namespace wherry::compile::native
