// library.cpp: see library.hpp.
#include "library.hpp"

#include <dlfcn.h>
#include <lapacke.h>

#include <string>
#include <type_traits>
#include <wherry/status/error.hpp>

namespace wherry::lapack {
namespace {

static_assert(sizeof(lapack_int) == sizeof(int), "LAPACKE with 32-bit integers");
static_assert(std::is_same_v<decltype(&LAPACKE_dgesdd_work), decltype(routines<double>::gesdd)>);
static_assert(std::is_same_v<decltype(&LAPACKE_dsyevd_work), decltype(routines<double>::syevd)>);
static_assert(std::is_same_v<decltype(&LAPACKE_dgeqrf_work), decltype(routines<double>::geqrf)>);
static_assert(std::is_same_v<decltype(&LAPACKE_dorgqr_work), decltype(routines<double>::orgqr)>);
static_assert(std::is_same_v<decltype(&LAPACKE_dgetrf_work), decltype(routines<double>::getrf)>);
static_assert(std::is_same_v<decltype(&LAPACKE_dpotrf_work), decltype(routines<double>::potrf)>);

constexpr const char* file = "liblapacke.so.3";

[[noreturn]] void refuse() {
  const char* const why = dlerror();
  throw error(
      absl::StatusCode::kUnimplemented,
      std::string(file) + " cannot be loaded (Debian: liblapacke): " + (why ? why : "no reason given"),
      reason::unsupported);
}

template <class Function>
void look_up(void* from, const std::string& name, Function& into) {
  into = reinterpret_cast<Function>(dlsym(from, name.c_str()));
  if (!into) refuse();
}

template <class T>
routines<T> load() {
  // Stays loaded: its threads may run until the process ends.
  void* const from = dlopen(file, RTLD_NOW | RTLD_LOCAL);
  if (!from) refuse();
  const std::string letter = std::is_same_v<T, float> ? "s" : "d";
  const auto lapacke = [&](const char* name) { return "LAPACKE_" + letter + name + "_work"; };
  routines<T> all{};
  look_up(from, lapacke("geqrf"), all.geqrf);
  look_up(from, lapacke("orgqr"), all.orgqr);
  look_up(from, lapacke("getrf"), all.getrf);
  look_up(from, lapacke("gesdd"), all.gesdd);
  look_up(from, lapacke("syevd"), all.syevd);
  look_up(from, lapacke("potrf"), all.potrf);
  look_up(from, letter + "trsm_", all.trsm);
  return all;
}

}  // namespace

template <class T>
const routines<T>& library() {
  static const routines<T> all = load<T>();  // a failure is tried again by the next call
  return all;
}

template const routines<float>& library();
template const routines<double>& library();

}  // namespace wherry::lapack
