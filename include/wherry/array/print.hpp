// print.hpp: arrays and buffers on an ostream, for people.
//
// A scalar prints as its value, anything else in brackets, one line a row, columns aligned, numbers with
// six significant digits. Arrays of more than 1000 elements show the first and last three along each axis.
// For text that a program reads back, see literal.hpp.
//
// Threads: any. Printing a buffer waits for it, so it is refused where waiting is.
#pragma once

#include <algorithm>
#include <ostream>
#include <string>
#include <wherry/array/buffer.hpp>
#include <wherry/array/element.hpp>

namespace wherry {

namespace detail {

class array_printer {
 public:
  explicit array_printer(const array& a) : array_(a), is_cut_(a.size() > 1000) { measure(0, 0); }

  std::string text() {
    if (array_.size() == 0) return "[] " + to_string(array_.type());
    row(0, 0);
    return std::move(out_);
  }

 private:
  static constexpr std::int64_t edge = 3;

  /// Calls `visit(k)` for the positions shown along `axis`, and `gap()` where some are left out.
  template <class Visit, class Gap>
  void positions(std::size_t axis, Visit visit, Gap gap) const {
    const std::int64_t extent = array_.dims()[axis];
    const bool cut = is_cut_ && extent > 2 * edge;
    for (std::int64_t k = 0; k < extent; ++k) {
      if (cut && k == edge) {
        gap();
        k = extent - edge;
      }
      visit(k);
    }
  }

  void measure(std::size_t axis, std::int64_t base) {
    if (axis == array_.dims().rank()) {
      if (axis != 0 && array_.size() != 0) width_ = std::max(width_, element_text(array_, base).size());
      return;
    }
    positions(axis, [&](std::int64_t k) { measure(axis + 1, base * array_.dims()[axis] + k); }, [] {});
  }

  void row(std::size_t axis, std::int64_t base) {
    const std::size_t rank = array_.dims().rank();
    if (axis == rank) {
      const std::string element = element_text(array_, base);
      out_.append(width_ > element.size() ? width_ - element.size() : 0, ' ');
      out_ += element;
      return;
    }
    out_ += '[';
    bool first = true;
    const auto separate = [&] {
      if (first) {
        first = false;
        return;
      }
      out_ += axis + 1 == rank ? ", " : ",";
      if (axis + 1 == rank) return;
      out_.append(rank - axis - 1, '\n');  // a blank line between matrices, two between their groups
      out_.append(axis + 1, ' ');
    };
    positions(
        axis,
        [&](std::int64_t k) {
          separate();
          row(axis + 1, base * array_.dims()[axis] + k);
        },
        [&] {
          separate();
          out_ += "...";
        });
    out_ += ']';
  }

  const array& array_;
  bool is_cut_;
  std::size_t width_ = 0;
  std::string out_;
};

}  // namespace detail

inline std::ostream& operator<<(std::ostream& out, const array& a) {
  return out << detail::array_printer(a).text();
}

/// Waits for the contents; throws their failure.
inline std::ostream& operator<<(std::ostream& out, const buffer& b) { return out << b.value(); }

}  // namespace wherry
