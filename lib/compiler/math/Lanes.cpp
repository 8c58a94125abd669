// Lanes.cpp: the operations behind the operators of Lanes.h.
#include "Lanes.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/TypeUtilities.h"

namespace wherry::compile::math {

namespace {

mlir::Type withElement(mlir::Type shape, mlir::Type element) {
  if (auto vector = llvm::dyn_cast<mlir::VectorType>(shape)) return vector.clone(element);
  return element;
}

template <class Op, class T, class... Args>
mlir::Value emit(T first, Args... args) {
  lanes& at = *first.at;
  return Op::create(at.builder(), at.loc(), first.value, args.value...);
}

template <class Op, class... Args>
mlir::Value convert(mlir::Type type, lanes& at, Args... args) {
  return Op::create(at.builder(), at.loc(), type, args.value...);
}

}  // namespace

lanes::lanes(mlir::OpBuilder& builder, mlir::Location loc, mlir::Type type)
    : builder_(builder), loc_(loc), single_(mlir::getElementTypeOrSelf(type).isF32()), real_type_(type) {
  bits_type_ = withElement(type, builder.getIntegerType(single_ ? 32 : 64));
}

mlir::Value lanes::constant(mlir::Type type, mlir::TypedAttr element) {
  for (auto& [key, value] : constants_)
    if (key == element) return value;
  mlir::TypedAttr all = element;
  if (auto vector = llvm::dyn_cast<mlir::VectorType>(type))
    all = mlir::DenseElementsAttr::get(vector, mlir::Attribute(element));
  const mlir::Value made = mlir::arith::ConstantOp::create(builder_, loc_, all);
  constants_.emplace_back(element, made);
  return made;
}

real lanes::number(double v) {
  return {this, constant(real_type_, builder_.getFloatAttr(mlir::getElementTypeOrSelf(real_type_), v))};
}

bits lanes::integer(int64_t v) {
  const unsigned width = single_ ? 32 : 64;
  const llvm::APInt wide(64, static_cast<uint64_t>(v));
  return {this, constant(bits_type_,
                         builder_.getIntegerAttr(mlir::getElementTypeOrSelf(bits_type_), wide.trunc(width)))};
}

mlir::Value lanes::any(mask m) {
  if (!llvm::isa<mlir::VectorType>(m.value.getType())) return m.value;
  return mlir::vector::ReductionOp::create(builder_, loc_, mlir::vector::CombiningKind::OR, m.value);
}

llvm::SmallVector<mlir::Value> lanes::if_any(mask when, llvm::ArrayRef<mlir::Value> otherwise,
                                             llvm::function_ref<llvm::SmallVector<mlir::Value>()> body) {
  const mlir::Value needed = any(when);
  const size_t known = constants_.size();
  auto op = mlir::scf::IfOp::create(builder_, loc_, mlir::ValueRange(otherwise).getTypes(), needed, true);
  {
    const mlir::OpBuilder::InsertionGuard guard(builder_);
    builder_.setInsertionPointToStart(op.thenBlock());
    mlir::scf::YieldOp::create(builder_, loc_, body());
    constants_.truncate(known);
    builder_.setInsertionPointToStart(op.elseBlock());
    mlir::scf::YieldOp::create(builder_, loc_, otherwise);
  }
  return llvm::SmallVector<mlir::Value>(op.getResults());
}

llvm::SmallVector<mlir::Value> lanes::while_any(
    llvm::ArrayRef<mlir::Value> state, llvm::function_ref<mask(llvm::ArrayRef<mlir::Value>)> more,
    llvm::function_ref<llvm::SmallVector<mlir::Value>(llvm::ArrayRef<mlir::Value>)> body) {
  const size_t known = constants_.size();
  const auto arguments = [](mlir::ValueRange range) { return llvm::SmallVector<mlir::Value>(range); };
  auto op = mlir::scf::WhileOp::create(
      builder_, loc_, mlir::ValueRange(state).getTypes(), state,
      [&](mlir::OpBuilder&, mlir::Location, mlir::ValueRange range) {
        const mlir::Value again = any(more(arguments(range)));
        mlir::scf::ConditionOp::create(builder_, loc_, again, range);
        constants_.truncate(known);
      },
      [&](mlir::OpBuilder&, mlir::Location, mlir::ValueRange range) {
        mlir::scf::YieldOp::create(builder_, loc_, body(arguments(range)));
        constants_.truncate(known);
      });
  return llvm::SmallVector<mlir::Value>(op.getResults());
}

real operator+(real a, real b) { return {a.at, emit<mlir::arith::AddFOp>(a, b)}; }
real operator-(real a, real b) { return {a.at, emit<mlir::arith::SubFOp>(a, b)}; }
real operator*(real a, real b) { return {a.at, emit<mlir::arith::MulFOp>(a, b)}; }
real operator/(real a, real b) { return {a.at, emit<mlir::arith::DivFOp>(a, b)}; }
real operator-(real a) { return {a.at, emit<mlir::arith::NegFOp>(a)}; }
real fma(real a, real b, real c) { return {a.at, emit<mlir::math::FmaOp>(a, b, c)}; }
real abs(real a) { return {a.at, emit<mlir::math::AbsFOp>(a)}; }
real sqrt(real a) { return {a.at, emit<mlir::math::SqrtOp>(a)}; }
real floor(real a) { return {a.at, emit<mlir::math::FloorOp>(a)}; }
real trunc(real a) { return {a.at, emit<mlir::math::TruncOp>(a)}; }
real copysign(real a, real b) { return {a.at, emit<mlir::math::CopySignOp>(a, b)}; }

mask compare(mlir::arith::CmpFPredicate predicate, real a, real b) {
  return {a.at, mlir::arith::CmpFOp::create(a.at->builder(), a.at->loc(), predicate, a.value, b.value)};
}
mask compare(mlir::arith::CmpIPredicate predicate, bits a, bits b) {
  return {a.at, mlir::arith::CmpIOp::create(a.at->builder(), a.at->loc(), predicate, a.value, b.value)};
}
mask operator&(mask a, mask b) { return {a.at, emit<mlir::arith::AndIOp>(a, b)}; }
mask operator|(mask a, mask b) { return {a.at, emit<mlir::arith::OrIOp>(a, b)}; }
mask operator^(mask a, mask b) { return {a.at, emit<mlir::arith::XOrIOp>(a, b)}; }
mask operator!(mask a) {
  lanes& at = *a.at;
  mlir::TypedAttr all = at.builder().getBoolAttr(true);
  if (auto vector = llvm::dyn_cast<mlir::VectorType>(a.value.getType()))
    all = mlir::DenseElementsAttr::get(vector, true);
  return a ^ mask{&at, mlir::arith::ConstantOp::create(at.builder(), at.loc(), all)};
}

real select(mask m, real a, real b) { return {m.at, emit<mlir::arith::SelectOp>(m, a, b)}; }
bits select(mask m, bits a, bits b) { return {m.at, emit<mlir::arith::SelectOp>(m, a, b)}; }

bits operator+(bits a, bits b) { return {a.at, emit<mlir::arith::AddIOp>(a, b)}; }
bits operator-(bits a, bits b) { return {a.at, emit<mlir::arith::SubIOp>(a, b)}; }
bits operator*(bits a, bits b) { return {a.at, emit<mlir::arith::MulIOp>(a, b)}; }
bits operator&(bits a, bits b) { return {a.at, emit<mlir::arith::AndIOp>(a, b)}; }
bits operator|(bits a, bits b) { return {a.at, emit<mlir::arith::OrIOp>(a, b)}; }
bits operator^(bits a, bits b) { return {a.at, emit<mlir::arith::XOrIOp>(a, b)}; }
bits operator<<(bits a, bits b) { return {a.at, emit<mlir::arith::ShLIOp>(a, b)}; }
bits operator>>(bits a, bits b) { return {a.at, emit<mlir::arith::ShRSIOp>(a, b)}; }
bits shift_logical(bits a, bits b) { return {a.at, emit<mlir::arith::ShRUIOp>(a, b)}; }

real in_double(llvm::ArrayRef<real> arguments, llvm::function_ref<real(llvm::ArrayRef<real>)> body) {
  lanes& at = *arguments.front().at;
  const mlir::Type type = withElement(at.real_type(), at.builder().getF64Type());
  lanes wide(at.builder(), at.loc(), type);
  llvm::SmallVector<real> widened;
  for (const real argument : arguments)
    widened.push_back(wide.wrap(mlir::arith::ExtFOp::create(at.builder(), at.loc(), type, argument.value)));
  return at.wrap(mlir::arith::TruncFOp::create(at.builder(), at.loc(), at.real_type(), body(widened).value));
}

bits as_bits(real a) { return {a.at, convert<mlir::arith::BitcastOp>(a.at->bits_type(), *a.at, a)}; }
real as_real(bits a) { return {a.at, convert<mlir::arith::BitcastOp>(a.at->real_type(), *a.at, a)}; }
real to_real(bits a) { return {a.at, convert<mlir::arith::SIToFPOp>(a.at->real_type(), *a.at, a)}; }

real power_of_two(bits k) { return as_real((k + k.at->bias()) << k.at->mantissa_bits()); }

real small_to_real(bits a) {
  const double unit_spacing = a.at->pick<double>(0x1.8p23, 0x1.8p52);  // neighbours are 1 apart here
  return as_real(a + as_bits(a.at->number(unit_spacing))) - unit_spacing;
}

real polynomial(real x, llvm::ArrayRef<double> c) {
  real sum = x.at->number(c.back());
  for (double coefficient : llvm::reverse(c.drop_back())) sum = fma(sum, x, coefficient);
  return sum;
}

}  // namespace wherry::compile::math
