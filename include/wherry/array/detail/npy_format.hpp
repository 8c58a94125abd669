// npy_format.hpp: NumPy's .npy format: a header that says what the bytes behind it are.
//
// Magic, version, the length of the header, a Python dictionary with `descr`, `fortran_order` and `shape`,
// the elements. Versions 1 to 3 are read, 1 is written. The format is described at
// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html.
//
// Elements come to row-major order and to the byte order of the machine. bfloat16 is `<V2`, two raw bytes,
// which is how NumPy writes arrays of the package ml_dtypes; smaller floats travel as their bits in `|u1`
// (stored_type.hpp), and `|V1` is read as such bits.
//
// Threads: any (values).
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <wherry/array/array.hpp>
#include <wherry/array/stored_type.hpp>
#include <wherry/status/error.hpp>

namespace wherry::detail {

static_assert(std::endian::native == std::endian::little);

struct npy_name {
  std::string_view name;  // without the byte order
  dtype type;
};

inline constexpr std::array<npy_name, 16> npy_names = {{{"b1", dtype::boolean},
                                                        {"i1", dtype::i8},
                                                        {"i2", dtype::i16},
                                                        {"i4", dtype::i32},
                                                        {"i8", dtype::i64},
                                                        {"u1", dtype::ui8},
                                                        {"u2", dtype::ui16},
                                                        {"u4", dtype::ui32},
                                                        {"u8", dtype::ui64},
                                                        {"f2", dtype::f16},
                                                        {"V2", dtype::bf16},
                                                        {"f4", dtype::f32},
                                                        {"f8", dtype::f64},
                                                        {"c8", dtype::c64},
                                                        {"c16", dtype::c128},
                                                        {"V1", dtype::ui8}}};

[[noreturn]] inline void corrupt_npy(const std::string& path, std::uint64_t offset, const std::string& what) {
  throw error(absl::StatusCode::kDataLoss,
              path + ": not a valid .npy file, at byte " + std::to_string(offset) + ": " + what,
              reason::corrupt_file);
}

inline constexpr std::string_view npy_magic = "\x93NUMPY";

/// Reads the dictionary, a small part of Python's grammar: strings, True, False, integers, tuples.
class npy_dictionary {
 public:
  npy_dictionary(std::string_view text, std::uint64_t offset, const std::string& path)
      : text_(text), offset_(offset), path_(path) {
    expect('{');
    while (!accept('}')) {
      const std::string key = string();
      expect(':');
      if (key == "descr") {
        if (peek() == '[') {
          throw error(absl::StatusCode::kUnimplemented, path_ + ": a structured dtype is not supported",
                      reason::unsupported);
        }
        descr = string();
      } else if (key == "fortran_order") {
        fortran_order = boolean();
      } else if (key == "shape") {
        extents = tuple();
      } else {
        fail("the key '" + key + "' is unknown");
      }
      if (!accept(',') && peek() != '}') fail("expected ',' or '}'");
    }
    if (!descr || !fortran_order || !extents) fail("one of 'descr', 'fortran_order' and 'shape' is missing");
  }

  std::optional<std::string> descr;
  std::optional<bool> fortran_order;
  std::optional<std::vector<std::int64_t>> extents;

 private:
  [[noreturn]] void fail(const std::string& what) const { corrupt_npy(path_, offset_ + at_, what); }

  char peek() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t')) ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool accept(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) fail(std::string("expected '") + c + "'");
  }
  std::string string() {
    const char quote = peek();
    if (quote != '\'' && quote != '"') fail("expected a string");
    const std::size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) fail("the string does not end");
    std::string value(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return value;
  }
  bool boolean() {
    peek();
    for (const std::string_view word : {"True", "False"}) {
      if (text_.substr(at_, word.size()) != word) continue;
      at_ += word.size();
      return word == "True";
    }
    fail("expected True or False");
  }
  std::vector<std::int64_t> tuple() {
    std::vector<std::int64_t> values;
    expect('(');
    while (!accept(')')) {
      peek();
      std::int64_t value = -1;
      const auto read = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
      if (read.ec != std::errc() || value < 0) fail("expected a size");
      at_ = static_cast<std::size_t>(read.ptr - text_.data());
      if (at_ < text_.size() && text_[at_] == 'L') ++at_;  // files of Python 2
      values.push_back(value);
      if (!accept(',') && peek() != ')') fail("expected ',' or ')'");
    }
    return values;
  }

  std::string_view text_;
  std::uint64_t offset_;
  const std::string& path_;
  std::size_t at_ = 0;
};

struct npy_header {
  tensor_type type;
  bool swapped = false;        // the other byte order
  bool fortran_order = false;  // column-major
  std::uint64_t start = 0;     // where the elements begin

  std::uint64_t end() const { return start + type.bytes(); }
};

/// How many bytes the header takes that begins with `first`, 12 bytes or the whole of a shorter file.
inline std::uint64_t npy_header_length(std::span<const std::byte> first, const std::string& path) {
  const auto* const text = reinterpret_cast<const char*>(first.data());
  if (first.size() < 10 || std::string_view(text, npy_magic.size()) != npy_magic)
    corrupt_npy(path, 0, "it does not start with \\x93NUMPY and a version");
  const auto byte = [&](std::size_t k) { return std::to_integer<std::uint64_t>(first[k]); };
  const std::uint64_t version = byte(6);
  if (version == 1) return 10 + (byte(8) | byte(9) << 8);
  if (version == 2 || version == 3) {
    if (first.size() < 12) corrupt_npy(path, first.size(), "the file ends here");
    return 12 + (byte(8) | byte(9) << 8 | byte(10) << 16 | byte(11) << 24);
  }
  corrupt_npy(path, 6, "version " + std::to_string(version) + ", expected 1, 2 or 3");
}

/// Returns what the header says. `header` is all of it, as `npy_header_length` said.
inline npy_header parse_npy_header(std::span<const std::byte> header, const std::string& path) {
  const std::size_t before = std::to_integer<int>(header[6]) == 1 ? 10 : 12;
  const std::string_view text(reinterpret_cast<const char*>(header.data()), header.size());
  npy_dictionary said(text.substr(before), before, path);
  npy_header result;
  result.start = header.size();
  result.fortran_order = *said.fortran_order;
  std::string_view name = *said.descr;
  if (!name.empty() && std::string_view("<>|=").find(name.front()) != std::string_view::npos) {
    result.swapped = name.front() == '>';
    name.remove_prefix(1);
  }
  const auto known =
      std::find_if(npy_names.begin(), npy_names.end(), [&](const npy_name& n) { return n.name == name; });
  if (known == npy_names.end()) {
    throw error(absl::StatusCode::kUnimplemented, path + ": dtype '" + *said.descr + "' is not supported",
                reason::unsupported);
  }
  result.type.element = known->type;
  std::uint64_t bytes = size_of(known->type);
  for (const std::int64_t extent : *said.extents) {
    if (__builtin_mul_overflow(bytes, static_cast<std::uint64_t>(extent), &bytes) || bytes > INT64_MAX)
      corrupt_npy(path, before, "the shape has more elements than memory can hold");
  }
  result.type.dims = shape(std::span<const std::int64_t>(*said.extents));
  return result;
}

/// Brings `elements`, as they were in the file, to row-major order and the machine's byte order.
inline array npy_elements(const npy_header& header, array elements, const std::string& path) {
  const std::size_t size = size_of(header.type.element);
  for (std::size_t k = 0; header.type.element == dtype::boolean && k < elements.bytes().size(); ++k) {
    const int value = std::to_integer<int>(elements.bytes()[k]);
    if (value > 1) corrupt_npy(path, header.start + k, "a boolean is stored as " + std::to_string(value));
  }
  if (header.swapped && size > 1) {
    const std::size_t part = is_complex(header.type.element) ? size / 2 : size;
    std::byte* const bytes = elements.bytes().data();
    for (std::size_t k = 0; k < elements.bytes().size(); k += part) std::reverse(bytes + k, bytes + k + part);
  }
  const std::size_t rank = header.type.dims.rank();
  if (!header.fortran_order || rank < 2 || elements.size() == 0) return elements;
  array result(header.type);
  std::vector<std::int64_t> index(rank, 0), stride(rank, 1);
  for (std::size_t d = 1; d < rank; ++d) stride[d] = stride[d - 1] * header.type.dims[d - 1];
  const std::byte* const from = elements.bytes().data();
  std::byte* to = result.bytes().data();
  std::int64_t at = 0;
  for (std::int64_t k = 0; k < result.size(); ++k, to += size) {
    std::memcpy(to, from + static_cast<std::size_t>(at) * size, size);
    for (std::size_t d = rank; d-- > 0;) {
      at += stride[d];
      if (++index[d] < header.type.dims[d]) break;
      at -= stride[d] * header.type.dims[d];
      index[d] = 0;
    }
  }
  return result;
}

/// Returns the header of a file with an array of `type`.
inline std::string format_npy_header(const tensor_type& type) {
  tensor_type stored = type.element == dtype::c128 ? type : stored_type(type);
  if (is_small_float(stored.element)) stored.element = dtype::ui8;
  const auto known = std::find_if(npy_names.begin(), npy_names.end(),
                                  [&](const npy_name& n) { return n.type == stored.element; });
  std::string text = "{'descr': '";
  text += size_of(stored.element) == 1 ? '|' : '<';
  text += known->name;
  text += "', 'fortran_order': False, 'shape': (";
  for (const std::int64_t extent : stored.dims) text += std::to_string(extent) + ", ";
  if (stored.dims.rank() > 1) text.resize(text.size() - 2);
  if (stored.dims.rank() == 1) text.pop_back();
  text += "), }";
  text.append((64 - (10 + text.size() + 1) % 64) % 64, ' ');
  text += '\n';
  std::string start(npy_magic);
  start += '\x01';
  start += '\0';
  start += static_cast<char>(text.size() & 0xFF);
  start += static_cast<char>(text.size() >> 8);
  return start + text;
}

}  // namespace wherry::detail
