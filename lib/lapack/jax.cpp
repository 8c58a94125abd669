// jax.cpp: the calls that JAX writes for linear algebra on CPUs, `lapack_sgeqrf_ffi` and its kin.
//
// Operands, results and attributes are those of jaxlib's handlers; choices are characters, as in LAPACK.
// `info` is a result, one for each matrix of the batch, and a failure is left to the program.
#include "factor.hpp"
#include "typed.hpp"

namespace wherry::lapack {
namespace {

/// Returns attribute `name`, which must be one of `choices`.
char choice(const call_frame& c, const char* name, std::string_view choices) {
  const int given = c.attribute<int>(name);
  for (const char one : choices) {
    if (one == given) return one;
  }
  refuse("attribute '" + std::string(name) + "': expected one of " + std::string(choices) +
         " as a number, got " + std::to_string(given));
}

/// The infos of a batch.
std::span<std::int32_t> infos(const call_result& result, const call_operand& like) {
  require_dims(result, "info", like, {});
  (void)shape_of(result, "info", 0);
  return result.data<std::int32_t>();
}

template <class T>
struct geqrf_ffi {
  static absl::Status run(call_frame& c) {
    require_counts(c, 1, 2);
    const auto a = c.operand(0);
    const auto out = c.result(0), tau = c.result(1);
    const batch_shape from = shape_of(a, "x", 2), to = shape_of(out, "x_out", 2);
    const int k = std::min(from.rows, from.columns);
    require_dims(out, "x_out", a, {from.rows, from.columns});
    require_dims(tau, "tau", a, {k});
    for (std::int64_t b = 0; b < from.count && k > 0; ++b) {
      matrix<T> m(out.template data<T>().data(), to, b);
      m.load(a.template data<T>().data(), from, b);
      if (const int info = geqrf(m, tau.template data<T>().data() + b * k)) return outcome("geqrf", info);
      m.store();
    }
    return absl::OkStatus();
  }
};

template <class T>
struct orgqr_ffi {
  static absl::Status run(call_frame& c) {
    require_counts(c, 2, 1);
    const auto a = c.operand(0), tau = c.operand(1);
    const auto out = c.result(0);
    const batch_shape from = shape_of(a, "x", 2), to = shape_of(out, "x_out", 2), k = shape_of(tau, "tau", 1);
    require_dims(out, "x_out", a, {from.rows, from.columns});
    require_dims(tau, "tau", a, {k.rows});
    if (k.rows > from.columns || from.columns > from.rows)
      refuse("x: expected at least as many rows as columns as reflections, got " + to_string(a.type()) +
             " and " + std::to_string(k.rows) + " reflections");
    for (std::int64_t b = 0; b < from.count && from.columns > 0; ++b) {
      matrix<T> m(out.template data<T>().data(), to, b);
      m.load(a.template data<T>().data(), from, b);
      if (const int info = orgqr(m, k.rows, tau.template data<T>().data() + b * k.rows))
        return outcome("orgqr", info);
      m.store();
    }
    return absl::OkStatus();
  }
};

template <class T>
struct getrf_ffi {
  static absl::Status run(call_frame& c) {
    require_counts(c, 1, 3);
    const auto a = c.operand(0);
    const auto out = c.result(0), pivots = c.result(1);
    const auto info = infos(c.result(2), a);
    const batch_shape from = shape_of(a, "x", 2), to = shape_of(out, "x_out", 2);
    const int k = std::min(from.rows, from.columns);
    require_dims(out, "x_out", a, {from.rows, from.columns});
    require_dims(pivots, "ipiv", a, {k});
    for (std::int64_t b = 0; b < from.count; ++b) {
      matrix<T> m(out.template data<T>().data(), to, b);
      m.load(a.template data<T>().data(), from, b);
      info[static_cast<std::size_t>(b)] =
          k == 0 ? 0 : getrf(m, pivots.template data<std::int32_t>().data() + b * k);
      m.store();
    }
    return absl::OkStatus();
  }
};

template <class T>
struct gesdd_ffi {
  static absl::Status run(call_frame& c) {
    require_counts(c, 1, 5);
    const char mode = choice(c, "mode", "SAN");
    const auto a = c.operand(0);
    const auto out = c.result(0), s = c.result(1), u = c.result(2), vt = c.result(3);
    const auto info = infos(c.result(4), a);
    const batch_shape from = shape_of(a, "x", 2), to = shape_of(out, "x_out", 2), left = shape_of(u, "u", 2),
                      right = shape_of(vt, "vt", 2);
    const int k = std::min(from.rows, from.columns);
    require_dims(out, "x_out", a, {from.rows, from.columns});
    require_dims(s, "s", a, {k});
    if (mode != 'N') {
      require_dims(u, "u", a, {from.rows, mode == 'A' ? from.rows : k});
      require_dims(vt, "vt", a, {mode == 'A' ? from.columns : k, from.columns});
    }
    for (std::int64_t b = 0; b < from.count; ++b) {
      matrix<T> m(out.template data<T>().data(), to, b), mu(u.template data<T>().data(), left, b),
          mvt(vt.template data<T>().data(), right, b);
      m.load(a.template data<T>().data(), from, b);
      info[static_cast<std::size_t>(b)] =
          k == 0 ? 0 : gesdd(mode, m, s.template data<T>().data() + b * k, mu, mvt);
      m.store();
      mu.store();
      mvt.store();
    }
    return absl::OkStatus();
  }
};

template <class T>
struct syevd_ffi {
  static absl::Status run(call_frame& c) {
    require_counts(c, 1, 3);
    const char mode = choice(c, "mode", "VN"), uplo = choice(c, "uplo", "LU");
    const auto a = c.operand(0);
    const auto out = c.result(0), w = c.result(1);
    const auto info = infos(c.result(2), a);
    const batch_shape from = shape_of(a, "x", 2), to = shape_of(out, "eigenvectors", 2);
    if (from.rows != from.columns) refuse("x: expected a square matrix, got " + to_string(a.type()));
    require_dims(out, "eigenvectors", a, {from.rows, from.rows});
    require_dims(w, "eigenvalues", a, {from.rows});
    for (std::int64_t b = 0; b < from.count; ++b) {
      matrix<T> m(out.template data<T>().data(), to, b);
      m.load(a.template data<T>().data(), from, b);
      info[static_cast<std::size_t>(b)] =
          from.rows == 0 ? 0 : syevd(mode, uplo, m, w.template data<T>().data() + b * from.rows);
      m.store();
    }
    return absl::OkStatus();
  }
};

template <class T>
struct potrf_ffi {
  static absl::Status run(call_frame& c) {
    require_counts(c, 1, 2);
    const char uplo = choice(c, "uplo", "LU");
    const auto a = c.operand(0);
    const auto out = c.result(0);
    const auto info = infos(c.result(1), a);
    const batch_shape from = shape_of(a, "x", 2), to = shape_of(out, "x_out", 2);
    if (from.rows != from.columns) refuse("x: expected a square matrix, got " + to_string(a.type()));
    require_dims(out, "x_out", a, {from.rows, from.rows});
    for (std::int64_t b = 0; b < from.count; ++b) {
      matrix<T> m(out.template data<T>().data(), to, b);
      m.load(a.template data<T>().data(), from, b);
      info[static_cast<std::size_t>(b)] = from.rows == 0 ? 0 : potrf(uplo, m);
      m.store();
    }
    return absl::OkStatus();
  }
};

template <class T>
struct trsm_ffi {
  static absl::Status run(call_frame& c) {
    require_counts(c, 2, 1);
    const char side = choice(c, "side", "LR"), uplo = choice(c, "uplo", "LU"),
               trans = choice(c, "trans_x", "NTC"), diag = choice(c, "diag", "NU");
    const auto x = c.operand(0), y = c.operand(1);
    const auto out = c.result(0);
    const batch_shape triangle = shape_of(x, "x", 2), from = shape_of(y, "y", 2),
                      to = shape_of(out, "y_out", 2);
    const int n = side == 'L' ? from.rows : from.columns;
    require_dims(x, "x", y, {n, n});
    require_dims(out, "y_out", y, {from.rows, from.columns});
    batch_shape scratch = triangle;
    scratch.column_major = true;
    std::vector<T> copy(triangle.elements());
    const T one = 1;
    for (std::int64_t b = 0; b < from.count && from.elements() > 0; ++b) {
      matrix<T> a(copy.data(), scratch, 0), m(out.template data<T>().data(), to, b);
      a.load(x.template data<T>().data(), triangle, b);
      m.load(y.template data<T>().data(), from, b);
      const int rows = m.rows(), columns = m.columns(), lda = a.leading(), ldb = m.leading();
      library<T>().trsm(&side, &uplo, &trans, &diag, &rows, &columns, &one, a.data(), &lda, m.data(), &ldb, 1,
                        1, 1, 1);
      m.store();
    }
    return absl::OkStatus();
  }
};

/// Registers one routine for both types.
template <template <class> class Target>
void add(kernel_registry& registry, const char* routine) {
  registry.add_call("lapack_s" + std::string(routine) + "_ffi", {Target<float>::run, {}});
  registry.add_call("lapack_d" + std::string(routine) + "_ffi", {Target<double>::run, {}});
}

}  // namespace

void register_jax_targets(kernel_registry& registry) {
  add<geqrf_ffi>(registry, "geqrf");
  add<orgqr_ffi>(registry, "orgqr");
  add<getrf_ffi>(registry, "getrf");
  add<gesdd_ffi>(registry, "gesdd");
  add<syevd_ffi>(registry, "syevd");
  add<potrf_ffi>(registry, "potrf");
  add<trsm_ffi>(registry, "trsm");
}

}  // namespace wherry::lapack
