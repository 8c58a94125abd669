// The target `print_tensor`: pages of operands while a program runs.
#include <gtest/gtest.h>

#include <wherry/exec/print_tensor.hpp>

#include "exec/programs.hpp"

namespace wherry {
namespace {

using namespace testing_support;

/// Collects what is printed as long as it lives.
class printed {
 public:
  printed() : before_(set_print_sink([this](std::string_view page) { text += page; })) {}
  ~printed() { set_print_sink(before_); }
  printed(const printed&) = delete;
  printed& operator=(const printed&) = delete;
  std::string text;

 private:
  print_sink before_;
};

custom_call print_call(const tensor_type& type, attribute::dictionary attributes = {}) {
  return {.target = "print_tensor",
          .operands = {{type}},
          .attributes = std::move(attributes),
          .has_side_effect = true};
}

template <class T>
absl::Status print(const custom_call& call, std::vector<T> values) {
  std::byte* const memory[] = {reinterpret_cast<std::byte*>(values.data())};
  call_frame frame(call, memory);
  return kernel_registry::instance().find_target("print_tensor").host->run(frame);
}

TEST(print_tensor, prints_a_page_with_its_type) {
  printed out;
  EXPECT_TRUE(print<float>(print_call(f32({2, 3})), {1, 2, 3, 4, 5, 6}).ok());
  EXPECT_EQ(out.text, " 1 2 3\n 4 5 6\n[ f32{2,3} ] \n");
  out.text.clear();
  EXPECT_TRUE(print<std::uint8_t>(print_call({dtype::boolean, {3}}), {1, 0, 1}).ok());
  EXPECT_EQ(out.text, " 1\n 0\n 1\n[ bool{3} ] \n");
  out.text.clear();
  EXPECT_TRUE(print<float>(print_call(f32()), {2.5}).ok());
  EXPECT_EQ(out.text, " 2.5000\n[ f32{} ] \n");
}

TEST(print_tensor, header_and_footer_are_attributes_and_empty_ones_are_left_out) {
  printed out;
  EXPECT_TRUE(
      print<float>(
          print_call(f32({1}), {{"print_header", attribute("x is")}, {"print_footer", attribute("so")}}), {7})
          .ok());
  EXPECT_EQ(out.text, "x is \n 7\nso \n");
  out.text.clear();
  EXPECT_TRUE(
      print<float>(print_call(f32({1}), {{"print_header", attribute("")}, {"print_footer", attribute("")}}),
                   {7})
          .ok());
  EXPECT_EQ(out.text, " 7\n");
}

TEST(print_tensor, other_counts_and_layouts_are_refused) {
  printed out;
  custom_call call = print_call(f32({2, 2}));
  call.operands[0].minor_to_major = {0, 1};
  EXPECT_EQ(print<float>(call, {1, 2, 3, 4}).message(), "expected a row-major operand");
  call.operands.clear();
  EXPECT_EQ(print<float>(call, {}).message(), "expected 1 operand and no results, got 0 and 0");
  EXPECT_EQ(out.text, "");
}

class print_tensor_on_devices : public programs_on_every_device {};

TEST_P(print_tensor_on_devices, the_page_is_there_once_the_execution_is) {
  printed out;
  plan p = add_program({2});
  p.calls = {print_call(f32({2}), {{"print_footer", attribute("")}})};
  step s;
  s.what = step::kind::call;
  s.slots = {2};
  p.blocks[0].push_back(s);
  p.bounded = false;
  const executable program = load(p);
  program(on_device({1, 2}, {2}), on_device({1, 1}, {2})).await();
  EXPECT_EQ(out.text, " 2\n 3\n");
}

INSTANTIATE_TEST_SUITE_P(devices, print_tensor_on_devices, all_devices, device_name);

}  // namespace
}  // namespace wherry
