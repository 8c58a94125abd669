// handlers.hpp: calls handlers of linear algebra on matrices in plain vectors, for the tests.
#pragma once

#include <cmath>
#include <random>
#include <span>
#include <string>
#include <vector>
#include <wherry/exec/kernel_registry.hpp>

namespace wherry::testing_support {

/// A tensor whose elements are kept row-major, and the layout in which a call gets it.
template <class T>
struct tensor {
  shape dims;
  std::vector<T> data;
  bool column_major = false;  // the last two dimensions

  explicit tensor(shape d) : dims(std::move(d)), data(static_cast<std::size_t>(dims.elements())) {}

  std::size_t rows() const { return static_cast<std::size_t>(dims[dims.rank() - 2]); }
  std::size_t columns() const { return static_cast<std::size_t>(dims[dims.rank() - 1]); }
  std::size_t matrices() const { return rows() * columns() == 0 ? 0 : data.size() / (rows() * columns()); }
  T& at(std::size_t b, std::size_t i, std::size_t j) { return data[(b * rows() + i) * columns() + j]; }
  T at(std::size_t b, std::size_t i, std::size_t j) const { return data[(b * rows() + i) * columns() + j]; }
  call_value value() const {
    call_value v{{dtype_of<T>, dims}, {}};
    if (!column_major) return v;
    const auto rank = static_cast<std::uint32_t>(dims.rank());
    v.minor_to_major = {rank - 2, rank - 1};
    for (std::uint32_t d = rank - 2; d-- > 0;) v.minor_to_major.push_back(d);
    return v;
  }
};

template <class T>
tensor<T> random_tensor(const shape& dims, unsigned seed = 1) {
  tensor<T> t(dims);
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  for (T& x : t.data) x = static_cast<T>(normal(random));
  return t;
}

/// One call: operands, then results, as the handler sees them in memory.
class handler_call {
 public:
  explicit handler_call(std::string target) { call_.target = std::move(target); }

  template <class T>
  handler_call& operand(const tensor<T>& t) {
    call_.operands.push_back(t.value());
    memory_.push_back(in_layout(t));
    return *this;
  }
  template <class T>
  handler_call& result(const tensor<T>& t) {
    call_.results.push_back(t.value());
    memory_.emplace_back(t.data.size() * sizeof(T), std::byte{0xFF});
    return *this;
  }
  handler_call& attribute(std::string name, wherry::attribute value) {
    call_.attributes.push_back({std::move(name), std::move(value)});
    return *this;
  }

  absl::Status run() {
    const auto found = kernel_registry::instance().find_target(call_.target).host;
    if (!found) return absl::NotFoundError(call_.target);
    std::vector<std::byte*> pointers;
    for (auto& m : memory_) pointers.push_back(m.data());
    call_frame frame(call_, pointers.data());
    try {
      return found->run(frame);
    } catch (const error& e) {
      return e.to_status();
    }
  }

  /// Reads operand or result `index`, counted together, back into a tensor like `t`.
  template <class T>
  tensor<T> read(std::size_t index, tensor<T> t) const {
    const T* const from = reinterpret_cast<const T*>(memory_[index].data());
    for (std::size_t k = 0; k < t.data.size(); ++k) t.data[k] = from[place(t, k)];
    return t;
  }

 private:
  /// Where element `k`, counted row-major, lies in memory.
  template <class T>
  static std::size_t place(const tensor<T>& t, std::size_t k) {
    if (!t.column_major) return k;
    const std::size_t size = t.rows() * t.columns(), i = k % size / t.columns(), j = k % t.columns();
    return k / size * size + j * t.rows() + i;
  }
  template <class T>
  static std::vector<std::byte> in_layout(const tensor<T>& t) {
    std::vector<std::byte> bytes(t.data.size() * sizeof(T));
    T* const to = reinterpret_cast<T*>(bytes.data());
    for (std::size_t k = 0; k < t.data.size(); ++k) to[place(t, k)] = t.data[k];
    return bytes;
  }

  custom_call call_;
  std::vector<std::vector<std::byte>> memory_;
};

/// The products of the matrices of two batches.
template <class T>
tensor<double> product(const tensor<T>& a, const tensor<T>& b) {
  tensor<double> c(shape{static_cast<std::int64_t>(a.matrices()), static_cast<std::int64_t>(a.rows()),
                         static_cast<std::int64_t>(b.columns())});
  for (std::size_t m = 0; m < a.matrices(); ++m)
    for (std::size_t i = 0; i < a.rows(); ++i)
      for (std::size_t j = 0; j < b.columns(); ++j) {
        double sum = 0;
        for (std::size_t k = 0; k < a.columns(); ++k)
          sum += static_cast<double>(a.at(m, i, k)) * static_cast<double>(b.at(m, k, j));
        c.at(m, i, j) = sum;
      }
  return c;
}

template <class T>
tensor<T> transposed(const tensor<T>& a) {
  std::vector<std::int64_t> dims(a.dims.begin(), a.dims.end());
  std::swap(dims[dims.size() - 1], dims[dims.size() - 2]);
  tensor<T> t{shape(std::span<const std::int64_t>(dims))};
  for (std::size_t m = 0; m < a.matrices(); ++m)
    for (std::size_t i = 0; i < a.rows(); ++i)
      for (std::size_t j = 0; j < a.columns(); ++j) t.at(m, j, i) = a.at(m, i, j);
  return t;
}

/// The largest difference of two elements; infinite for NaN and for other sizes.
template <class T>
double distance(const tensor<double>& a, const tensor<T>& b) {
  double most = a.data.size() == b.data.size() ? 0 : INFINITY;
  for (std::size_t k = 0; k < a.data.size() && most < INFINITY; ++k) {
    const double d = std::abs(a.data[k] - static_cast<double>(b.data[k]));
    most = d <= most ? most : std::isnan(d) ? INFINITY : d;
  }
  return most;
}

/// How far the columns of the matrices are from orthonormal.
template <class T>
double skew(const tensor<T>& q) {
  const tensor<double> gram = product(transposed(q), q);
  double most = 0;
  for (std::size_t m = 0; m < gram.matrices(); ++m)
    for (std::size_t i = 0; i < gram.rows(); ++i)
      for (std::size_t j = 0; j < gram.columns(); ++j) {
        const double d = std::abs(gram.at(m, i, j) - (i == j ? 1 : 0));
        most = d <= most ? most : std::isnan(d) ? INFINITY : d;
      }
  return most;
}

template <class T>
constexpr double tolerance() {
  return sizeof(T) == 8 ? 1e-10 : 1e-4;
}

}  // namespace wherry::testing_support
