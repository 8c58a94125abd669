// Source.cpp: what is done to the text of a program before MLIR's parser sees it.
#include "Source.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/Twine.h"

using namespace mlir::stablehlo;
using llvm::StringRef;

namespace {

SourcePlace placeAt(StringRef text, size_t at) {
  const StringRef before = text.take_front(at);
  const size_t newline = before.rfind('\n');
  return {static_cast<unsigned>(before.count('\n') + 1),
          static_cast<unsigned>(newline == StringRef::npos ? at + 1 : at - newline)};
}

// True if the sizes at the start of `shape`, `2x?x3xf32`, are those of more elements than a tensor may have.
bool hasTooManyElements(StringRef shape) {
  uint64_t count = 1;
  while (true) {
    uint64_t size = 0;
    if (shape.consume_front("?"))
      size = 1;
    else if (shape.empty() || !llvm::isDigit(shape.front()) || shape.consumeInteger(10, size))
      return false;
    if (!shape.consume_front("x"))
      return false;
    if (size != 0 && (__builtin_mul_overflow(count, size, &count) || count > maximumElements))
      return true;
  }
}

// The names of types that a text defines, and of how many types each consists, those that occur several
// times counted as often: each of a few tuples of the one before it, twice, doubles what is to be walked.
class TypeAliases {
public:
  static constexpr uint64_t mostTypes = 1 << 20;

  // Takes note of the name or definition at the `!` that `rest` starts with. False if a type is too large.
  bool see(StringRef rest) {
    const StringRef name = rest.drop_front().take_while(
        [](char c) { return llvm::isAlnum(c) || c == '_' || c == '$' || c == '.' || c == '-'; });
    const StringRef after = rest.drop_front(1 + name.size()).ltrim(' ');
    if (after.starts_with("=") && !after.starts_with("==")) {
      open = name;
      return true;
    }
    if (open.empty())
      return true;
    const uint64_t used = weights.lookup(name);
    uint64_t &weight = weights[open];
    weight += 1 + used;
    return weight <= mostTypes;
  }
  // A definition ends with its line, unless a bracket is open or nothing has come yet.
  void endLine(StringRef before) {
    if (!before.rtrim().ends_with("="))
      open = {};
  }

private:
  StringRef open;
  llvm::StringMap<uint64_t> weights;
};

} // namespace

std::optional<SourceProblem> mlir::stablehlo::findProblem(StringRef text, unsigned limit, unsigned &deepest) {
  // Brackets of all kinds that are open, and the braces among them: regions in the generic form open two
  // brackets each, and are one level.
  unsigned depth = 0, braces = 0;
  deepest = 0;
  // Inside an affine map: the depth around it, and the operators so far. MLIR reads these by recursion.
  unsigned outsideAffine = 0, operators = 0;
  bool isAffine = false;
  TypeAliases aliases;
  const auto problem = [&](size_t at, const char *what, uint64_t most, const char *unit) {
    return SourceProblem{placeAt(text, at), (llvm::Twine(what) + llvm::Twine(most) + unit).str()};
  };
  for (size_t i = 0; i < text.size(); ++i) {
    switch (text[i]) {
    case '!':
      if (!aliases.see(text.drop_front(i)))
        return problem(i, "a type may consist of at most ", TypeAliases::mostTypes, " others");
      break;
    case '\n':
      if (depth == 0)
        aliases.endLine(text.take_front(i));
      break;
    case '"':
      for (++i; i < text.size() && text[i] != '"'; ++i)
        if (text[i] == '\\')
          ++i;
      break;
    case '/':
      if (text.substr(i).starts_with("//"))
        i = std::min(text.find('\n', i), text.size()) - 1;
      break;
    case '<': {
      const StringRef before = text.take_front(i);
      if (!isAffine && (before.ends_with("affine_map") || before.ends_with("affine_set"))) {
        isAffine = true;
        outsideAffine = depth;
        operators = 0;
      }
      if ((before.ends_with("tensor") || before.ends_with("memref") || before.ends_with("vector")) &&
          hasTooManyElements(text.drop_front(i + 1)))
        return problem(i + 1, "a type may have at most ", maximumElements, " elements");
      [[fallthrough]];
    }
    case '(':
    case '[':
    case '{':
      ++depth;
      braces += text[i] == '{';
      if (braces > limit || depth - braces > limit)
        return problem(i, "brackets and regions nest deeper than ", limit, " levels");
      deepest = std::max(deepest, depth);
      break;
    case '+':
    case '-':
    case '*':
      if (isAffine && ++operators > limit)
        return problem(i, "an affine map may have at most ", limit, " operators");
      break;
    case '>':
      if (i > 0 && text[i - 1] == '-')
        break;
      [[fallthrough]];
    case ')':
    case ']':
    case '}':
      if (depth > 0)
        --depth;
      if (text[i] == '}' && braces > 0)
        --braces;
      braces = std::min(braces, depth);
      if (isAffine && depth <= outsideAffine)
        isAffine = false;
      break;
    default:
      break;
    }
  }
  return std::nullopt;
}

namespace {

// Reads the type of a constant, `> : tensor<2x3xi1`, at the start of `rest`. Returns its number of
// elements, or nothing if the elements are not booleans or the number does not fit.
std::optional<uint64_t> booleanCount(StringRef rest) {
  rest = rest.ltrim();
  if (!rest.consume_front(">"))
    return std::nullopt;
  rest = rest.ltrim();
  if (!rest.consume_front(":"))
    return std::nullopt;
  rest = rest.ltrim();
  if (!rest.consume_front("tensor<"))
    return std::nullopt;
  uint64_t count = 1;
  while (!rest.empty() && llvm::isDigit(rest.front())) {
    uint64_t size = 0;
    if (rest.consumeInteger(10, size) || !rest.consume_front("x") ||
        __builtin_mul_overflow(count, size, &count))
      return std::nullopt;
  }
  if (!rest.consume_front("i1") || !(rest.starts_with(">") || rest.starts_with(",")))
    return std::nullopt;
  return count;
}

// One hexadecimal byte per element to eight elements per byte, the first in the lowest bit.
std::string pack(StringRef digits) {
  std::string packed;
  const size_t count = digits.size() / 2;
  for (size_t start = 0; start < count; start += 8) {
    unsigned byte = 0;
    for (size_t i = start; i < std::min(start + 8, count); ++i)
      if (digits.substr(2 * i, 2) != "00")
        byte |= 1u << (i - start);
    packed += llvm::hexdigit(byte >> 4);
    packed += llvm::hexdigit(byte & 15);
  }
  return packed;
}

} // namespace

bool mlir::stablehlo::packBooleanConstants(StringRef text, std::string &out) {
  constexpr StringRef opening = "dense<\"0x";
  bool changed = false;
  for (size_t at = text.find(opening); at != StringRef::npos; at = text.find(opening, at)) {
    const size_t begin = at + opening.size(), end = text.find('"', begin);
    if (end == StringRef::npos)
      break;
    at = end;
    const std::optional<uint64_t> count = booleanCount(text.drop_front(end + 1));
    const StringRef digits = text.slice(begin, end);
    const bool onePerByte = count && *count > 1 && digits.size() == 2 * *count;
    // One byte for all elements is a splat: true is all ones in the packed form.
    const bool splat = count && *count > 8 && digits == "01";
    if (!onePerByte && !splat)
      continue;
    if (!changed)
      out = text.str();
    changed = true;
    std::string packed = splat ? "FF" : pack(digits);
    packed += '"';
    packed.resize(digits.size() + 1, ' ');
    out.replace(begin, packed.size(), packed);
  }
  return changed;
}
