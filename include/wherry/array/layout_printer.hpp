// layout_printer.hpp: arrays and buffers as pages of columns, cut to a size.
//
//   buffer                 a line that says what it is
//    1  3  5  7  9         each line begins with a space; columns are right-aligned
//    2  4  6  8 10
//   [ CPUi32{2x5} ]        where it is, its type and shape
//
// The layout is that of r-xla/pjrt's printer, which follows torch's. A vector is a column; more than two axes
// are printed a matrix at a time under `(1,2,.,.) =`. Columns that do not fit the width follow in blocks of
// their own, under `Columns 29 to 49`, each as wide as its widest number. Rows are counted over all blocks
// and matrices, and what was left out is said at the end.
//
// Numbers of a matrix share one form: integers if all are integral, else four decimals, with a common power
// of ten in front or an exponent if they are very small or large. An integer of more than six digits has an
// exponent.
//
// Threads: any, as for reading the array.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <optional>
#include <ostream>
#include <string>
#include <vector>
#include <wherry/array/element.hpp>

namespace wherry {

/// How much is printed. A negative number is no limit.
struct print_options {
  std::int64_t max_rows = 30;                       // in all
  std::int64_t max_width = 85;                      // characters of a line; one column is always printed
  std::optional<std::int64_t> max_rows_slice = {};  // of one matrix; `max_rows` if not set
  bool header = true;
  std::optional<std::string> footer = {};  // instead of place, type and shape; empty: none
};

namespace detail {

class layout_printer {
 public:
  /// Throws invalid_argument for options that allow nothing. `what` heads the page, `where` stands in front
  /// of the type in the footer.
  layout_printer(const array& a, std::string_view what, std::string_view where, const print_options& options)
      : array_(a), options_(options), rows_left_(limit(options.max_rows)), rows_slice_(rows_left_) {
    const auto require = [](bool good, const char* name, std::int64_t got, const char* expected) {
      if (good) return;
      throw error(absl::StatusCode::kInvalidArgument,
                  "print: " + std::string(name) + " is " + std::to_string(got) + ", expected " + expected);
    };
    require(options.max_rows != 0, "max_rows", options.max_rows,
            "at least 1, or a negative number for no limit");
    require(options.max_width != 0 && options.max_width != 1, "max_width", options.max_width,
            "more than 1, or a negative number for no limit");
    if (options.max_rows_slice) {
      require(*options.max_rows_slice != 0, "max_rows_slice", *options.max_rows_slice,
              "at least 1, or a negative number for no limit");
      rows_slice_ = limit(*options.max_rows_slice);
    }
    if (options.header) text_ = std::string(what) + " \n";
    const shape& dims = a.dims();
    columns_ = dims.rank() < 2 ? 1 : dims[dims.rank() - 1];
    rows_ = dims.rank() == 0 ? 1 : dims[dims.rank() < 2 ? 0 : dims.rank() - 2];
    if (a.size() != 0) print_slices();
    print_footer(where);
  }

  std::string take() noexcept { return std::move(text_); }

 private:
  enum class form : std::uint8_t { integer, fixed, scientific };

  static std::int64_t limit(std::int64_t n) noexcept { return n < 0 ? INT64_MAX : n; }

  void print_slices() {
    const std::int64_t each = rows_ * columns_;
    const std::int64_t slices = array_.size() / each;
    for (std::int64_t s = 0; s < slices; ++s) {
      if (rows_left_ == 0) {
        cut_rows_ = true;
        break;
      }
      if (array_.dims().rank() > 2) {
        if (s != 0) text_ += '\n';
        print_slice_name(s);
      }
      first_ = s * each;
      choose_form();
      print_columns();
    }
    if (!cut_rows_ && !cut_slice_) return;
    text_ += std::string(" ... [output was truncated, set ") + (cut_rows_ ? "max_rows = -1" : "") +
             (cut_rows_ && cut_slice_ ? " and " : "") + (cut_slice_ ? "max_rows_slice = -1" : "") +
             " to see all]\n";
  }

  void print_slice_name(std::int64_t s) {
    const shape& dims = array_.dims();
    std::string indices;
    for (std::size_t axis = dims.rank() - 2; axis-- > 0;) {
      indices.insert(0, std::to_string(s % dims[axis] + 1) + ",");
      s /= dims[axis];
    }
    text_ += "(" + indices + ".,.) =\n";
  }

  void print_columns() {
    for (std::int64_t column = 0; column < columns_;) {
      if (rows_left_ == 0) {
        cut_rows_ = true;
        return;
      }
      const std::int64_t rows = std::min({rows_, rows_slice_, rows_left_});
      std::vector<std::vector<std::string>> block;  // by column
      std::size_t width = 0;
      for (std::int64_t c = column; c < columns_; ++c) {
        std::vector<std::string> tokens;
        std::size_t widest = width;
        for (std::int64_t r = 0; r < rows; ++r) {
          tokens.push_back(token(first_ + r * columns_ + c));
          widest = std::max(widest, tokens.back().size());
        }
        const auto needed = static_cast<std::int64_t>((block.size() + 1) * (widest + 1));
        if (!block.empty() && options_.max_width > 0 && needed > options_.max_width) break;
        width = widest;
        block.push_back(std::move(tokens));
      }
      const auto end = column + static_cast<std::int64_t>(block.size());
      if (column != 0 || end != columns_) {
        text_ += "Columns " + std::to_string(column + 1) + " to " + std::to_string(end) + "\n";
      }
      for (std::size_t r = 0; r < static_cast<std::size_t>(rows); ++r) {
        for (const auto& tokens : block) {
          text_.append(1 + width - tokens[r].size(), ' ');
          text_ += tokens[r];
        }
        text_ += '\n';
      }
      if (rows < rows_) {
        cut_rows_ = cut_rows_ || rows == rows_left_;
        cut_slice_ = cut_slice_ || (options_.max_rows_slice && rows == rows_slice_);
      }
      rows_left_ -= rows_left_ == INT64_MAX ? 0 : rows;
      column = end;
    }
  }

  int parts() const noexcept { return is_complex(array_.dtype()) ? 2 : 1; }

  /// Decides how the numbers of the matrix at `first_` are written, and prints the power of ten that they
  /// share if they do.
  void choose_form() {
    form_ = form::integer;
    scale_ = 1;
    if (!is_float(array_.dtype()) && !is_complex(array_.dtype())) return;
    const std::int64_t count = rows_ * columns_;
    double least = HUGE_VAL, most = 0;  // magnitudes of what is finite and not zero
    bool integral = true;
    for (std::int64_t k = first_; k < first_ + count; ++k) {
      for (int part = 0; part < parts(); ++part) {
        const double x = std::fabs(element_double(array_, k, part));
        if (!std::isfinite(x)) continue;
        integral = integral && x == std::trunc(x);
        if (x == 0) continue;
        least = std::min(least, x);
        most = std::max(most, x);
      }
    }
    if (integral) return;
    form_ = form::fixed;
    if (least > 1e-4 && most < 1e6) return;
    const double exponent = std::floor(std::log10(least));
    if (count == 1 || exponent != std::floor(std::log10(most))) {
      form_ = form::scientific;
      return;
    }
    scale_ = std::pow(10.0, exponent);
    text_ += written("1e%+03.0f *\n", exponent);
  }

  static std::string written(const char* format, double x) {
    std::array<char, 400> text{};  // %.0f of the largest double has 309 digits
    const int length = std::snprintf(text.data(), text.size(), format, x);
    return {text.data(), static_cast<std::size_t>(length)};
  }

  std::string number(double x) const {
    if (std::isnan(x)) return "nan";
    if (std::isinf(x)) return x < 0 ? "-inf" : "inf";
    if (form_ == form::integer) return written(std::fabs(x) < 1e6 ? "%.0f" : "%.4e", x);
    if (form_ == form::scientific) return written("%.4e", x);
    return written("%.4f", x / scale_);
  }

  std::string token(std::int64_t index) const {
    const dtype type = array_.dtype();
    if (type == dtype::boolean) return element_bits(array_, index) ? "1" : "0";
    if (is_integer(type)) {
      std::string digits = element_literal(array_, index);
      if (digits.size() - (digits[0] == '-' ? 1 : 0) <= 6) return digits;
      return written("%.4e", element_double(array_, index));
    }
    if (parts() == 1) return number(element_double(array_, index));
    std::string imaginary = number(element_double(array_, index, 1));
    if (imaginary[0] != '-') imaginary.insert(0, "+");
    return number(element_double(array_, index, 0)) + imaginary + "i";
  }

  void print_footer(std::string_view where) {
    if (options_.footer) {
      if (!options_.footer->empty()) text_ += *options_.footer + " \n";
      return;
    }
    text_ += "[ " + std::string(where);
    text_ += array_.dtype() == dtype::boolean ? "bool" : name_of(array_.dtype());
    text_ += '{';
    for (std::size_t axis = 0; axis < array_.dims().rank(); ++axis)
      text_ += (axis ? "x" : "") + std::to_string(array_.dims()[axis]);
    text_ += "} ] \n";
  }

  const array& array_;
  const print_options& options_;
  std::int64_t rows_left_;
  std::int64_t rows_slice_;
  std::int64_t rows_ = 1;
  std::int64_t columns_ = 1;
  std::int64_t first_ = 0;  // element of the matrix that is printed
  form form_ = form::integer;
  double scale_ = 1;
  bool cut_rows_ = false;
  bool cut_slice_ = false;
  std::string text_;
};

}  // namespace detail

/// Prints the array as a page; throws invalid_argument for options that allow nothing.
inline void print(std::ostream& out, const array& a, const print_options& options = {}) {
  out << detail::layout_printer(a, "array", "", options).take();
}

}  // namespace wherry
