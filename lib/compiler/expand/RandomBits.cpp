// RandomBits.cpp: rng_bit_generator as integer arithmetic on counters.
//
// ThreeFry-2x32 (20 rounds) and Philox-4x32 (10 rounds) are those of Salmon et al., "Parallel Random Numbers:
// As Easy as 1, 2, 3" (2011). Which counters an array takes, in which order its elements take the words and
// how the state goes on is not in StableHLO's specification; this follows what XLA does, so that results are
// the same: the state is [key, counter], or [key, low, high] for Philox, whose high half is the key where it
// is missing. DEFAULT is Philox.
#include "compiler/expand/Expand.h"

using namespace mlir;

namespace wherry::compile {
namespace {

using Words = llvm::SmallVector<Value, 4>;  // 32 bits each

class Generator {
 public:
  explicit Generator(Build& build)
      : b(build), u32(build.b.getIntegerType(32, false)), u64(build.b.getIntegerType(64, false)) {}

  Build& b;
  Type u32, u64;

  Value constant(Value like, uint64_t value) {
    // Through a signed number: splats take a double, which holds 32 bits either way.
    return b.splatLike(like, static_cast<double>(value));
  }
  Value shiftRight(Value x, unsigned by) {
    return b.binary<stablehlo::ShiftRightLogicalOp>(x, constant(x, by));
  }
  Value shiftLeft(Value x, unsigned by) { return b.binary<stablehlo::ShiftLeftOp>(x, constant(x, by)); }
  Value exclusive(Value x, Value y) { return b.binary<stablehlo::XorOp>(x, y); }
  Value low(Value x) { return b.convert(x, u32); }
  Value high(Value x) { return b.convert(shiftRight(x, 32), u32); }
  Value joined(Value low, Value high) {
    return b.logicalOr(b.convert(low, u64), shiftLeft(b.convert(high, u64), 32));
  }
  Value rotated(Value x, unsigned by) { return b.logicalOr(shiftLeft(x, by), shiftRight(x, 32 - by)); }

  Words threeFry(Value key, Value counter) {
    static constexpr unsigned rotations[2][4] = {{13, 15, 26, 6}, {17, 29, 16, 24}};
    const Build::Shape shape = Build::shapeOf(counter);
    Words keys{b.fill(low(key), shape), b.fill(high(key), shape)};
    keys.push_back(exclusive(exclusive(keys[0], keys[1]), constant(keys[0], 0x1BD11BDA)));
    Value x = b.add(low(counter), keys[0]), y = b.add(high(counter), keys[1]);
    for (unsigned group = 0; group < 5; ++group) {
      for (const unsigned by : rotations[group % 2]) {
        x = b.add(x, y);
        y = exclusive(rotated(y, by), x);
      }
      x = b.add(x, keys[(group + 1) % 3]);
      y = b.add(b.add(y, keys[(group + 2) % 3]), constant(y, group + 1));
    }
    return {x, y};
  }

  Words philox(Value key, Words x) {
    const Build::Shape shape = Build::shapeOf(x[0]);
    Value k0 = b.fill(low(key), shape), k1 = b.fill(high(key), shape);
    for (unsigned round = 0; round < 10; ++round) {
      const auto product = [&](Value of, uint64_t factor) {
        const Value wide = b.convert(of, u64);
        return b.mul(wide, constant(wide, factor));
      };
      const Value first = product(x[0], 0xD2511F53), second = product(x[2], 0xCD9E8D57);
      x = {exclusive(exclusive(high(second), x[1]), k0), low(second),
           exclusive(exclusive(high(first), x[3]), k1), low(first)};
      k0 = b.add(k0, constant(k0, 0x9E3779B9));
      k1 = b.add(k1, constant(k1, 0xBB67AE85));
    }
    return x;
  }

  /// Element i of every part, for one i after the other.
  Value interleaved(ArrayRef<Value> parts, int64_t count, Build::Shape shape) {
    const int64_t each = Build::shapeOf(parts.front())[0], total = each * static_cast<int64_t>(parts.size());
    Words columns;
    for (const Value part : parts) columns.push_back(b.reshape(part, {each, 1}));
    Value all = b.reshape(b.concatenate(columns, 1), {total});
    if (total != count) all = b.slice(all, {0}, {count});
    return b.reshape(all, shape);
  }

  Value element(Value state, int64_t index) { return b.reshape(b.slice(state, {index}, {index + 1}), {}); }
};

int64_t product(ArrayRef<int64_t> shape) {
  int64_t count = 1;
  for (const int64_t extent : shape) count *= extent;
  return count;
}

/// Words of 32 or 64 bits, and the state after them.
std::pair<Value, Value> threeFryBits(Generator& g, Value state, Build::Shape shape, bool isWide) {
  Build& b = g.b;
  const Value key = g.element(state, 0), start = g.element(state, 1);
  // 32 bits: two elements, neighbours along one dimension, share a counter; it is the first of even size, or
  // else the largest, which is then rounded up.
  llvm::SmallVector<int64_t> counters(shape);
  size_t halved = counters.size();
  if (!isWide) {
    for (size_t d = 0; d < counters.size() && halved == counters.size(); ++d)
      if (counters[d] % 2 == 0) halved = d;
    if (halved == counters.size() && !counters.empty())
      halved = static_cast<size_t>(std::max_element(counters.begin(), counters.end()) - counters.begin());
    if (!counters.empty()) counters[halved] = (counters[halved] + 1) / 2;
  }
  const int64_t count = product(counters);
  const Value counter = b.reshape(b.add(b.iota({count}, g.u64, 0), b.fill(start, {count})), counters);
  const Words words = g.threeFry(key, counter);
  Value bits;
  if (isWide) {
    bits = g.joined(words[0], words[1]);
  } else if (counters.empty()) {
    bits = words[0];
  } else {
    llvm::SmallVector<int64_t> column(counters), paired(counters);
    column.insert(column.begin() + static_cast<std::ptrdiff_t>(halved) + 1, 1);
    paired[halved] *= 2;
    bits = b.reshape(b.concatenate({b.reshape(words[0], column), b.reshape(words[1], column)},
                                   static_cast<int64_t>(halved) + 1),
                     paired);
    if (ArrayRef<int64_t>(paired) != shape)
      bits = b.slice(bits, llvm::SmallVector<int64_t>(shape.size(), 0), shape);
  }
  const Value next = b.add(start, g.constant(start, static_cast<uint64_t>(count)));
  return {bits, b.concatenate({b.reshape(key, {1}), b.reshape(next, {1})}, 0)};
}

std::pair<Value, Value> philoxBits(Generator& g, Value state, Build::Shape shape, bool isWide) {
  Build& b = g.b;
  const int64_t size = Build::shapeOf(state)[0], count = product(shape), perCounter = isWide ? 2 : 4;
  const int64_t counters = (count + perCounter - 1) / perCounter;
  const Value key = g.element(state, 0), low = g.element(state, 1),
              high = size == 3 ? g.element(state, 2) : key;
  const auto sum = [&](Value increment) {  // of the 128-bit counter and a number
    const Build::Shape where = Build::shapeOf(increment);
    const Value base = b.fill(low, where), lowSum = b.add(base, increment);
    const Value carry = b.convert(b.compare(stablehlo::ComparisonDirection::LT, lowSum, base), g.u64);
    return std::pair{lowSum, b.add(b.fill(high, where), carry)};
  };
  const auto [lows, highs] = sum(b.iota({counters}, g.u64, 0));
  const Words words = g.philox(key, {g.low(lows), g.high(lows), g.low(highs), g.high(highs)});
  const Value bits =
      isWide ? g.interleaved({g.joined(words[0], words[1]), g.joined(words[2], words[3])}, count, shape)
             : g.interleaved(words, count, shape);
  const auto [nextLow, nextHigh] = sum(b.scalar(g.u64, static_cast<double>(counters)));
  Words parts{b.reshape(key, {1}), b.reshape(nextLow, {1})};
  if (size == 3) parts.push_back(b.reshape(nextHigh, {1}));
  return {bits, b.concatenate(parts, 0)};
}

}  // namespace

Expanded expandRngBitGenerator(Build& build, Operation* operation) {
  auto op = cast<stablehlo::RngBitGeneratorOp>(operation);
  Generator g(build);
  const auto type = Build::typeOf(op.getOutput());
  const Type element = type.getElementType(), stateElement = Build::elementOf(op.getInitialState());
  auto stateType = Build::typeOf(op.getInitialState());
  const bool isThreeFry = op.getRngAlgorithm() == stablehlo::RngAlgorithm::THREE_FRY;
  const bool isState = stateType.getRank() == 1 && stateElement.isInteger(64) &&
                       (stateType.getDimSize(0) == 2 || (!isThreeFry && stateType.getDimSize(0) == 3));
  if (!isState)
    return op.emitError() << "has a state of type " << stateType << "; " << (isThreeFry ? "2" : "2 or 3")
                          << " integers of 64 bits are supported";
  Value state = op.getInitialState();
  if (stateElement != g.u64)
    state = stablehlo::BitcastConvertOp::create(build.b, build.loc(), stateType.clone(g.u64), state);
  const unsigned width = element.getIntOrFloatBitWidth();
  auto [bits, next] = isThreeFry ? threeFryBits(g, state, type.getShape(), width == 64)
                                 : philoxBits(g, state, type.getShape(), width == 64);
  if (width == 1) {
    bits = build.logicalAnd(bits, build.splatLike(bits, 1));
    bits = build.convert(bits, element);
  } else {
    bits = build.convert(bits, build.b.getIntegerType(width, false));
    if (Build::elementOf(bits) != element)
      bits = stablehlo::BitcastConvertOp::create(build.b, build.loc(), type, bits);
  }
  if (stateElement != g.u64)
    next = stablehlo::BitcastConvertOp::create(build.b, build.loc(), stateType, next);
  return Expanded({next, bits});
}

}  // namespace wherry::compile
