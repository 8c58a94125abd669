// Programs, executables and names on a stream.
#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <wherry/exec/print_program.hpp>

#include "exec/programs.hpp"

namespace wherry {
namespace {

using namespace testing_support;

template <class T>
std::string text(const T& value) {
  std::ostringstream out;
  out << value;
  return out.str();
}

TEST(print_program, shows_its_name_its_size_and_its_first_lines) {
  EXPECT_EQ(text(program::from_text("1\n2\n3\n4\n5\n6\n", "six")),
            "program six, 12 bytes\n1\n2\n3\n4\n5\n...\n");
  EXPECT_EQ(text(program::from_text("1\n2", "two")), "program two, 3 bytes\n1\n2\n");
  EXPECT_EQ(text(program::from_text("", "none")), "program none, 0 bytes\n");
}

TEST(print_program, shows_as_many_lines_as_are_asked_for) {
  const program six = program::from_text("1\n2\n3\n4\n5\n6\n", "six");
  std::ostringstream all, none;
  print(all, six, -1);
  EXPECT_EQ(all.str(), "program six, 12 bytes\n1\n2\n3\n4\n5\n6\n");
  print(none, six, 0);
  EXPECT_EQ(none.str(), "program six, 12 bytes\n...\n");
}

TEST(print_program, shows_no_bytes_that_are_no_text) {
  EXPECT_EQ(text(program::from_text(std::string("ML\xefR\x00\x01", 6), "bytecode")),
            "program bytecode, 6 bytes\n");
}

class printed_executables : public programs_on_every_device {};

TEST_P(printed_executables, show_their_signature_and_their_device) {
  const executable add = load(add_program({2}));
  EXPECT_EQ(text(add),
            "executable add(tensor<2xf32>, tensor<2xf32>) -> (tensor<2xf32>) on " + add.device().name());
  EXPECT_EQ(text(add.device()), add.device().name());
}

INSTANTIATE_TEST_SUITE_P(devices, printed_executables, all_devices, device_name);

TEST(print_names, types_devices_and_tickets_print_as_in_messages) {
  EXPECT_EQ(text(dtype::bf16), "bf16");
  EXPECT_EQ(text(tensor_type{dtype::f32, {2, 3}}), "tensor<2x3xf32>");
  EXPECT_EQ(text(ticket(5, 1)), "5:1");
  EXPECT_EQ(text(ticket()), "no request");
  EXPECT_EQ(text(device()), "no device");
}

}  // namespace
}  // namespace wherry
