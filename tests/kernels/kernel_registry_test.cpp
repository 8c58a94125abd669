#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <thread>
#include <vector>
#include <wherry/exec/kernel_registry.hpp>

#include "kernels/gemm.hpp"
#include "kernels/variants.hpp"

namespace wherry {
namespace {

void first(void* const*, std::int64_t, std::int64_t) {}
void second(void* const*, std::int64_t, std::int64_t) {}

TEST(kernel_registry, an_added_kernel_is_found_by_its_name) {
  kernel_registry registry;
  EXPECT_EQ(registry.find("double"), nullptr);
  EXPECT_TRUE(registry.add({"double", first, "test"}));
  const registered_kernel* const found = registry.find("double");
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->name, "double");
  EXPECT_EQ(found->native, &first);
  EXPECT_EQ(found->variant, "test");
  EXPECT_EQ(registry.find("doubl"), nullptr);
}

TEST(kernel_registry, a_name_is_never_replaced) {
  kernel_registry registry;
  EXPECT_TRUE(registry.add({"double", first, "a"}));
  EXPECT_FALSE(registry.add({"double", second, "b"}));
  EXPECT_EQ(registry.find("double")->native, &first);
}

TEST(kernel_registry, an_entry_without_name_or_code_is_refused) {
  kernel_registry registry;
  EXPECT_FALSE(registry.add({"", first, ""}));
  EXPECT_FALSE(registry.add({"empty", nullptr, ""}));
  EXPECT_TRUE(registry.names().empty());
}

TEST(kernel_registry, names_come_in_alphabetical_order) {
  kernel_registry registry;
  registry.add({"b", first, ""});
  registry.add({"a", first, ""});
  registry.add({"c", first, ""});
  EXPECT_EQ(registry.names(), (std::vector<std::string>{"a", "b", "c"}));
}

TEST(kernel_registry, entries_stay_where_they_are_while_threads_add_more) {
  kernel_registry registry;
  registry.add({"anchor", first, ""});
  const registered_kernel* const anchor = registry.find("anchor");
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&registry, t] {
      for (int i = 0; i < 200; ++i) registry.add({std::to_string(t) + "." + std::to_string(i), second, ""});
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(registry.find("anchor"), anchor);
  EXPECT_EQ(registry.names().size(), 801u);
}

TEST(kernel_registry, linking_the_kernels_registers_those_of_this_processor) {
  const kernels::instruction_set best = kernels::best_instruction_set();
  const registered_kernel* const compute = kernel_registry::instance().find("gemm_f32.compute");
  ASSERT_NE(compute, nullptr);
  EXPECT_EQ(compute->native, kernels::functions_of(best).f32.compute);
  EXPECT_EQ(compute->variant, kernels::name_of(best));
}

TEST(kernel_registry, every_kernel_that_a_matrix_product_needs_is_registered) {
  for (const dtype element : {dtype::f32, dtype::f64}) {
    kernels::gemm_problem large = {element, 300, 300, 300, 1, {1, 300, 0}, {1, 300, 0}, {300, 1, 0}};
    kernels::gemm_problem few_rows = {element, 2, 300, 300, 1, {300, 1, 0}, {1, 300, 0}, {300, 1, 0}};
    for (const auto& problem : {large, few_rows}) {
      const kernels::gemm_plan plan = kernels::plan_gemm(problem);
      EXPECT_FALSE(plan.launches.empty());
      for (const kernels::gemm_launch& launch : plan.launches) {
        EXPECT_NE(kernel_registry::instance().find(launch.kernel), nullptr) << launch.kernel;
      }
    }
  }
}

}  // namespace
}  // namespace wherry
