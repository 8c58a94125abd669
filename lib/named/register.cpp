// register.cpp: gives the registry all kernels of this library before `main`.
#include "kernel.hpp"

namespace {

bool add_all() {
  using namespace wherry::named;
  wherry::named_kernels& to = wherry::named_kernels::instance();
  for (const auto add :
       {add_elementwise, add_reductions, add_movements, add_products, add_blurs, add_colours, add_yuv,
        add_keys, add_composites, add_scaling, add_levels, add_biquad, add_convolver, add_resampling})
    add(to);
  return true;
}

}  // namespace

// Named by the link options of wherry::named_kernels, so that this object is part of every program that links
// it.
extern "C" {
extern const bool wherry_named_kernels_registration;
const bool wherry_named_kernels_registration = add_all();
}
