// Code that travels: copies of prebuilt kernels in artifacts, kernels that other programs have compiled,
// kernels of equal names in OpenCL C.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <wherry/exec/native_code.hpp>
#include <wherry/exec/opencl_source.hpp>
#include <wherry/exec/plan_io.hpp>

#include "compiler/native/Native.h"
#include "compiler/plan_runner.hpp"

namespace {

using namespace wherry;
using namespace wherry::testing;

/// x * y with `batch` rows, then `function` of it.
std::string product(int rows, const std::string& function) {
  const std::string n = std::to_string(rows);
  return "func.func @main(%x: tensor<" + n + "x70xf32>, %y: tensor<70x90xf32>) -> tensor<" + n +
         "x90xf32> {\n  %0 = stablehlo.dot_general %x, %y, contracting_dims = [1] x [0] : (tensor<" + n +
         "x70xf32>, tensor<70x90xf32>) -> tensor<" + n + "x90xf32>\n  %1 = stablehlo." + function +
         " %0 : tensor<" + n + "x90xf32>\n  return %1 : tensor<" + n + "x90xf32>\n}\n";
}

std::string chain(const std::string& last) {
  return "func.func @main(%x: tensor<40x30xf32>) -> (tensor<f32>, tensor<40x30xf32>) {\n"
         "  %c = stablehlo.constant dense<0.0> : tensor<f32>\n"
         "  %e = stablehlo.exponential %x : tensor<40x30xf32>\n"
         "  %s = stablehlo.reduce(%e init: %c) applies stablehlo.add across dimensions = [0, 1]\n"
         "      : (tensor<40x30xf32>, tensor<f32>) -> tensor<f32>\n"
         "  %b = stablehlo.broadcast_in_dim %s, dims = [] : (tensor<f32>) -> tensor<40x30xf32>\n"
         "  %d = stablehlo." +
         last + " %x, %b : tensor<40x30xf32>\n  return %s, %d : tensor<f32>, tensor<40x30xf32>\n}\n";
}

std::vector<std::byte> noise(std::size_t count) {
  std::mt19937 random(3);
  std::vector<float> values(count);
  for (float& v : values) v = static_cast<float>(random() % 1000) / 500 - 1;
  return bytes_from(values);
}

plan compile_for(const std::string& source, const std::string& cpu) {
  compile_request request;
  request.source = source;
  request.target.cpu = cpu;
  return compiler::installed()->compile(request);
}

bool uses_prebuilt(const plan& p) {
  return std::any_of(p.kernels.begin(), p.kernels.end(),
                     [](const kernel& k) { return k.from == kernel::origin::prebuilt; });
}

TEST(artifacts, bring_the_prebuilt_kernels_they_use_and_give_the_same_bits) {
  for (const int rows : {64, 200}) {
    const plan linked = compile_for(product(rows, "tanh"), "native");
    ASSERT_TRUE(uses_prebuilt(linked));
    plan whole = linked;
    ASSERT_TRUE(compiler::installed()->embed_prebuilt(whole));
    EXPECT_FALSE(uses_prebuilt(whole));
    EXPECT_GT(whole.image.size(), linked.image.size());
    whole = read_plan(write_plan(whole));
    const std::vector<std::vector<std::byte>> inputs = {noise(static_cast<std::size_t>(rows) * 70),
                                                        noise(70 * 90)};
    EXPECT_EQ(plan_runner(whole, 1).run(inputs), plan_runner(linked).run(inputs));
  }
}

TEST(artifacts, bring_kernels_of_the_level_they_were_compiled_for) {
  const std::vector<std::vector<std::byte>> inputs = {noise(64 * 70), noise(70 * 90)};
  for (const auto& [name, level] : {std::pair{"x86-64-v3", cpu_level::v3}, {"x86-64-v4", cpu_level::v4}}) {
    plan p = compile_for(product(64, "tanh"), name);
    ASSERT_TRUE(compiler::installed()->embed_prebuilt(p));
    EXPECT_EQ(p.features, name);
    if (host_cpu_level() < level) continue;
    const auto got = values_from<float>(plan_runner(p).run(inputs).front());
    const auto want =
        values_from<float>(plan_runner(compile_for(product(64, "tanh"), "native")).run(inputs).front());
    for (std::size_t k = 0; k < got.size(); ++k) ASSERT_NEAR(got[k], want[k], 1e-5F) << name << " " << k;
  }
}

TEST(artifacts, of_prebuilt_kernels_alone_name_their_level_too) {
  const std::string alone =
      "func.func @main(%x: tensor<64x70xf32>, %y: tensor<70x90xf32>) -> tensor<64x90xf32> {\n"
      "  %0 = stablehlo.dot_general %x, %y, contracting_dims = [1] x [0] : (tensor<64x70xf32>, "
      "tensor<70x90xf32>) -> tensor<64x90xf32>\n  return %0 : tensor<64x90xf32>\n}\n";
  plan p = compile_for(alone, "x86-64-v3");
  EXPECT_TRUE(p.image.empty());
  ASSERT_TRUE(compiler::installed()->embed_prebuilt(p));
  EXPECT_FALSE(p.image.empty());
  EXPECT_EQ(p.features, "x86-64-v3");
}

TEST(artifacts, every_prebuilt_kernel_has_a_copy_for_every_level) {
  using namespace wherry::compile::native;
  for (const char* level : {"x86-64-v2", "x86-64-v3", "x86-64-v4"}) {
    std::size_t all = 0, largest = 0;
    for (const std::string& name : kernel_registry::instance().names()) {
      if (name.rfind("gemm_", 0) != 0 && name.rfind("contract_", 0) != 0) continue;
      auto image = prebuiltImage(level, name);
      ASSERT_TRUE(bool(image)) << level << " " << llvm::toString(image.takeError());
      EXPECT_EQ(image->entries.front().first, name);
      all += image->bytes.size();
      largest = std::max(largest, image->bytes.size());
    }
    EXPECT_LT(largest, all);  // each brings what it needs and no more
  }
  EXPECT_FALSE(bool(prebuiltImage("x86-64-v3", std::string("gemm_f32.nothing"))));
  EXPECT_FALSE(bool(prebuiltImage("riscv", std::string("gemm_f32.pack"))));
}

/// Reads and loads `bytes`; true if they were refused with an error of this library.
bool is_refused(std::span<const std::byte> bytes) {
  try {
    (void)native_code(std::make_shared<const plan>(read_plan(bytes)));
    return false;
  } catch (const error&) {
    return true;
  }
}

TEST(artifacts, that_are_cut_off_or_have_a_flipped_bit_are_refused) {
  const auto whole = write_plan(compile_for(chain("divide"), "native"));
  EXPECT_FALSE(is_refused(whole));
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_TRUE(is_refused(std::span(whole).first(size))) << size;
  std::mt19937 random(5);
  for (std::size_t at = 0; at < whole.size(); ++at) {
    auto damaged = whole;
    damaged[at] ^= static_cast<std::byte>(1U << random() % 8);
    EXPECT_TRUE(is_refused(damaged)) << at;
  }
}

TEST(artifacts, with_damage_that_fits_its_checksum_load_or_are_refused) {
  const auto whole = write_plan(compile_for(chain("divide"), "native"));
  constexpr std::size_t head = 28;
  std::mt19937 random(6);
  int loaded = 0;
  for (int round = 0; round < 5000; ++round) {
    auto damaged = whole;
    for (unsigned n = 1 + random() % 3; n != 0; --n) {
      std::byte& byte = damaged[head + random() % (damaged.size() - head)];
      byte = random() % 2 == 0 ? static_cast<std::byte>(random()) : std::byte{0xFF};
    }
    const std::uint64_t checksum = hash64(std::span(damaged).subspan(head));
    std::memcpy(damaged.data() + 20, &checksum, sizeof checksum);
    loaded += is_refused(damaged) ? 0 : 1;
  }
  EXPECT_GT(loaded, 0);
  EXPECT_LT(loaded, 5000);
}

/// A store in memory that counts.
class counting_store final : public kernel_store {
 public:
  std::optional<std::vector<std::byte>> find(std::string_view key) override {
    const auto found = all.find(std::string(key));
    if (found == all.end()) return std::nullopt;
    ++hits;
    return found->second;
  }
  void store(std::string_view key, std::span<const std::byte> code) override {
    all[std::string(key)].assign(code.begin(), code.end());
  }
  std::map<std::string, std::vector<std::byte>> all;
  int hits = 0;
};

plan compile_with(kernel_store& store, const std::string& source) {
  compile_request request;
  request.source = source;
  request.kernels = &store;
  return compiler::installed()->compile(request);
}

TEST(kernel_stores, a_program_that_is_known_compiles_nothing_and_is_the_same) {
  counting_store store;
  const plan first = compile_with(store, chain("divide"));
  const std::size_t kernels = store.all.size();
  EXPECT_GE(kernels, 2u);
  EXPECT_EQ(store.hits, 0);
  const plan second = compile_with(store, chain("divide"));
  EXPECT_EQ(store.all.size(), kernels);
  EXPECT_EQ(static_cast<std::size_t>(store.hits), kernels);
  EXPECT_EQ(write_plan(second), write_plan(first));
}

TEST(kernel_stores, a_program_that_was_changed_compiles_what_is_new) {
  counting_store store;
  (void)compile_with(store, chain("divide"));
  const std::size_t kernels = store.all.size();
  const plan changed = compile_with(store, chain("subtract"));
  EXPECT_EQ(store.all.size(), kernels + 1);
  EXPECT_GE(store.hits, 1);
  counting_store empty;
  const plan fresh = compile_with(empty, chain("subtract"));
  const std::vector<std::vector<std::byte>> inputs = {noise(40 * 30)};
  EXPECT_EQ(plan_runner(changed, 1).run(inputs), plan_runner(fresh).run(inputs));
}

TEST(kernel_stores, damaged_code_is_compiled_again) {
  counting_store store;
  const plan first = compile_with(store, chain("divide"));
  for (auto& [key, code] : store.all) code.resize(10);
  EXPECT_EQ(write_plan(compile_with(store, chain("divide"))), write_plan(first));
}

TEST(kernel_stores, kernels_that_differ_in_a_constant_are_different) {
  counting_store store;
  const auto scaled = [](const char* factor) {
    return std::string(
               "func.func @main(%x: tensor<9xf32>) -> tensor<9xf32> {\n"
               "  %c = stablehlo.constant dense<") +
           factor +
           "> : tensor<9xf32>\n  %0 = stablehlo.multiply %x, %c : tensor<9xf32>\n  return %0 : "
           "tensor<9xf32>\n}\n";
  };
  const std::vector<std::vector<std::byte>> inputs = {bytes_from(std::vector<float>(9, 2))};
  EXPECT_EQ(values_from<float>(plan_runner(compile_with(store, scaled("3.0"))).run(inputs)[0]),
            std::vector<float>(9, 6));
  EXPECT_EQ(values_from<float>(plan_runner(compile_with(store, scaled("5.0"))).run(inputs)[0]),
            std::vector<float>(9, 10));
}

plan opencl_plan(const std::string& source) {
  compile_request request;
  request.source = source;
  request.target.exit = target::codegen::opencl;
  return compiler::installed()->compile(request);
}

TEST(opencl_names, a_kernel_has_the_same_name_and_text_in_every_program) {
  const plan one = opencl_plan(chain("divide")), two = opencl_plan(chain("subtract"));
  EXPECT_TRUE(one.opencl);
  std::map<std::string_view, std::string_view> known;
  const auto first = split_opencl(one.opencl_source), second = split_opencl(two.opencl_source);
  ASSERT_TRUE(first && second);
  for (const opencl_definition& d : first->definitions) known[d.name] = d.text;
  int shared = 0, own = 0;
  for (const opencl_definition& d : second->definitions) {
    const auto found = known.find(d.name);
    found == known.end() ? ++own : ++shared;
    if (found != known.end()) EXPECT_EQ(found->second, d.text);
  }
  EXPECT_GE(shared, 1);
  EXPECT_EQ(own, 1);
  for (const kernel& k : one.kernels) EXPECT_TRUE(known.contains(k.name)) << k.name;
}

TEST(opencl_names, code_in_f64_says_that_it_needs_it) {
  const std::string f64 =
      "func.func @main(%x: tensor<4xf64>) -> tensor<4xf64> {\n"
      "  %0 = stablehlo.add %x, %x : tensor<4xf64>\n  return %0 : tensor<4xf64>\n}\n";
  EXPECT_EQ(opencl_plan(f64).features, "fp64");
  EXPECT_EQ(opencl_plan(chain("divide")).features, "");
}

}  // namespace
