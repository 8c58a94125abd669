// elementwise.cpp: arithmetic on two arrays, and activations.
#include "types.hpp"

namespace wherry::named {
namespace {

void add_arithmetic(named_kernels& to, const std::string& name, const std::string& operation,
                    const std::string& formula) {
  add(to,
      {.name = name,
       .family = "compute",
       .formula = formula,
       .inputs = {{"a", "any shape; integers of 8 to 64 bits, f16, bf16, f32, f64"},
                  {"b", "as a, or a scalar of its element type"}},
       .output = "as a",
       .parameters = {}},
      [operation](const kernel_call& call) {
        require_number(call, 0);
        const tensor_type scalar{call.input(0).element, {}};
        if (!(call.input(1) == scalar)) require_same(call, 1, 0);
        composition p(call);
        return p.returning(p.binary(operation, p.input(0), p.input(1)));
      });
}

void add_activation(named_kernels& to, const std::string& name, const std::string& operation,
                    const std::string& formula) {
  add(to,
      {.name = name,
       .family = "compute",
       .formula = formula,
       .inputs = {{"x", "any shape; f16, bf16, f32, f64"}},
       .output = "as x",
       .parameters = {}},
      [operation](const kernel_call& call) {
        require_float(call, 0);
        composition p(call);
        return p.returning(p.unary(operation, p.input(0)));
      });
}

}  // namespace

void add_elementwise(named_kernels& to) {
  add_arithmetic(to, "elementwise_add", "add", "a + b; integers wrap around");
  add_arithmetic(to, "elementwise_sub", "subtract", "a - b; integers wrap around");
  add_arithmetic(to, "elementwise_mul", "multiply", "a * b; integers wrap around");
  add_arithmetic(to, "elementwise_div", "divide", "a / b; integers towards zero, -1 (all bits) where b is 0");
  add(to,
      {.name = "relu",
       .family = "compute",
       .formula = "max(x, 0); NaN stays",
       .inputs = {{"x", "any shape; integers of 8 to 64 bits, f16, bf16, f32, f64"}},
       .output = "as x",
       .parameters = {}},
      [](const kernel_call& call) {
        require_number(call, 0);
        composition p(call);
        return p.returning(p.max(p.input(0), 0));
      });
  add_activation(to, "sigmoid", "logistic", "1 / (1 + exp(-x))");
  add_activation(to, "tanh", "tanh", "tanh(x)");
}

}  // namespace wherry::named
