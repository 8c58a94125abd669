// print.hpp: arrays, buffers and promises on an ostream, for people.
//
// An array prints as a scalar's value, anything else in brackets, one line a row, columns aligned, numbers
// with six significant digits. Arrays of more than 1000 elements show the first and last three along each
// axis. A buffer prints as a page (layout_printer.hpp), and `print` gives arrays that form, too. Types print
// as in StableHLO (`tensor<2x3xf32>`), devices and tickets as their names (`cpu:0`, `5:1`). For text that a
// program reads back, see literal.hpp.
//
// Threads: any. Printing a buffer waits for it, so it is refused where waiting is; printing a promise never
// waits.
#pragma once

#include <algorithm>
#include <ostream>
#include <string>
#include <wherry/array/buffer.hpp>
#include <wherry/array/element.hpp>
#include <wherry/array/layout_printer.hpp>

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

/// Prints the buffer as a page. Waits for the contents; throws their failure, and invalid_argument for
/// options that allow nothing.
inline void print(std::ostream& out, const buffer& b, const print_options& options = {}) {
  const std::string& name = b.place().name();
  std::string platform = name.substr(0, name.find(':'));
  for (char& c : platform) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  out << detail::layout_printer(b.value(), "buffer", platform, options).take();
}
inline std::ostream& operator<<(std::ostream& out, const buffer& b) {
  print(out, b);
  return out;
}

/// Says what the promise is and how far it has come, with the value if it is there. Never waits.
inline std::ostream& operator<<(std::ostream& out, const array_promise& p) {
  out << "<array_promise>\n";
  if (p.is_ready()) {
    const absl::Status outcome = p.status();
    if (outcome.ok()) return out << "Status: Materialized\nValue:\n" << p.value() << '\n';
    return out << "Status: Failed\n" << outcome.message() << '\n';
  }
  out << "Status: Not materialized\ndtype: " << name_of(p.type().element) << "\nshape:";
  for (std::size_t axis = 0; axis < p.type().dims.rank(); ++axis)
    out << (axis ? " x " : " ") << p.type().dims[axis];
  return out << "\n(Call value() to materialize the array)\n";
}

inline std::ostream& operator<<(std::ostream& out, dtype t) { return out << name_of(t); }
inline std::ostream& operator<<(std::ostream& out, const tensor_type& t) { return out << to_string(t); }
inline std::ostream& operator<<(std::ostream& out, const device& d) {
  return out << (d ? std::string_view(d.name()) : "no device");
}
inline std::ostream& operator<<(std::ostream& out, ticket t) {
  return t ? out << to_string(t) : out << "no request";
}

}  // namespace wherry
