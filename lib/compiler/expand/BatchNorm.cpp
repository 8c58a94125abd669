// BatchNorm.cpp: batch norms as reductions and elementwise operations.
//
// Follows the specification's definitions of batch_norm_inference, batch_norm_training and batch_norm_grad.
// Half-precision operands are computed in f32, so that sums over a batch keep their digits.
#include "compiler/expand/Expand.h"

using namespace mlir;

namespace wherry::compile {
namespace {

class Norm {
 public:
  Norm(Build& build, Value operand, int64_t feature)
      : b(build), shape_(Build::shapeOf(operand)), feature_(feature), result_(Build::elementOf(operand)) {
    element = result_.getIntOrFloatBitWidth() < 32 ? Type(b.b.getF32Type()) : result_;
    for (int64_t d = 0; d < static_cast<int64_t>(shape_.size()); ++d)
      if (d != feature_) others_.push_back(d);
    for (const int64_t d : others_) count_ *= shape_[d];
  }

  Build& b;
  Type element;  // of the computation

  Value in(Value x) { return b.convert(x, element); }
  Value out(Value x) { return b.convert(x, result_); }
  /// One number per feature, at every element of its feature.
  Value spread(Value perFeature) { return b.broadcast(perFeature, shape_, {feature_}); }
  Value sum(Value x) { return b.sum(x, others_); }
  Value mean(Value x) {
    const Value total = sum(x);
    return b.div(total, b.splatLike(total, static_cast<double>(count_)));
  }
  Value deviation(Value variance, const APFloat& epsilon) {
    return b.unary<stablehlo::SqrtOp>(b.add(variance, b.splatLike(variance, epsilon.convertToDouble())));
  }
  double count() const { return static_cast<double>(count_); }

 private:
  Build::Shape shape_;
  int64_t feature_, count_ = 1;
  Type result_;
  llvm::SmallVector<int64_t> others_;
};

}  // namespace

Expanded expandBatchNormInference(Build& build, Operation* operation) {
  auto op = cast<stablehlo::BatchNormInferenceOp>(operation);
  Norm norm(build, op.getOperand(), op.getFeatureIndex());
  const Value centred = build.sub(norm.in(op.getOperand()), norm.spread(norm.in(op.getMean())));
  const Value deviation = norm.spread(norm.deviation(norm.in(op.getVariance()), op.getEpsilon()));
  const Value scaled = build.mul(build.div(centred, deviation), norm.spread(norm.in(op.getScale())));
  return Expanded({norm.out(build.add(scaled, norm.spread(norm.in(op.getOffset()))))});
}

Expanded expandBatchNormTraining(Build& build, Operation* operation) {
  auto op = cast<stablehlo::BatchNormTrainingOp>(operation);
  Norm norm(build, op.getOperand(), op.getFeatureIndex());
  const Value operand = norm.in(op.getOperand());
  const Value mean = norm.mean(operand);
  const Value centred = build.sub(operand, norm.spread(mean));
  const Value variance = norm.mean(build.mul(centred, centred));
  const Value deviation = norm.spread(norm.deviation(variance, op.getEpsilon()));
  const Value scaled = build.mul(build.div(centred, deviation), norm.spread(norm.in(op.getScale())));
  const Value result = build.add(scaled, norm.spread(norm.in(op.getOffset())));
  return Expanded({norm.out(result), norm.out(mean), norm.out(variance)});
}

Expanded expandBatchNormGrad(Build& build, Operation* operation) {
  auto op = cast<stablehlo::BatchNormGradOp>(operation);
  Norm norm(build, op.getOperand(), op.getFeatureIndex());
  const Value gradient = norm.in(op.getGradOutput());
  const Value centred = build.sub(norm.in(op.getOperand()), norm.spread(norm.in(op.getMean())));
  const Value deviation = norm.deviation(norm.in(op.getVariance()), op.getEpsilon());
  // The specification's i1 to i6, with sums taken per feature before they are spread.
  const Value offset = norm.sum(gradient);
  const Value products = norm.sum(build.mul(gradient, centred));
  const Value variance =
      build.add(norm.in(op.getVariance()), build.splatLike(deviation, op.getEpsilon().convertToDouble()));
  const Value i1 = build.mul(gradient, build.splatLike(gradient, norm.count()));
  const Value i5 = build.div(build.mul(norm.spread(products), centred), norm.spread(variance));
  const Value i6 = build.sub(build.sub(i1, norm.spread(offset)), i5);
  const Value factor =
      build.div(build.div(norm.in(op.getScale()), deviation), build.splatLike(deviation, norm.count()));
  const Value operandGradient = build.mul(norm.spread(factor), i6);
  return Expanded({norm.out(operandGradient), norm.out(build.div(products, deviation)), norm.out(offset)});
}

}  // namespace wherry::compile
