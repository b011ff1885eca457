// One instruction set's copy of the loops. Compiled once per set, with DRIFT_VARIANT naming it.
#include "kernel_mean.hpp"
#include "variant.hpp"

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)

extern const drift::Loops JOIN(drift_loops_, DRIFT_VARIANT);
const drift::Loops JOIN(drift_loops_, DRIFT_VARIANT) = {
    drift::kernel_mean<float>,
    drift::kernel_mean<double>,
    drift::weigh_block<float>,
    drift::weigh_block<double>,
    drift::arithmetic<float>,
};
