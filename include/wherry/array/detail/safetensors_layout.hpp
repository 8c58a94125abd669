// safetensors_layout.hpp: the header of a safetensors file: what lies where.
//
// The format: eight bytes with the length of the header (little-endian), a JSON object that gives every
// tensor's dtype, shape and byte range, then the bytes of all tensors without gaps. A header is checked in
// full before anything is read: ranges that leave the file, overlap, leave gaps or contradict dtype and
// shape are refused with the file and the offset. The format is described at
// https://github.com/huggingface/safetensors#format.
//
// Threads: any (values).
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>
#include <wherry/array/shape.hpp>
#include <wherry/array/stored_type.hpp>
#include <wherry/status/error.hpp>

namespace wherry::detail {

struct safetensors_entry {
  std::string name;
  tensor_type type;
  std::uint64_t offset = 0;  // from the start of the file
};

struct safetensors_layout {
  std::vector<safetensors_entry> entries;  // by offset
  std::map<std::string, std::string, std::less<>> metadata;
};

inline constexpr std::uint64_t safetensors_header_limit =
    100'000'000;  // bytes, as in the format's own reader

struct safetensors_name {
  std::string_view name;
  dtype type;
};

/// The dtypes that the format and this library both know.
inline constexpr std::array<safetensors_name, 16> safetensors_names = {{
    {"BOOL", dtype::boolean},
    {"I8", dtype::i8},
    {"I16", dtype::i16},
    {"I32", dtype::i32},
    {"I64", dtype::i64},
    {"U8", dtype::ui8},
    {"U16", dtype::ui16},
    {"U32", dtype::ui32},
    {"U64", dtype::ui64},
    {"F16", dtype::f16},
    {"BF16", dtype::bf16},
    {"F32", dtype::f32},
    {"F64", dtype::f64},
    {"C64", dtype::c64},
    {"F8_E4M3", dtype::f8e4m3fn},
    {"F8_E5M2", dtype::f8e5m2},
}};

[[noreturn]] inline void corrupt_safetensors(const std::string& path, std::uint64_t offset,
                                             const std::string& what) {
  throw error(absl::StatusCode::kDataLoss,
              path + ": not a valid safetensors file, at byte " + std::to_string(offset) + ": " + what,
              reason::corrupt_file);
}

/// Returns the length of the header, from the first eight bytes of a file of `size` bytes.
inline std::uint64_t safetensors_header_length(std::span<const std::byte> first, std::uint64_t size,
                                               const std::string& path) {
  if (size < 8)
    corrupt_safetensors(path, 0,
                        "the file has " + std::to_string(size) + " bytes, the length of the header takes 8");
  std::uint64_t length = 0;
  for (std::size_t k = 8; k-- > 0;) length = length << 8 | static_cast<std::uint64_t>(first[k]);
  if (length > size - 8 || length > safetensors_header_limit) {
    corrupt_safetensors(
        path, 0, "a header of " + std::to_string(length) + " bytes in a file of " + std::to_string(size));
  }
  return length;
}

/// Checks one tensor's description and gives its type and the first and last byte of its data.
class safetensors_tensor {
 public:
  safetensors_tensor(const std::string& path, const std::string& name, const nlohmann::json& text)
      : path_(path), name_(name) {
    if (!text.is_object()) fail("its description is not an object");
    const auto dtype_text = text.find("dtype");
    const auto shape_text = text.find("shape");
    const auto range_text = text.find("data_offsets");
    if (dtype_text == text.end() || !dtype_text->is_string()) fail("'dtype' is missing or not a string");
    if (shape_text == text.end() || !shape_text->is_array()) fail("'shape' is missing or not a list");
    if (range_text == text.end() || !range_text->is_array() || range_text->size() != 2) {
      fail("'data_offsets' is missing or not two numbers");
    }
    type.element = dtype_called(dtype_text->get<std::string>());
    std::vector<std::int64_t> extents;
    std::uint64_t bytes = size_of(type.element);
    for (const auto& extent : *shape_text) {
      const std::uint64_t n = number(extent, "'shape'");
      if (n > std::numeric_limits<std::int64_t>::max() || __builtin_mul_overflow(bytes, n, &bytes)) {
        fail("'shape' has more elements than memory can hold");
      }
      extents.push_back(static_cast<std::int64_t>(n));
    }
    type.dims = shape(std::span<const std::int64_t>(extents));
    begin = number((*range_text)[0], "'data_offsets'");
    end = number((*range_text)[1], "'data_offsets'");
    if (end < begin || end - begin != bytes) {
      fail("'data_offsets' [" + std::to_string(begin) + ", " + std::to_string(end) + "] do not hold the " +
           std::to_string(bytes) + " bytes of " + to_string(type));
    }
  }

  tensor_type type;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;

 private:
  [[noreturn]] void fail(const std::string& what) const {
    corrupt_safetensors(path_, 8, "tensor '" + name_ + "': " + what);
  }

  std::uint64_t number(const nlohmann::json& text, const char* where) const {
    if (!text.is_number_unsigned())
      fail(std::string(where) + " holds something that is not a natural number");
    return text.get<std::uint64_t>();
  }

  dtype dtype_called(const std::string& name) const {
    for (const auto& known : safetensors_names) {
      if (known.name == name) return known.type;
    }
    throw error(absl::StatusCode::kUnimplemented,
                path_ + ": tensor '" + name_ + "' has dtype '" + name + "', which is not supported",
                reason::unsupported);
  }

  const std::string& path_;
  const std::string& name_;
};

/// Returns what the header says of a file of `size` bytes. Throws data_loss (corrupt_file).
inline safetensors_layout parse_safetensors_header(std::span<const std::byte> header, std::uint64_t size,
                                                   const std::string& path) {
  const auto* const text = reinterpret_cast<const char*>(header.data());
  nlohmann::json parsed;
  // The parser would keep the last of several values of one key, and one tensor would hide another.
  std::vector<std::set<std::string>> keys;
  std::optional<std::string> twice;
  const auto look = [&](int, nlohmann::json::parse_event_t event, nlohmann::json& value) {
    if (event == nlohmann::json::parse_event_t::object_start) keys.emplace_back();
    if (event == nlohmann::json::parse_event_t::object_end) keys.pop_back();
    if (event == nlohmann::json::parse_event_t::key &&
        !keys.back().insert(value.get_ref<const std::string&>()).second)
      twice = value.get<std::string>();
    return true;
  };
  try {
    parsed = nlohmann::json::parse(text, text + header.size(), look);
  } catch (const nlohmann::json::parse_error& e) {
    corrupt_safetensors(path, 8 + (e.byte == 0 ? 0 : e.byte - 1), "the header is not JSON");
  }
  if (!parsed.is_object()) corrupt_safetensors(path, 8, "the header is not a JSON object");
  if (twice) corrupt_safetensors(path, 8, "the name '" + *twice + "' is there twice");

  safetensors_layout layout;
  const std::uint64_t start = 8 + header.size();
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;
  for (const auto& [name, description] : parsed.items()) {
    if (name == "__metadata__") {
      if (!description.is_object()) corrupt_safetensors(path, 8, "__metadata__ is not an object");
      for (const auto& [key, value] : description.items()) {
        if (!value.is_string())
          corrupt_safetensors(path, 8, "__metadata__ entry '" + key + "' is not a string");
        layout.metadata.emplace(key, value.get<std::string>());
      }
      continue;
    }
    const safetensors_tensor tensor(path, name, description);
    if (tensor.end > size - start) {
      corrupt_safetensors(path, start + tensor.begin,
                          "tensor '" + name + "' ends at byte " + std::to_string(start + tensor.end) +
                              ", the file at byte " + std::to_string(size));
    }
    layout.entries.push_back({name, tensor.type, start + tensor.begin});
  }
  std::sort(layout.entries.begin(), layout.entries.end(), [](const auto& a, const auto& b) {
    return std::make_tuple(a.offset, a.type.bytes()) < std::make_tuple(b.offset, b.type.bytes());
  });
  std::uint64_t at = start;
  for (safetensors_entry& e : layout.entries) {
    if (e.offset != at) {
      corrupt_safetensors(path, std::min(at, e.offset),
                          "tensor '" + e.name + "' starts at byte " + std::to_string(e.offset) +
                              ", the one before it ends at byte " + std::to_string(at));
    }
    at += e.type.bytes();
    // Bits whose type only the metadata knows.
    const auto named = layout.metadata.find("dtype:" + e.name);
    if (named == layout.metadata.end() || e.type.element != dtype::ui8) continue;
    for (std::size_t k = 0; k < dtype_count; ++k) {
      const auto type = static_cast<dtype>(k);
      if (is_carried_as_bits(type) && name_of(type) == named->second) e.type.element = type;
    }
  }
  if (at != size)
    corrupt_safetensors(path, at, std::to_string(size - at) + " bytes at the end belong to no tensor");
  return layout;
}

inline std::string_view safetensors_name_of(dtype stored) {
  for (const auto& known : safetensors_names) {
    if (known.type == stored) return known.name;
  }
  return "U8";  // bits
}

/// Orders `entries` so that every tensor is aligned, sets their offsets, adds `dtype:` metadata for bits and
/// returns the header with its length in front. Throws invalid_argument for names that are not UTF-8.
inline std::string format_safetensors_header(safetensors_layout& layout, const std::string& path) {
  std::sort(layout.entries.begin(), layout.entries.end(), [](const auto& a, const auto& b) {
    // Whole cache lines first, so that device memory can be a mapped file; then larger elements.
    const auto rank = [](const safetensors_entry& e) {
      const bool whole_lines = stored_type(e.type).bytes() % 64 == 0;
      return std::make_tuple(!whole_lines, whole_lines ? 0 : -static_cast<int>(size_of(e.type.element)));
    };
    const auto rank_a = rank(a), rank_b = rank(b);
    return rank_a != rank_b ? rank_a < rank_b : a.name < b.name;
  });
  nlohmann::json header = nlohmann::json::object();
  std::uint64_t at = 0;
  for (safetensors_entry& e : layout.entries) {
    const tensor_type stored = stored_type(e.type);
    if (e.name == "__metadata__") {
      throw error(absl::StatusCode::kInvalidArgument, path + ": a tensor cannot be called '__metadata__'");
    }
    if (is_carried_as_bits(e.type.element)) layout.metadata["dtype:" + e.name] = name_of(e.type.element);
    header[e.name] = {{"dtype", safetensors_name_of(stored.element)},
                      {"shape", std::vector<std::int64_t>(stored.dims.begin(), stored.dims.end())},
                      {"data_offsets", {at, at + stored.bytes()}}};
    e.offset = at;
    at += stored.bytes();
  }
  if (!layout.metadata.empty()) header["__metadata__"] = layout.metadata;
  std::string text;
  try {
    text = header.dump();
  } catch (const nlohmann::json::type_error&) {
    throw error(absl::StatusCode::kInvalidArgument, path + ": a name or metadata value is not UTF-8 text");
  }
  text.append((64 - (8 + text.size()) % 64) % 64, ' ');
  std::string length(8, '\0');
  for (std::size_t k = 0; k < 8; ++k) length[k] = static_cast<char>(text.size() >> (8 * k) & 0xFF);
  for (safetensors_entry& e : layout.entries) e.offset += 8 + text.size();
  return length + text;
}

}  // namespace wherry::detail
