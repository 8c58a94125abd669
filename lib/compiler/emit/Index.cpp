// Index.cpp: arithmetic on positions.
#include "compiler/emit/Index.h"

#include <numeric>

using namespace mlir;

namespace wherry::compile {

Index IndexMath::constant(int64_t value) {
  Index x;
  if (b_) x.base = b_->constantIndex(value);
  x.min = x.max = value;
  x.multiple = value == 0 ? int64_t{1} << 40 : std::abs(value);
  return x;
}

Index IndexMath::add(Index x, int64_t c) {
  if (c == 0) return x;
  if (x.isUniform() && x.isConstant()) return constant(x.min + c);
  if (b_ && x.lanes) x.lanes = b_->binary<arith::AddIOp>(x.lanes, c);
  if (b_ && x.base) x.base = b_->make<arith::AddIOp>(x.base, b_->constantIndex(c));
  x.min += c;
  x.max += c;
  x.offset += c;
  x.multiple = std::gcd(x.multiple, c);
  return x;
}

static void mergeOrigin(Index& into, const Index& x, const Index& y) {
  if (x.first < 0 || y.first < 0) {
    const Index& one = x.first < 0 ? y : x;
    into.first = one.first;
    into.last = one.last;
    into.exact = false;
    return;
  }
  into.first = std::min(x.first, y.first);
  into.last = std::max(x.last, y.last);
  into.exact = false;
}

Index IndexMath::add(const Index& x, const Index& y) {
  if (x.isConstant() && x.isUniform()) return add(y, x.min);
  if (y.isConstant() && y.isUniform()) return add(x, y.min);
  Index sum;
  sum.min = x.min + y.min;
  sum.max = x.max + y.max;
  sum.multiple = std::gcd(x.multiple, y.multiple);
  mergeOrigin(sum, x, y);
  sum.scattered = x.scattered || y.scattered;
  if (b_ && (x.lanes || y.lanes)) {
    sum.lanes = b_->binary<arith::AddIOp>(vector(x), vector(y));
  } else {
    sum.step = x.step + y.step;
    if (b_) sum.base = b_->make<arith::AddIOp>(x.base, y.base);
  }
  return sum;
}

Index IndexMath::scale(Index x, int64_t c) {
  if (c == 1) return x;
  if (c == 0) return constant(0);
  if (x.isUniform() && x.isConstant()) return constant(x.min * c);
  if (b_ && x.lanes) x.lanes = b_->binary<arith::MulIOp>(x.lanes, c);
  if (b_ && x.base) x.base = b_->make<arith::MulIOp>(x.base, b_->constantIndex(c));
  x.step *= c;
  x.multiple *= std::abs(c);
  const int64_t low = x.min * c, high = x.max * c;
  x.min = std::min(low, high);
  x.max = std::max(low, high);
  x.exact = false;
  return x;
}

Index IndexMath::div(const Index& x, int64_t c) {
  if (c == 1) return x;
  if (x.min / c == x.max / c) return constant(x.min / c);
  Index q = x;
  q.exact = false;
  q.min = x.min / c;
  q.max = x.max / c;
  q.multiple = x.multiple % c == 0 ? std::max<int64_t>(1, x.multiple / c) : 1;
  const unsigned lanes = b_ ? b_->lanes() : 1;
  const bool aligned = x.step == 1 && c % lanes == 0 && x.multiple % lanes == 0;
  if (!b_) {
    q.step = 0;
    q.scattered = x.scattered || x.step != 0;
    return q;
  }
  if (!x.lanes && (x.step == 0 || aligned)) {
    q.base = b_->make<arith::DivUIOp>(x.base, b_->constantIndex(c));
    q.step = 0;
    return q;
  }
  q.lanes = b_->binary<arith::DivUIOp>(vector(x), c);
  q.base = Value();
  q.step = 0;
  return q;
}

Index IndexMath::rem(const Index& x, int64_t c) {
  if (x.min / c == x.max / c) return add(x, -(x.min / c) * c);
  Index r = x;
  r.exact = false;
  r.min = 0;
  r.max = c - 1;
  r.multiple = std::gcd(x.multiple, c);
  const unsigned lanes = b_ ? b_->lanes() : 1;
  const bool aligned = x.step == 1 && c % lanes == 0 && x.multiple % lanes == 0;
  if (!b_) {
    r.scattered = x.scattered || x.step != 0;
    r.step = 0;
    return r;
  }
  if (!x.lanes && (x.step == 0 || aligned)) {
    r.base = b_->make<arith::RemUIOp>(x.base, b_->constantIndex(c));
    return r;
  }
  r.lanes = b_->binary<arith::RemUIOp>(vector(x), c);
  r.base = Value();
  r.step = 0;
  return r;
}

Index IndexMath::clamp(Index x, int64_t low, int64_t high) {
  if (x.min >= low && x.max <= high) return x;
  Index y = x;
  y.min = std::clamp(x.min, low, high);
  y.max = std::clamp(x.max, low, high);
  y.multiple = 1;
  y.exact = false;
  if (!b_) {
    y.scattered = x.scattered || x.step != 0;
    y.step = 0;
    return y;
  }
  if (x.isUniform()) {
    y.base = b_->make<arith::MaxSIOp>(x.base, b_->constantIndex(low));
    y.base = b_->make<arith::MinSIOp>(y.base, b_->constantIndex(high));
    return y;
  }
  y.lanes = b_->binary<arith::MinSIOp>(b_->binary<arith::MaxSIOp>(vector(x), low), high);
  y.base = Value();
  y.step = 0;
  return y;
}

Value IndexMath::vector(const Index& x) {
  if (x.lanes) return x.lanes;
  const Value base = b_->make<arith::IndexCastOp>(b_->indexLaneType(), x.base);
  if (x.step == 0 || b_->lanes() == 1) return base;
  return b_->binary<arith::AddIOp>(base, b_->laneNumbers(b_->indexLaneType(), x.step));
}

Value IndexMath::inside(const Index& x, int64_t low, int64_t high) {
  Value result;
  const Value position = x.isUniform() ? x.base : vector(x);
  const auto also = [&](Value condition) {
    result = result ? b_->binary<arith::AndIOp>(result, condition) : condition;
  };
  if (x.min < low) also(b_->cmpi(arith::CmpIPredicate::sge, position, low));
  if (x.max >= high) also(b_->cmpi(arith::CmpIPredicate::slt, position, high));
  return result;
}

Place IndexMath::refine(const Place& place, Shape shape, llvm::function_ref<bool(unsigned)> cutAfter) {
  Place result;
  unsigned dim = 0;
  for (const Part& part : place) {
    // The pieces of this part, as counts of dimensions.
    SmallVector<unsigned, 4> pieces;
    unsigned count = 1;
    for (unsigned i = 1; i < part.dims; ++i) {
      if (cutAfter(dim + i - 1)) {
        pieces.push_back(count);
        count = 0;
      }
      ++count;
    }
    pieces.push_back(count);
    if (pieces.size() == 1) {
      result.push_back(part);
      dim += part.dims;
      continue;
    }
    int64_t inner = part.extent;
    Index rest = part.index;
    for (unsigned i = 0; i < pieces.size(); ++i) {
      int64_t extent = 1;
      for (unsigned j = 0; j < pieces[i]; ++j) extent *= shape[dim++];
      inner = extent == 0 ? 0 : inner / extent;
      const bool isLast = i + 1 == pieces.size();
      result.push_back({isLast || inner == 0 ? rest : div(rest, inner), extent, pieces[i]});
      if (!isLast && inner != 0) rest = rem(rest, inner);
    }
  }
  return result;
}

SmallVector<Index, 4> IndexMath::split(const Place& place, Shape shape) {
  SmallVector<Index, 4> indices;
  for (const Part& part : refine(place, shape, [](unsigned) { return true; })) indices.push_back(part.index);
  return indices;
}

Place IndexMath::join(ArrayRef<Index> indices, Shape shape) {
  Place place;
  for (unsigned i = 0; i < indices.size(); ++i) place.push_back({indices[i], shape[i], 1});
  return place;
}

/// Neighbouring parts as one group.
static Part merged(IndexMath& math, ArrayRef<Part> parts) {
  Part result = parts.front();
  for (const Part& part : parts.drop_front()) {
    if (part.extent == 1) {
      result.dims += part.dims;
      continue;
    }
    if (result.extent == 1) {
      const unsigned dims = result.dims;
      result = part;
      result.dims += dims;
      continue;
    }
    const bool adjoin = result.index.exact && part.index.exact && result.index.offset == 0 &&
                        part.index.offset == 0 && result.index.last + 1 == part.index.first &&
                        part.extent == part.index.span;
    Index sum = math.add(math.scale(result.index, part.extent), part.index);
    sum.exact = adjoin;
    sum.span = result.index.span * part.index.span;
    result.index = sum;
    result.extent *= part.extent;
    result.dims += part.dims;
  }
  return result;
}

Place IndexMath::reshape(const Place& place, Shape to) {
  Place result;
  unsigned from = 0, dim = 0;
  while (from < place.size() || dim < to.size()) {
    // The least groups on both sides with the same number of elements.
    const unsigned firstPart = from, firstDim = dim;
    int64_t left = from < place.size() ? place[from++].extent : 1;
    int64_t right = dim < to.size() ? to[dim++] : 1;
    while (left != right) {
      if (left < right)
        left *= place[from++].extent;
      else
        right *= to[dim++];
    }
    if (from == place.size())
      while (dim < to.size()) right *= to[dim++];
    if (dim == firstDim) {
      if (firstPart < from && left > 1)
        result.push_back(merged(*this, ArrayRef(place).slice(firstPart, from - firstPart)));
      continue;
    }
    Part part{constant(0), right, dim - firstDim};
    if (firstPart < from) {
      part.index = merged(*this, ArrayRef(place).slice(firstPart, from - firstPart)).index;
    }
    part.extent = right;
    result.push_back(part);
  }
  return result;
}

Index IndexMath::linear(const Place& place) {
  if (place.empty()) return constant(0);
  Index sum = constant(0);
  int64_t stride = 1;
  for (const Part& part : llvm::reverse(place)) {
    if (part.extent != 1) sum = add(scale(part.index, stride), sum);
    stride *= part.extent;
  }
  return sum;
}

bool isUniform(const Place& place) {
  return llvm::all_of(place, [](const Part& part) { return part.index.isUniform(); });
}

unsigned depthOf(const KernelBuilder& b, const Place& place) {
  unsigned depth = 0;
  for (const Part& part : place) {
    if (part.index.base) depth = std::max(depth, b.depthOf(part.index.base));
    if (part.index.lanes) depth = std::max(depth, b.depthOf(part.index.lanes));
  }
  return depth;
}

bool isSame(const Place& a, const Place& b) {
  if (a.size() != b.size()) return false;
  for (unsigned i = 0; i < a.size(); ++i) {
    const Index &x = a[i].index, &y = b[i].index;
    if (a[i].dims != b[i].dims || x.base != y.base || x.step != y.step || x.lanes != y.lanes) return false;
  }
  return true;
}

}  // namespace wherry::compile
