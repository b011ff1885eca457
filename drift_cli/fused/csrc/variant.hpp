// The loops of one instruction set, as a table that the dispatcher picks from at run time.
#pragma once

#include "pullback.hpp"

namespace drift {

template <typename T>
struct LoopsOf {
    void (*transpose)(const Problem<T>&, T* coordinates);
    void (*direct)(const Problem<T>&, std::int64_t begin, std::int64_t end);
    std::int64_t (*packed_numbers)(const Problem<T>&);
    std::int64_t (*scratch_numbers)(const Problem<T>&);
    void (*pack)(const Problem<T>&, T* packed);
    void (*by_products)(const Problem<T>&, T* packed, T* scratch, std::int64_t begin, std::int64_t end);
    // The derivatives: `points` is one run of rows' sums, null where nothing is wanted at the points.
    std::int64_t (*runs_of_rows)(const Problem<T>&);
    std::int64_t (*pull_scratch_numbers)(const Problem<T>&);
    std::int64_t (*point_sums_numbers)(const Problem<T>&);
    void (*pullback_direct)(const Problem<T>&, const Gradients<T>&, std::int64_t m, T* points, std::int64_t begin,
                            std::int64_t end);
    void (*pullback_by_products)(const Problem<T>&, const Gradients<T>&, T* packed, T* scratch, T* points,
                                 std::int64_t begin, std::int64_t end);
    void (*gather_direct)(const Problem<T>&, const Gradients<T>&, const T* points, std::int64_t runs,
                          std::int64_t numbers, std::int64_t begin, std::int64_t end);
    void (*gather_products)(const Problem<T>&, const Gradients<T>&, T* packed, const T* points, std::int64_t runs,
                            std::int64_t numbers, std::int64_t begin, std::int64_t end);
};

struct Loops {
    LoopsOf<float> f32;
    LoopsOf<double> f64;
    double (*arithmetic_f32)(std::int64_t repeats);
};

}  // namespace drift
