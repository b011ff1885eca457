// The loops of one instruction set, as a table that the dispatcher picks from at run time.
#pragma once

#include "products.hpp"

namespace drift {

template <typename T>
struct LoopsOf {
    void (*transpose)(const Problem<T>&, T* coordinates);
    void (*direct)(const Problem<T>&, std::int64_t begin, std::int64_t end);
    std::int64_t (*packed_numbers)(const Problem<T>&);
    std::int64_t (*scratch_numbers)(const Problem<T>&);
    void (*pack)(const Problem<T>&, T* packed);
    void (*by_products)(const Problem<T>&, T* packed, T* scratch, std::int64_t begin, std::int64_t end);
};

struct Loops {
    LoopsOf<float> f32;
    LoopsOf<double> f64;
    double (*arithmetic_f32)(std::int64_t repeats);
};

}  // namespace drift
