// Random programs of exact integer operations: how they are fused, looped, placed and donated changes no bit.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <thread>

#include "compiler/plan_runner.hpp"

namespace {

using namespace wherry;
using namespace wherry::testing;
using bytes = std::vector<std::byte>;

struct value {
  std::string name;
  std::vector<int> shape;
};

std::string type_of(const std::vector<int>& shape) {
  std::string text = "tensor<";
  for (const int extent : shape) text += std::to_string(extent) + "x";
  return text + "i32>";
}

int elements_of(const std::vector<int>& shape) {
  int count = 1;
  for (const int extent : shape) count *= extent;
  return count;
}

/// Writes random operations, one line each, on values that it remembers.
class generator {
 public:
  generator(unsigned seed, std::vector<value> start) : random_(seed), values_(std::move(start)) {}

  const std::vector<value>& values() const { return values_; }
  const std::string& text() const { return text_; }

  void add_operations(int count) {
    for (int i = 0; i < count; ++i) add_operation();
  }

  /// A value of `shape` that depends on what was written last.
  value of_shape(const std::vector<int>& shape) {
    for (std::size_t i = values_.size(); i-- > 0;)
      if (values_[i].shape == shape) return values_[i];
    const value& last = values_.back();
    const value sum = reduced(last, [&] {
      std::vector<int> all;
      for (int d = 0; d < static_cast<int>(last.shape.size()); ++d) all.push_back(d);
      return all;
    }());
    return emit(
        shape, "stablehlo.broadcast_in_dim " + sum.name + ", dims = [] : (tensor<i32>) -> " + type_of(shape));
  }

 private:
  int below(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
  // A copy: emitting makes the list grow.
  value any() { return values_[static_cast<std::size_t>(below(static_cast<int>(values_.size())))]; }

  value emit(std::vector<int> shape, const std::string& operation) {
    value result{"%v" + std::to_string(next_++), std::move(shape)};
    text_ += "    " + result.name + " = " + operation + "\n";
    values_.push_back(result);
    return result;
  }

  static std::string list(const std::vector<int>& numbers) {
    std::string text = "[";
    for (std::size_t i = 0; i < numbers.size(); ++i) text += (i ? ", " : "") + std::to_string(numbers[i]);
    return text + "]";
  }

  value constant(int number) {
    return emit({}, "stablehlo.constant dense<" + std::to_string(number) + "> : tensor<i32>");
  }

  value reduced(const value& x, const std::vector<int>& dims) {
    const bool is_sum = below(2) == 0;
    const value start = constant(is_sum ? 3 : -1000);
    std::vector<int> shape;
    for (int d = 0; d < static_cast<int>(x.shape.size()); ++d)
      if (std::find(dims.begin(), dims.end(), d) == dims.end()) shape.push_back(x.shape[d]);
    return emit(shape, "stablehlo.reduce(" + x.name + " init: " + start.name + ") applies stablehlo." +
                           (is_sum ? "add" : "maximum") + " across dimensions = " + list(dims) + " : (" +
                           type_of(x.shape) + ", tensor<i32>) -> " + type_of(shape));
  }

  void add_operation() {
    const value x = any();
    const std::string t = type_of(x.shape);
    const int rank = static_cast<int>(x.shape.size());
    switch (below(12)) {
      case 0:
      case 1:
      case 2: {
        std::vector<value> same;
        for (const value& v : values_)
          if (v.shape == x.shape) same.push_back(v);
        const value y = same[static_cast<std::size_t>(below(static_cast<int>(same.size())))];
        static const char* const names[] = {"add", "subtract", "multiply", "maximum", "xor", "minimum"};
        emit(x.shape, std::string("stablehlo.") + names[below(6)] + " " + x.name + ", " + y.name + " : " + t);
        break;
      }
      case 3: {
        if (rank == 0) break;
        emit(x.shape,
             "stablehlo.reverse " + x.name + ", dims = [" + std::to_string(below(rank)) + "] : " + t);
        break;
      }
      case 4: {
        if (rank != 2) break;
        emit({x.shape[1], x.shape[0]}, "stablehlo.transpose " + x.name + ", dims = [1, 0] : (" + t + ") -> " +
                                           type_of({x.shape[1], x.shape[0]}));
        break;
      }
      case 5: {
        if (rank == 0) break;
        reduced(x, {below(rank)});
        break;
      }
      case 6: {
        if (rank >= 2) break;
        std::vector<int> shape = rank == 0       ? std::vector<int>{4, 6}
                                 : below(2) == 0 ? std::vector<int>{x.shape[0], 6}
                                                 : std::vector<int>{4, x.shape[0]};
        const std::string dims = rank == 0 ? "[]" : shape[0] == x.shape[0] && shape[1] == 6 ? "[0]" : "[1]";
        emit(shape, "stablehlo.broadcast_in_dim " + x.name + ", dims = " + dims + " : (" + t + ") -> " +
                        type_of(shape));
        break;
      }
      case 7: {
        const int count = elements_of(x.shape);
        const std::vector<int> shape = rank == 2        ? std::vector<int>{count}
                                       : count % 4 == 0 ? std::vector<int>{4, count / 4}
                                                        : std::vector<int>{1, count};
        emit(shape, "stablehlo.reshape " + x.name + " : (" + t + ") -> " + type_of(shape));
        break;
      }
      case 8: {
        if (rank == 0 || x.shape[0] < 2) break;
        std::vector<int> shape = x.shape;
        shape[0] -= 1;
        std::string rest;
        for (int d = 1; d < rank; ++d) rest += ", 0:" + std::to_string(x.shape[d]);
        const value part = emit(shape, "stablehlo.slice " + x.name + " [1:" + std::to_string(x.shape[0]) +
                                           rest + "] : (" + t + ") -> " + type_of(shape));
        const value filler = constant(7);
        const std::string none = rank == 1 ? "[0]" : "[0, 0]";
        emit(x.shape, "stablehlo.pad " + part.name + ", " + filler.name +
                          ", low = " + (rank == 1 ? "[1]" : "[1, 0]") + ", high = " + none +
                          ", interior = " + none + " : (" + type_of(shape) + ", tensor<i32>) -> " + t);
        break;
      }
      case 9: {
        if (rank != 2) break;
        const value y = emit({x.shape[0], x.shape[0]}, "stablehlo.dot_general " + x.name + ", " + x.name +
                                                           ", contracting_dims = [1] x [1] : (" + t + ", " +
                                                           t + ") -> " + type_of({x.shape[0], x.shape[0]}));
        emit(x.shape, "stablehlo.dot_general " + y.name + ", " + x.name +
                          ", contracting_dims = [0] x [0] : (" + type_of(y.shape) + ", " + t + ") -> " + t);
        break;
      }
      case 10: {
        if (rank == 0) break;
        const value where = emit(x.shape, "stablehlo.iota dim = " + std::to_string(below(rank)) + " : " + t);
        const std::string mask = "%m" + std::to_string(next_++), flags = t.substr(0, t.size() - 4) + "i1>";
        text_ += "    " + mask + " = stablehlo.compare GT, " + x.name + ", " + where.name + ", SIGNED : (" +
                 t + ", " + t + ") -> " + flags + "\n";
        emit(x.shape,
             "stablehlo.select " + mask + ", " + x.name + ", " + where.name + " : " + flags + ", " + t);
        break;
      }
      default: {
        if (rank != 1 || x.shape[0] > 12) break;
        const std::vector<int> twice{2 * x.shape[0]};
        emit(twice, "stablehlo.concatenate " + x.name + ", " + x.name + ", dim = 0 : (" + t + ", " + t +
                        ") -> " + type_of(twice));
        break;
      }
    }
  }

  std::mt19937 random_;
  std::vector<value> values_;
  std::string text_;
  int next_ = 0;
};

const std::vector<value> arguments{{"%a", {4, 6}}, {"%b", {6}}, {"%c", {}}, {"%d", {4, 6}}};

std::vector<bytes> random_inputs(unsigned seed) {
  std::mt19937 random(seed);
  std::vector<bytes> inputs;
  for (const value& argument : arguments) {
    std::vector<std::int32_t> numbers(static_cast<std::size_t>(elements_of(argument.shape)));
    for (std::int32_t& number : numbers) number = static_cast<std::int32_t>(random() % 200) - 100;
    inputs.push_back(bytes_from(numbers));
  }
  return inputs;
}

std::string names(const std::vector<value>& values) {
  std::string text;
  for (const value& v : values) text += (text.empty() ? "" : ", ") + v.name;
  return text;
}
std::string types(const std::vector<value>& values) {
  std::string text;
  for (const value& v : values) text += (text.empty() ? "" : ", ") + type_of(v.shape);
  return text;
}
std::string parameters(bool donated) {
  std::string text;
  for (std::size_t i = 0; i < arguments.size(); ++i)
    text += (i ? ", " : "") + arguments[i].name + ": " + type_of(arguments[i].shape) +
            (donated ? " {tf.aliasing_output = " + std::to_string(i) + " : i32}" : "");
  return text;
}

TEST(fusion, returning_every_intermediate_value_changes_none) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    generator g(seed, arguments);
    g.add_operations(10 + static_cast<int>(seed % 30));
    std::vector<value> results;
    for (const value& argument : arguments) results.push_back(g.of_shape(argument.shape));
    std::vector<value> all(g.values());
    const auto program = [&](const std::vector<value>& returned, bool donated) {
      return "func.func @main(" + parameters(donated) + ") -> (" + types(returned) + ") {\n" + g.text() +
             "    return " + names(returned) + " : " + types(returned) + "\n}";
    };
    const plan few = compile_text(program(results, true)), many = compile_text(program(all, false));
    const auto inputs = random_inputs(seed);
    const auto want = plan_runner(many).run(inputs);
    const auto got = plan_runner(few).run(inputs),
               donated = plan_runner(few, 1).run(inputs, plan_runner::donation::on);
    EXPECT_EQ(got, donated) << program(results, true);
    for (std::size_t i = 0; i < results.size(); ++i)
      for (std::size_t j = 0; j < all.size(); ++j)
        if (all[j].name == results[i].name) {
          ASSERT_EQ(got[i], want[j]) << "seed " << seed << " result " << i << "\n" << program(results, true);
        }
  }
}

TEST(fusion, a_loop_of_three_trips_gives_what_three_copies_of_its_body_give) {
  for (unsigned seed = 100; seed < 150; ++seed) {
    generator g(seed, arguments);
    g.add_operations(6 + static_cast<int>(seed % 20));
    std::vector<value> results;
    for (const value& argument : arguments) results.push_back(g.of_shape(argument.shape));
    if (seed % 3 == 0) std::swap(results[0], results[3]);
    if (seed % 5 == 0) results[3] = arguments[0];
    const std::string body = g.text(), list = types(arguments);
    const std::string copies = "func.func @main(" + parameters(false) + ") -> (" + list + ") {\n" +
                               "  %r:4 = call @body(%a, %b, %c, %d) : (" + list + ") -> (" + list + ")\n" +
                               "  %s:4 = call @body(%r#0, %r#1, %r#2, %r#3) : (" + list + ") -> (" + list +
                               ")\n" + "  %t:4 = call @body(%s#0, %s#1, %s#2, %s#3) : (" + list + ") -> (" +
                               list + ")\n" + "  return %t#0, %t#1, %t#2, %t#3 : " + list +
                               "\n}\nfunc.func private @body(" + parameters(false) + ") -> (" + list +
                               ") {\n" + body + "  return " + names(results) + " : " + list + "\n}";
    const std::string loop =
        "func.func @main(" + parameters(true) + ") -> (" + list + ") {\n" +
        "  %zero = stablehlo.constant dense<0> : tensor<i32>\n  %one = stablehlo.constant dense<1> : "
        "tensor<i32>\n"
        "  %three = stablehlo.constant dense<3> : tensor<i32>\n" +
        "  %r:5 = stablehlo.while(%i = %zero, %wa = %a, %wb = %b, %wc = %c, %wd = %d) : tensor<i32>, " +
        list + "\n" +
        "  cond {\n    %go = stablehlo.compare LT, %i, %three, SIGNED : (tensor<i32>, tensor<i32>) -> "
        "tensor<i1>\n"
        "    stablehlo.return %go : tensor<i1>\n  } do {\n    %n = stablehlo.add %i, %one : tensor<i32>\n" +
        "    %q:4 = func.call @body(%wa, %wb, %wc, %wd) : (" + list + ") -> (" + list + ")\n" +
        "    stablehlo.return %n, %q#0, %q#1, %q#2, %q#3 : tensor<i32>, " + list + "\n  }\n" +
        "  return %r#1, %r#2, %r#3, %r#4 : " + list + "\n}\nfunc.func private @body(" + parameters(false) +
        ") -> (" + list + ") {\n" + body + "  return " + names(results) + " : " + list + "\n}";
    const auto inputs = random_inputs(seed);
    const auto want = plan_runner(compile_text(copies)).run(inputs);
    const plan p = compile_text(loop);
    ASSERT_EQ(plan_runner(p, 1).run(inputs), want) << "seed " << seed << "\n" << loop;
    ASSERT_EQ(plan_runner(p).run(inputs, plan_runner::donation::on), want) << "seed " << seed << "\n" << loop;
  }
}

TEST(fusion, programs_compile_on_several_threads_at_once) {
  std::vector<std::string> sources;
  for (unsigned seed = 0; seed < 4; ++seed) {
    generator g(seed, arguments);
    g.add_operations(25);
    const std::vector<value> all(g.values());
    sources.push_back("func.func @main(" + parameters(false) + ") -> (" + types(all) + ") {\n" + g.text() +
                      "    return " + names(all) + " : " + types(all) + "\n}");
  }
  std::vector<plan> plans(sources.size());
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < sources.size(); ++i)
    threads.emplace_back([&, i] { plans[i] = compile_text(sources[i]); });
  for (std::thread& thread : threads) thread.join();
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const auto inputs = random_inputs(static_cast<unsigned>(i));
    EXPECT_EQ(plan_runner(plans[i]).run(inputs), plan_runner(compile_text(sources[i])).run(inputs));
  }
}

}  // namespace
