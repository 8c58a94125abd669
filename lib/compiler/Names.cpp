// Names.cpp: see Names.h.
#include "compiler/Names.h"

#include <map>
#include <optional>

#include "llvm/ADT/StringExtras.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Location.h"

using namespace mlir;

namespace wherry::compile {
namespace {

std::string attributeText(DictionaryAttr attributes, llvm::StringRef name) {
  const auto text = attributes ? attributes.getAs<StringAttr>(name) : StringAttr();
  return text ? text.str() : "";
}

/// The identifier behind the `%` at a line and column (from 1) of `source`; empty if there is none.
std::string spelledAt(std::string_view source, unsigned line, unsigned column) {
  for (; line > 1; --line) {
    const size_t end = source.find('\n');
    if (end == std::string_view::npos) return "";
    source.remove_prefix(end + 1);
  }
  if (column == 0 || column > source.size() || source[column - 1] != '%') return "";
  source.remove_prefix(column);
  const auto isPart = [](char c) { return llvm::isAlnum(c) || llvm::StringRef("_.$-").contains(c); };
  size_t size = 0;
  while (size < source.size() && isPart(source[size])) ++size;
  return std::string(source.substr(0, size));
}

std::string locationName(Location location, std::string_view source) {
  std::string name;
  std::optional<FileLineColLoc> place;
  location->walk([&](Location inner) {
    if (const auto named = dyn_cast<NameLoc>(inner)) {
      name = named.getName().str();
      return WalkResult::interrupt();
    }
    if (const auto file = dyn_cast<FileLineColLoc>(inner); file && !place) place = file;
    return WalkResult::advance();
  });
  return name.empty() && place ? spelledAt(source, place->getLine(), place->getColumn()) : name;
}

/// Gives those without a name of their own one by their number.
std::vector<std::string> unique(std::vector<std::string> names, const char* prefix) {
  std::map<std::string, int> count;
  for (const std::string& name : names) ++count[name];
  for (size_t k = 0; k < names.size(); ++k) {
    if (!names[k].empty() && count[names[k]] == 1) continue;
    std::string numbered = prefix + std::to_string(k);
    while (count[numbered] > 0 && numbered != names[k]) numbered += "_";
    ++count[numbered];
    names[k] = std::move(numbered);
  }
  return names;
}

}  // namespace

std::vector<std::string> argumentNames(func::FuncOp entry, std::string_view source) {
  if (source.substr(0, 4) == "ML\xEFR") source = {};
  std::vector<std::string> names;
  for (BlockArgument argument : entry.getArguments()) {
    std::string name = attributeText(entry.getArgAttrDict(argument.getArgNumber()), "jax.arg_info");
    if (name.empty()) name = locationName(argument.getLoc(), source);
    names.push_back(std::move(name));
  }
  return unique(std::move(names), "arg");
}

std::vector<std::string> resultNames(func::FuncOp entry) {
  std::vector<std::string> names;
  for (unsigned k = 0; k < entry.getNumResults(); ++k)
    names.push_back(attributeText(entry.getResultAttrDict(k), "jax.result_info"));
  return unique(std::move(names), "out");
}

}  // namespace wherry::compile
