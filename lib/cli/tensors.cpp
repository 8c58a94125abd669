// tensors.cpp: see tensors.hpp.
#include "tensors.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <fstream>
#include <wherry/array/npy.hpp>

#include "command.hpp"
#include "compare.hpp"

namespace wherry::cli {
namespace {

bool is_npy(const std::string& path) {
  std::array<char, 6> start{};
  std::ifstream(path, std::ios::binary).read(start.data(), start.size());
  return std::string_view(start.data(), start.size()) == detail::npy_magic ||
         (path.size() > 4 && path.compare(path.size() - 4, 4, ".npy") == 0);
}

std::string counted(std::size_t count, const char* noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

struct argument_file {
  std::string path;
  safetensors contents;
};

/// Reads all files. Those in .npy format are `arg0`, `arg1`, ... in the order in which they were given, of
/// `count` arguments.
std::vector<argument_file> read_argument_files(const std::vector<std::string>& paths, std::size_t count) {
  std::vector<argument_file> files;
  std::size_t single = 0;
  for (const std::string& path : paths) {
    argument_file& file = files.emplace_back(argument_file{path, {}});
    if (is_npy(path)) {
      if (single == count)
        throw usage_error(path + ": there is no argument " + std::to_string(single) +
                          " for it: the program takes " + counted(count, "argument"));
      file.contents.tensors.emplace(tensor_name("arg", single++), load_npy(path));
    } else {
      file.contents = load_safetensors(path);
    }
  }
  return files;
}

/// Returns the file that has `name`, or null. Throws usage_error if two have it.
const argument_file* file_with(std::span<const argument_file> files, const std::string& name) {
  const argument_file* found = nullptr;
  for (const argument_file& file : files) {
    if (!file.contents.find(name)) continue;
    if (found) throw usage_error(file.path + ": " + name + " is in " + found->path + ", too");
    found = &file;
  }
  return found;
}

std::string number_text(double value) {
  std::array<char, 32> text{};
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr};
}

/// `type` with the sizes that it leaves open taken from `stored`.
tensor_type with_sizes(const tensor_type& type, const array& stored, const std::string& what) {
  if (std::find(type.dims.begin(), type.dims.end(), -1) == type.dims.end()) return type;
  const shape& given = stored.type().dims;
  // complex<f64> travels with one more dimension where the format has no name for it.
  const bool in_parts = type.element == dtype::c128 && stored.dtype() != dtype::c128;
  if (given.rank() != type.dims.rank() + (in_parts ? 1 : 0)) {
    throw error(absl::StatusCode::kInvalidArgument,
                what + ": expected " + to_string(type) + ", the file has " + to_string(stored.type()));
  }
  std::vector<std::int64_t> extents(type.dims.begin(), type.dims.end());
  for (std::size_t d = 0; d < extents.size(); ++d) {
    if (extents[d] < 0) extents[d] = given[d];
  }
  return {type.element, shape(std::span<const std::int64_t>(extents))};
}

}  // namespace

std::string tensor_name(const char* prefix, std::size_t index) { return prefix + std::to_string(index); }

std::vector<array> load_arguments(const std::vector<std::string>& paths, std::span<const tensor_type> types) {
  const std::vector<argument_file> files = read_argument_files(paths, types.size());
  std::vector<array> arguments;
  for (std::size_t k = 0; k < types.size(); ++k) {
    const std::string name = tensor_name("arg", k);
    if (const argument_file* file = file_with(files, name)) {
      const array& found = file->contents.at(name);
      const std::string what = file->path + ": " + name;
      arguments.push_back(as_type(found, with_sizes(types[k], found, what), what));
      continue;
    }
    throw usage_error(paths.empty()
                          ? "the program takes " + counted(types.size(), "argument") +
                                ": --input names a file with arg0, arg1, ..., or a .npy file for each"
                          : paths.front() + ": there is no tensor '" + name + "' for argument " +
                                std::to_string(k) + ", a " + to_string(types[k]));
  }
  return arguments;
}

safetensors results_of(std::span<const array> results) {
  safetensors file;
  for (std::size_t k = 0; k < results.size(); ++k) file.tensors.emplace(tensor_name("out", k), results[k]);
  return file;
}

expectation::expectation(std::string path, const tolerances& flags)
    : path_(std::move(path)), file_(load_safetensors(path_)) {
  rtol_ = tolerance(flags.rtol, "rtol");
  atol_ = tolerance(flags.atol, "atol");
}

double expectation::tolerance(const std::optional<double>& flag, const char* key) const {
  if (flag) return *flag;
  const auto found = file_.metadata.find(key);
  if (found == file_.metadata.end()) return 0;
  double value = 0;
  const std::string& text = found->second;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end.ec != std::errc() || end.ptr != text.data() + text.size() || !(value >= 0)) {
    throw usage_error(path_ + ": __metadata__ '" + key + "' is '" + text + "', not a tolerance");
  }
  return value;
}

bool expectation::compare(std::span<const array> results, std::string& report) const {
  bool passed = true;
  for (std::size_t k = 0; k < results.size(); ++k) {
    std::string line;
    if (!compare_one(k, results[k], line)) passed = false;
    report += tensor_name("out", k) + ": " + line + "\n";
  }
  return passed;
}

bool expectation::compare_one(std::size_t index, const array& got, std::string& line) const {
  const array* stored = file_.find(tensor_name("out", index));
  if (!stored) {
    line = "FAIL: " + path_ + " has no such tensor";
    return false;
  }
  std::optional<array> want;
  try {
    want = as_type(*stored, got.type(), path_);
  } catch (const error& e) {
    line = std::string("FAIL: ") + e.what();
    return false;
  }
  const comparison c = compare_within(got, *want, rtol_, atol_);
  line = (c.passed() ? "ok: " : "FAIL: ") + to_string(got.type()) + (c.worst < 0 ? ", " : ", worst ") +
         explain(c, got, *want);
  if (c.worst >= 0) line += ", |got - want| = " + number_text(c.difference);
  if (is_float(got.dtype()) || is_complex(got.dtype())) {
    line += " (rtol " + number_text(rtol_) + ", atol " + number_text(atol_) + ")";
  }
  return c.passed();
}

}  // namespace wherry::cli
