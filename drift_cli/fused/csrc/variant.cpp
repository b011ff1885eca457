// One instruction set's copy of the loops. Compiled once per set, with DRIFT_VARIANT naming it.
#include "variant.hpp"

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)

namespace {

template <typename T>
constexpr drift::LoopsOf<T> loops_of() {
    return {drift::transpose<T>,          drift::kernel_mean_direct<T>,
            drift::Packed<T>::numbers,    drift::Scratch<T>::numbers,
            drift::pack<T>,               drift::kernel_mean_by_products<T>,
            drift::runs_of_rows<T>,       drift::pull_scratch_numbers<T>,
            drift::point_sums_numbers<T>, drift::pullback_direct<T>,
            drift::pullback_by_products<T>, drift::gather_direct<T>,
            drift::gather_products<T>};
}

}  // namespace

extern const drift::Loops JOIN(drift_loops_, DRIFT_VARIANT);
const drift::Loops JOIN(drift_loops_, DRIFT_VARIANT) = {loops_of<float>(), loops_of<double>(), drift::arithmetic<float>};
