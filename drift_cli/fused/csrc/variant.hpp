// The loops of one instruction set, as a table that the dispatcher picks from at run time.
#pragma once

#include "kernel_mean.hpp"

namespace drift {

struct Loops {
    void (*kernel_mean_f32)(const Problem<float>&, std::int64_t begin, std::int64_t end);
    void (*kernel_mean_f64)(const Problem<double>&, std::int64_t begin, std::int64_t end);
    void (*weigh_block_f32)(const Block<float>&, std::int64_t begin, std::int64_t end);
    void (*weigh_block_f64)(const Block<double>&, std::int64_t begin, std::int64_t end);
    double (*arithmetic_f32)(std::int64_t repeats);
};

}  // namespace drift
