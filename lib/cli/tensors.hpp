// tensors.hpp: a program's arguments and results in files.
//
// Arguments are the tensors `arg0`, `arg1`, ... of safetensors files, or .npy files in their order; results
// are `out0`, `out1`, ....
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>
#include <wherry/array/safetensors.hpp>

namespace wherry::cli {

/// Returns the arguments of a program that takes `types`, from `paths`; with several files, each tensor from
/// the first that has it. Throws `error` naming the argument that is missing, or of another type than the
/// program's, and its file.
std::vector<array> load_arguments(const std::vector<std::string>& paths, std::span<const tensor_type> types);

/// Returns `prefix` and `index` as the name of a tensor, and of the argument or result in messages.
std::string tensor_name(const char* prefix, std::size_t index);

/// Returns `out0`, ... as they are saved.
safetensors results_of(std::span<const array> results);

/// Tolerances of a comparison; those that the flags leave open come from the file's metadata, else they are
/// 0.
struct tolerances {
  std::optional<double> rtol;
  std::optional<double> atol;
};

/// Results to compare with: a file of `--expect`.
class expectation {
 public:
  /// Reads the file. Throws `error`, and `usage_error` for tolerances that are not numbers.
  expectation(std::string path, const tolerances& flags);

  /// Compares and appends one line a result to `report`. Returns whether everything is as expected.
  bool compare(std::span<const array> results, std::string& report) const;

 private:
  bool compare_one(std::size_t index, const array& got, std::string& line) const;
  double tolerance(const std::optional<double>& flag, const char* key) const;

  std::string path_;
  safetensors file_;
  double rtol_ = 0;
  double atol_ = 0;
};

}  // namespace wherry::cli
