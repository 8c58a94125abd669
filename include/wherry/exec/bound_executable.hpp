// bound_executable.hpp: an executable whose last argument is settled: the same program with one argument
// less.
//
// Threads: any; constant after construction.
#pragma once

#include <wherry/exec/executable.hpp>

namespace wherry {

class bound_executable final : public executable_core {
 public:
  /// Precondition: `program` is not open, donates nothing, and `last` is of the type of its last argument and
  /// on its device. What `last` holds need not be ready.
  bound_executable(const executable& program, buffer last)
      : executable_core(without_last(program.code()), ref<device_core>(&last.place())),
        program_(program),
        last_(std::move(last)) {
    set_name(program.name());
  }

  const executable_core& origin() const noexcept override { return program_.core()->origin(); }

  ref<request> new_run(const run_arguments& a) override {
    absl::InlinedVector<storage*, 8> all(a.inputs.begin(), a.inputs.end());
    all.push_back(last_.handle()->memory.get());
    run_arguments whole = a;
    whole.inputs = {all.data(), all.size()};
    return program_.core()->new_run(whole);
  }

 private:
  /// What callers ask an executable about; the code is the program's.
  static std::shared_ptr<const plan> without_last(const plan& whole) {
    auto p = std::make_shared<plan>();
    p->name = whole.name;
    p->inputs.assign(whole.inputs.begin(), whole.inputs.end() - 1);
    p->input_names = whole.input_names;
    if (p->input_names.size() > p->inputs.size()) p->input_names.resize(p->inputs.size());
    p->outputs = whole.outputs;
    p->output_names = whole.output_names;
    p->cost_ns = whole.cost_ns;
    p->bounded = whole.bounded;
    return p;
  }

  // constant after construction
  executable program_;
  buffer last_;
};

}  // namespace wherry
