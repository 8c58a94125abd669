// The programs of the shared data through the native exit, compared with their expected results.
#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <wherry/status/error.hpp>

#include "compiler/plan_runner.hpp"

namespace {

using namespace wherry;
using namespace wherry::testing;

struct tensor_file {
  std::map<std::string, std::vector<std::byte>> tensors;
  double rtol = 0, atol = 0;
};

std::string read_text(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

tensor_file read_tensors(const std::filesystem::path& path) {
  const std::string text = read_text(path);
  std::uint64_t header = 0;
  std::memcpy(&header, text.data(), sizeof header);
  const nlohmann::json json = nlohmann::json::parse(text.substr(8, header));
  tensor_file file;
  for (const auto& [name, entry] : json.items()) {
    if (name == "__metadata__") {
      file.rtol = std::stod(entry.value("rtol", "0"));
      file.atol = std::stod(entry.value("atol", "0"));
      continue;
    }
    const std::uint64_t begin = entry["data_offsets"][0], end = entry["data_offsets"][1];
    const auto* data = reinterpret_cast<const std::byte*>(text.data()) + 8 + header;
    file.tensors[name].assign(data + begin, data + end);
  }
  return file;
}

double from_half(std::uint16_t bits) {
  const int exponent = bits >> 10 & 31, fraction = bits & 1023;
  const double magnitude = exponent == 31  ? (fraction ? NAN : INFINITY)
                           : exponent == 0 ? std::ldexp(fraction, -24)
                                           : std::ldexp(1024 + fraction, exponent - 25);
  return bits & 0x8000 ? -magnitude : magnitude;
}

/// Elements of a floating type as complex numbers; of any other type, empty.
std::vector<std::complex<double>> numbers(const std::vector<std::byte>& data, dtype type) {
  std::vector<std::complex<double>> result;
  if (type == dtype::f32)
    for (const float v : values_from<float>(data)) result.emplace_back(v);
  if (type == dtype::f64)
    for (const double v : values_from<double>(data)) result.emplace_back(v);
  if (type == dtype::f16)
    for (const std::uint16_t v : values_from<std::uint16_t>(data)) result.emplace_back(from_half(v));
  if (type == dtype::bf16)
    for (const std::uint16_t v : values_from<std::uint16_t>(data)) {
      const std::uint32_t wide = std::uint32_t{v} << 16;
      float f = 0;
      std::memcpy(&f, &wide, sizeof f);
      result.emplace_back(f);
    }
  if (type == dtype::c64)
    for (const auto v : values_from<std::complex<float>>(data)) result.emplace_back(v);
  if (type == dtype::c128)
    for (const auto v : values_from<std::complex<double>>(data)) result.emplace_back(v);
  return result;
}

void expect_close(const std::vector<std::byte>& got, const std::vector<std::byte>& want, dtype type,
                  const tensor_file& file, const std::string& name) {
  ASSERT_EQ(got.size(), want.size()) << name;
  if (!is_float(type) && !is_complex(type)) {
    EXPECT_TRUE(got == want) << name;
    return;
  }
  const auto a = numbers(got, type), b = numbers(want, type);
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i] || (std::isnan(a[i].real()) && std::isnan(b[i].real()))) continue;
    ASSERT_LE(std::abs(a[i] - b[i]), file.atol + file.rtol * std::abs(b[i]))
        << name << " element " << i << ": got " << a[i] << ", want " << b[i];
  }
}

class programs : public ::testing::TestWithParam<const char*> {};

TEST_P(programs, gives_the_expected_results_with_and_without_donation) {
  const char* shared = std::getenv("WHERRY_SHARED");
  const std::filesystem::path folder =
      (shared != nullptr ? std::filesystem::path(shared)
                         : std::filesystem::path(WHERRY_SOURCE_DIR) / ".." / "shared") /
      "programs";
  const std::string name = GetParam();
  if (!std::filesystem::exists(folder / (name + ".mlir"))) GTEST_SKIP() << "no shared data: " << folder;
  const tensor_file file = read_tensors(folder / (name + ".safetensors"));
  const plan p = compile_text(read_text(folder / (name + ".mlir")));
  std::vector<std::vector<std::byte>> inputs;
  for (std::size_t i = 0; i < p.inputs.size(); ++i)
    inputs.push_back(file.tensors.at("arg" + std::to_string(i)));
  const auto kept = plan_runner(p).run(inputs);
  for (std::size_t i = 0; i < kept.size(); ++i) {
    const std::string out = "out" + std::to_string(i);
    expect_close(kept[i], file.tensors.at(out), p.outputs[i].element, file, out);
  }
  EXPECT_EQ(plan_runner(p, 1).run(inputs, plan_runner::donation::on), kept);
}

INSTANTIATE_TEST_SUITE_P(shared, programs,
                         ::testing::Values("dot_general_forms", "einsum_batch", "f16_forward",
                                           "f64_rosenbrock", "fixed_point_vjp", "jacobi_poisson",
                                           "nmf_updates", "raymarch_chain", "vit_patch_embed"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
