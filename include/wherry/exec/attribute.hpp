// attribute.hpp: a constant that a program hands to a custom call: a number, a text, a list or a dictionary.
//
// What MLIR writes in `backend_config` and `mhlo.backend_config`, without MLIR: integers of every width are
// `std::int64_t` (ui64 keeps its bits), floats of every width `double`, dense arrays and tensors lists.
//
// Threads: values.
#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace wherry {

struct named_attribute;

struct attribute {
  using list = std::vector<attribute>;
  using dictionary = std::vector<named_attribute>;

  std::variant<bool, std::int64_t, double, std::string, list, dictionary> value;

  attribute();  // false
  attribute(bool b);
  template <std::integral T>
    requires(!std::same_as<T, bool>)
  attribute(T number);
  attribute(double number);
  attribute(const char* text);
  attribute(std::string text);
  attribute(list elements);
  attribute(dictionary entries);
  attribute(const attribute& other);
  attribute(attribute&& other) noexcept;
  attribute& operator=(const attribute& other);
  attribute& operator=(attribute&& other) noexcept;
  ~attribute();

  /// Returns the value as a `T`, or nothing where it is of another kind or does not fit: bool, integers (in
  /// range), floating-point numbers (integers too), std::string, std::string_view (of this object), vectors
  /// of those, and dictionaries.
  template <class T>
  std::optional<T> as() const;

  /// Returns what it is, for messages: "an integer", "a string", ...
  std::string_view kind() const noexcept {
    constexpr std::string_view names[] = {"a boolean", "an integer", "a float",
                                          "a string",  "a list",     "a dictionary"};
    return names[value.index()];
  }
};

struct named_attribute {
  std::string name;
  attribute value;
};

// The members of `attribute` need the type of its entries.
inline attribute::attribute() : value(false) {}
inline attribute::attribute(bool b) : value(b) {}
template <std::integral T>
  requires(!std::same_as<T, bool>)
attribute::attribute(T number) : value(static_cast<std::int64_t>(number)) {}
inline attribute::attribute(double number) : value(number) {}
inline attribute::attribute(const char* text) : value(std::string(text)) {}
inline attribute::attribute(std::string text) : value(std::move(text)) {}
inline attribute::attribute(list elements) : value(std::move(elements)) {}
inline attribute::attribute(dictionary entries) : value(std::move(entries)) {}
inline attribute::attribute(const attribute& other) = default;
inline attribute::attribute(attribute&& other) noexcept = default;
inline attribute& attribute::operator=(const attribute& other) = default;
inline attribute& attribute::operator=(attribute&& other) noexcept = default;
inline attribute::~attribute() = default;

inline bool operator==(const named_attribute& a, const named_attribute& b);
inline bool operator==(const attribute& a, const attribute& b) { return a.value == b.value; }
inline bool operator==(const named_attribute& a, const named_attribute& b) {
  return a.name == b.name && a.value == b.value;
}

/// Returns the entry called `name`, or null.
inline const attribute* find(const attribute::dictionary& entries, std::string_view name) noexcept {
  for (const named_attribute& entry : entries) {
    if (entry.name == name) return &entry.value;
  }
  return nullptr;
}

namespace detail {

template <class T>
struct is_vector : std::false_type {};
template <class T>
struct is_vector<std::vector<T>> : std::true_type {};

/// What an attribute that is read as a `T` has to be, for messages.
template <class T>
constexpr std::string_view attribute_kind() {
  if constexpr (std::same_as<T, bool>) return "a boolean";
  if constexpr (std::integral<T>) return "an integer in range";
  if constexpr (std::floating_point<T>) return "a number";
  if constexpr (std::same_as<T, std::string> || std::same_as<T, std::string_view>) return "a string";
  if constexpr (std::same_as<T, attribute::dictionary>) return "a dictionary";
  return "a list";
}

}  // namespace detail

template <class T>
std::optional<T> attribute::as() const {
  if constexpr (std::same_as<T, attribute>) {
    return *this;
  } else if constexpr (std::same_as<T, bool>) {
    if (const bool* b = std::get_if<bool>(&value)) return *b;
  } else if constexpr (std::integral<T>) {
    const std::int64_t* n = std::get_if<std::int64_t>(&value);
    if (!n) return std::nullopt;
    if constexpr (sizeof(T) == sizeof(std::int64_t))
      return static_cast<T>(*n);
    else if (std::in_range<T>(*n))
      return static_cast<T>(*n);
  } else if constexpr (std::floating_point<T>) {
    if (const double* d = std::get_if<double>(&value)) return static_cast<T>(*d);
    if (const std::int64_t* n = std::get_if<std::int64_t>(&value)) return static_cast<T>(*n);
  } else if constexpr (std::same_as<T, std::string> || std::same_as<T, std::string_view>) {
    if (const std::string* s = std::get_if<std::string>(&value)) return T(*s);
  } else if constexpr (std::same_as<T, dictionary>) {
    if (const dictionary* d = std::get_if<dictionary>(&value)) return *d;
  } else {
    static_assert(detail::is_vector<T>::value, "an attribute cannot be read as this type");
    const list* elements = std::get_if<list>(&value);
    if (!elements) return std::nullopt;
    T all;
    for (const attribute& element : *elements) {
      auto one = element.as<typename T::value_type>();
      if (!one) return std::nullopt;
      all.push_back(*std::move(one));
    }
    return all;
  }
  return std::nullopt;
}

}  // namespace wherry
