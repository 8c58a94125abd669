// bind.hpp: handlers of custom calls from plain C++ functions.
//
//   register_call("scale", bind([](std::span<const float> x, std::span<float> y, double by) { ... },
//   {"by"}));
//
// What a parameter stands for follows from its type. In their order:
//   std::span<const T>, call_array<const T>, call_operand    the next operand
//   std::span<T>, call_array<T>, call_result                 the next result
//   bool, numbers, std::string, std::string_view, vectors    the attribute of the next of the given names
//   std::optional of one of those                            the same, which may be missing
//   call_frame&                                              everything; the call may then have more
// The function returns nothing or an absl::Status. Counts, element types and attributes are checked when an
// executable is made.
//
// Threads: as the function, which several may call at once.
#pragma once

#include <array>
#include <tuple>
#include <wherry/exec/call_frame.hpp>

namespace wherry {

/// An operand (`const T`) or a result with its shape.
template <class T>
struct call_array {
  std::span<T> data;  // as it lies in memory
  std::span<const std::int64_t> dims;
  std::span<const std::uint32_t> minor_to_major;  // empty: row-major
};

namespace detail {

enum class call_role : std::uint8_t { operand, result, attribute, frame };

[[noreturn]] inline void refuse_call(std::string what) {
  throw error(absl::StatusCode::kInvalidArgument, std::move(what));
}

/// An attribute of the type `P`.
template <class P>
struct call_parameter {
  static constexpr call_role role = call_role::attribute;
  static P get(call_frame& frame, std::size_t, std::string_view name) { return frame.attribute<P>(name); }
  static void check(const custom_call& call, std::size_t, std::string_view name) {
    const attribute* found = find(call.attributes, name);
    if (!found) refuse_call("attribute '" + std::string(name) + "' is missing");
    if (!found->as<P>()) {
      refuse_call("attribute '" + std::string(name) + "': expected " + std::string(attribute_kind<P>()) +
                  ", got " + std::string(found->kind()));
    }
  }
};

template <class P>
struct call_parameter<std::optional<P>> {
  static constexpr call_role role = call_role::attribute;
  static std::optional<P> get(call_frame& frame, std::size_t, std::string_view name) {
    if (!find(frame.attributes(), name)) return std::nullopt;
    return frame.attribute<P>(name);
  }
  static void check(const custom_call& call, std::size_t index, std::string_view name) {
    if (find(call.attributes, name)) call_parameter<P>::check(call, index, name);
  }
};

template <>
struct call_parameter<call_frame> {
  static constexpr call_role role = call_role::frame;
  static call_frame& get(call_frame& frame, std::size_t, std::string_view) { return frame; }
  static void check(const custom_call&, std::size_t, std::string_view) {}
};

/// A tensor of any element type.
template <class Byte>
struct call_parameter<call_view<Byte>> {
  static constexpr call_role role = std::is_const_v<Byte> ? call_role::operand : call_role::result;
  static call_view<Byte> get(call_frame& frame, std::size_t index, std::string_view) {
    if constexpr (role == call_role::operand)
      return frame.operand(index);
    else
      return frame.result(index);
  }
  static void check(const custom_call&, std::size_t, std::string_view) {}
};

/// A tensor of elements `T`.
template <class T>
struct call_tensor_parameter {
  static constexpr call_role role = std::is_const_v<T> ? call_role::operand : call_role::result;
  using view = std::conditional_t<std::is_const_v<T>, call_operand, call_result>;
  static view get_view(call_frame& frame, std::size_t index) {
    return call_parameter<view>::get(frame, index, {});
  }
  static void check(const custom_call& call, std::size_t index, std::string_view) {
    const tensor_type& type = (std::is_const_v<T> ? call.operands : call.results)[index].type;
    if (type.element == dtype_of<std::remove_const_t<T>>) return;
    refuse_call((std::is_const_v<T> ? "operand " : "result ") + std::to_string(index) + ": expected " +
                std::string(name_of(dtype_of<std::remove_const_t<T>>)) + ", got " + to_string(type));
  }
};

template <class T>
struct call_parameter<std::span<T>> : call_tensor_parameter<T> {
  static std::span<T> get(call_frame& frame, std::size_t index, std::string_view) {
    return call_tensor_parameter<T>::get_view(frame, index).template data<std::remove_const_t<T>>();
  }
};

template <class T>
struct call_parameter<call_array<T>> : call_tensor_parameter<T> {
  static call_array<T> get(call_frame& frame, std::size_t index, std::string_view) {
    const auto view = call_tensor_parameter<T>::get_view(frame, index);
    return {view.template data<std::remove_const_t<T>>(), frame_dims(frame, index), view.minor_to_major()};
  }
  static std::span<const std::int64_t> frame_dims(const call_frame& frame, std::size_t index) {
    return (std::is_const_v<T> ? frame.call().operands : frame.call().results)[index].type.dims;
  }
};

template <class F>
struct call_function : call_function<decltype(&F::operator())> {};
template <class R, class... P>
struct call_function<R (*)(P...)> {
  using result = R;
  using parameters = std::tuple<std::remove_cvref_t<P>...>;
};
template <class R, class... P>
struct call_function<R (*)(P...) noexcept> : call_function<R (*)(P...)> {};
template <class C, class R, class... P>
struct call_function<R (C::*)(P...)> : call_function<R (*)(P...)> {};
template <class C, class R, class... P>
struct call_function<R (C::*)(P...) const> : call_function<R (*)(P...)> {};
template <class C, class R, class... P>
struct call_function<R (C::*)(P...) noexcept> : call_function<R (*)(P...)> {};
template <class C, class R, class... P>
struct call_function<R (C::*)(P...) const noexcept> : call_function<R (*)(P...)> {};

/// The parameters of a function: what each is, and which of its kind.
template <class Parameters>
struct call_parameters;
template <class... P>
struct call_parameters<std::tuple<P...>> {
  static constexpr std::size_t size = sizeof...(P);
  static constexpr std::array<call_role, size> roles{call_parameter<P>::role...};

  static constexpr std::size_t count(call_role role, std::size_t end = size) {
    std::size_t n = 0;
    for (std::size_t k = 0; k < end; ++k) n += roles[k] == role ? 1 : 0;
    return n;
  }
  static constexpr std::size_t place(std::size_t k) { return count(roles[k], k); }
  static std::string_view name(const std::vector<std::string>& names, std::size_t k) {
    return roles[k] == call_role::attribute ? std::string_view(names[place(k)]) : std::string_view();
  }

  static void check(const custom_call& call, const std::vector<std::string>& names) {
    constexpr bool takes_more = count(call_role::frame) != 0;
    const auto require = [](std::size_t want, std::size_t have, const char* what) {
      if (want == have || (takes_more && want < have)) return;
      refuse_call("expected " + std::string(takes_more ? "at least " : "") + std::to_string(want) + " " +
                  what + ", got " + std::to_string(have));
    };
    require(count(call_role::operand), call.operands.size(), "operands");
    require(count(call_role::result), call.results.size(), "results");
    [&]<std::size_t... K>(std::index_sequence<K...>) {
      (call_parameter<P>::check(call, place(K), name(names, K)), ...);
    }(std::make_index_sequence<size>());
    for (const named_attribute& given : call.attributes) {
      bool known = takes_more;
      for (const std::string& one : names) known = known || one == given.name;
      if (!known) refuse_call("attribute '" + given.name + "' is not known");
    }
  }

  template <class F>
  static absl::Status run(F& function, call_frame& frame, const std::vector<std::string>& names) {
    return [&]<std::size_t... K>(std::index_sequence<K...>) -> absl::Status {
      if constexpr (std::is_void_v<typename call_function<F>::result>) {
        function(call_parameter<P>::get(frame, place(K), name(names, K))...);
        return absl::OkStatus();
      } else {
        return function(call_parameter<P>::get(frame, place(K), name(names, K))...);
      }
    }(std::make_index_sequence<size>());
  }
};

}  // namespace detail

/// Returns the handler that calls `function`; see the top of the file. `names` are those of its attributes,
/// in the order of its parameters. Throws invalid_argument if there are not as many.
template <class F>
call_handler bind(F function, std::initializer_list<std::string_view> names = {}) {
  using parameters = detail::call_parameters<typename detail::call_function<F>::parameters>;
  constexpr std::size_t wanted = parameters::count(detail::call_role::attribute);
  if (names.size() != wanted) {
    detail::refuse_call("bind: the function takes " + std::to_string(wanted) + " attributes, got " +
                        std::to_string(names.size()) + " names");
  }
  const std::vector<std::string> kept(names.begin(), names.end());
  call_handler handler;
  handler.check = [kept](const custom_call& call) { parameters::check(call, kept); };
  handler.run = [kept, function = std::move(function)](call_frame& frame) mutable {
    return parameters::run(function, frame, kept);
  };
  return handler;
}

}  // namespace wherry
