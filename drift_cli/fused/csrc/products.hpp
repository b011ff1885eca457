// The same sums in many dimensions, where inner products carry the cost: |x - y|^2 = |x|^2 + |y|^2 - 2 x.y.
//
// A block of queries meets the points a tile at a time. Its inner products with the tile are taken in registers, a group
// of rows by a panel of points, and become squared distances as they leave them; these become weights, row by row, as in
// kernel_mean.hpp; and the weights are multiplied with the points into the running sums, a group of rows by a panel of
// coordinates. The points are packed once, in the two orders in which the products read them. Sums of a row are taken
// in one order whatever the block it falls in, so the result does not depend on how rows are shared out.
#pragma once

#include "kernel_mean.hpp"

namespace drift {
namespace {  // so that each instruction set keeps its own copy of what has a size of its own

#if defined(__AVX512F__)
constexpr int vector_bytes = 64, panel_vectors = 4;
#elif defined(__AVX__)
constexpr int vector_bytes = 32, panel_vectors = 2;
#else
constexpr int vector_bytes = 16, panel_vectors = 2;
#endif

template <typename T>
struct Lanes {
    typedef T Vector __attribute__((vector_size(vector_bytes), may_alias));
    static constexpr std::int64_t count = vector_bytes / sizeof(T);
    static constexpr std::int64_t panel = panel_vectors * count;
    static DRIFT_INLINE Vector load(const T* from) { return *reinterpret_cast<const Vector*>(from); }
    static DRIFT_INLINE void store(T* to, Vector value) { *reinterpret_cast<Vector*>(to) = value; }
};

constexpr std::int64_t group = 6;         // rows in registers at once: 6 x panel_vectors sums
constexpr std::int64_t block_rows = 60;   // queries that meet a tile of points together
constexpr std::int64_t breadth = 256;     // points in a tile
constexpr std::int64_t run = 128;         // terms of an inner product added up before they join the others: fewer roundings
constexpr double near = 0.01;  // a square below this share of |x|^2 + |y|^2 lost digits, and is taken again from differences

constexpr std::int64_t rounded_up(std::int64_t n, std::int64_t to) { return (n + to - 1) / to * to; }

// The points as the products read them. All parts begin at a multiple of 64 bytes.
template <typename T>
struct Packed {
    T* by_points;    // [m / panel][d][panel]
    T* by_axes;      // [d / panel][m][panel], the last panel only as many vectors wide as it needs
    T* squared;      // [m]: |y|^2, infinite where a panel is filled up
    T* log_weights;  // [m], or null
    std::int64_t m, d;  // rounded up to whole panels, to whole vectors

    static std::int64_t numbers(const Problem<T>& p) {
        const std::int64_t m = rounded_up(p.m, Lanes<T>::panel);
        return m * (p.d + rounded_up(p.d, Lanes<T>::count) + 2);
    }
    Packed(const Problem<T>& p, T* at) : m(rounded_up(p.m, Lanes<T>::panel)), d(rounded_up(p.d, Lanes<T>::count)) {
        by_points = at;
        by_axes = by_points + m * p.d;
        squared = by_axes + m * d;
        log_weights = p.log_weights ? squared + m : nullptr;
    }
};

template <typename T>
static inline T squared_norm(const T* x, std::int64_t d) {
    T total = 0;
#pragma omp simd reduction(+ : total)
    for (std::int64_t k = 0; k < d; ++k) total += x[k] * x[k];
    return total;
}

template <typename T>
static void pack(const Problem<T>& p, T* workspace) {
    constexpr std::int64_t panel = Lanes<T>::panel;
    const Packed<T> to(p, workspace);
    for (std::int64_t j = 0; j < to.m; ++j) {
        const bool there = j < p.m;
        const T* y = p.y + j * p.d;
        to.squared[j] = there ? squared_norm(y, p.d) : std::numeric_limits<T>::infinity();
        if (to.log_weights) to.log_weights[j] = there ? p.log_weights[j] : T(0);
        for (std::int64_t k = 0; k < to.d; k += panel) {
            const std::int64_t width = std::min(panel, to.d - k);
            T* row = to.by_axes + k * to.m + j * width;
            const std::int64_t read = there ? std::min(width, p.d - k) : 0;
            std::copy_n(y + k, read, row);
            std::fill_n(row + read, width - read, T(0));
        }
    }
    constexpr std::int64_t some = 64 / sizeof(T);  // coordinates at a time: a line of each point, which stays at hand
    for (std::int64_t start = 0; start < to.m; start += panel) {
        T* points = to.by_points + start * p.d;
        const std::int64_t there = std::min(panel, p.m - start);
        for (std::int64_t k = 0; k < p.d; k += some)
            for (std::int64_t l = k; l < std::min(k + some, p.d); ++l) {
                for (std::int64_t j = 0; j < there; ++j) points[l * panel + j] = p.y[(start + j) * p.d + l];
                for (std::int64_t j = there; j < panel; ++j) points[l * panel + j] = T(0);
            }
    }
}

// What one thread works in: squares and weights of a block against a tile, and the block's running sums.
template <typename T>
struct Scratch {
    T *squares, *weights, *sums;

    static std::int64_t numbers(const Problem<T>& p) {
        return block_rows * (2 * breadth + p.factor_count * rounded_up(p.d, Lanes<T>::count));
    }
    explicit Scratch(T* at) : squares(at), weights(at + block_rows * breadth), sums(at + 2 * block_rows * breadth) {}
};

// Inner products of a group of rows with a panel of points.
template <typename T>
static DRIFT_INLINE void panel_products(const T* const (&rows)[group], const T* points, std::int64_t d,
                                        typename Lanes<T>::Vector (&products)[group][panel_vectors]) {
    using L = Lanes<T>;
    using V = typename L::Vector;
    for (int r = 0; r < group; ++r)
        for (int c = 0; c < panel_vectors; ++c) products[r][c] = V{};
    for (std::int64_t begin = 0; begin < d; begin += run) {
        V part[group][panel_vectors] = {};
        for (std::int64_t k = begin; k < std::min(begin + run, d); ++k) {
            V y[panel_vectors];
#pragma GCC unroll 4
            for (int c = 0; c < panel_vectors; ++c) y[c] = L::load(points + k * L::panel + c * L::count);
#pragma GCC unroll 6
            for (int r = 0; r < group; ++r) {
                const V x = rows[r][k] - V{};
#pragma GCC unroll 4
                for (int c = 0; c < panel_vectors; ++c) part[r][c] += x * y[c];
            }
        }
        for (int r = 0; r < group; ++r)
            for (int c = 0; c < panel_vectors; ++c) products[r][c] += part[r][c];
    }
}

// Squared distances of a group of rows to a panel of points. Returns whether one of them is near.
template <typename T>
static DRIFT_INLINE bool panel_squares(const T* const (&rows)[group], const T (&x_squared)[group], const T* points,
                                       const T* y_squared, std::int64_t d, T* squares) {
    using L = Lanes<T>;
    using V = typename L::Vector;
    V products[group][panel_vectors];
    panel_products<T>(rows, points, d, products);
    auto any = V{} < V{};
    for (int r = 0; r < group; ++r) {
        for (int c = 0; c < panel_vectors; ++c) {
            const V both = L::load(y_squared + c * L::count) + x_squared[r], s = both - T(2) * products[r][c];
            any |= s < both * T(near);
            L::store(squares + r * breadth + c * L::count, s < V{} ? V{} : s);
        }
    }
    bool found = false;
    for (int l = 0; l < L::count; ++l) found |= any[l] != 0;
    return found;
}

template <typename T>
static void near_squares_again(const Problem<T>& p, const Packed<T>& packed, std::int64_t i, T x_squared, std::int64_t start,
                               T* squares) {
    const T* x = p.x + i * p.d;
    for (std::int64_t j = 0; j < std::min(Lanes<T>::panel, p.m - start); ++j) {
        if (!(squares[j] < T(near) * (x_squared + packed.squared[start + j]))) continue;
        const T* y = p.y + (start + j) * p.d;
        T total = 0;
#pragma omp simd reduction(+ : total)
        for (std::int64_t k = 0; k < p.d; ++k) total += (x[k] - y[k]) * (x[k] - y[k]);
        squares[j] = total;
    }
}

template <typename T>
static inline T smallest(const T* values, std::int64_t count) {
    using L = Lanes<T>;
    auto least = L::load(values);
    for (std::int64_t j = L::count; j < count; j += L::count) {
        const auto here = L::load(values + j);
        least = here < least ? here : least;
    }
    T found = least[0];
    for (int l = 1; l < L::count; ++l) found = least[l] < found ? least[l] : found;
    return found;
}

// Squared distances of the block of `rows` from `first` on to `count` points from `start` on. Rows that fill up a group
// are the one before `end` again.
template <typename T>
static void block_squares(const Problem<T>& p, const Packed<T>& packed, const T* x_squared, std::int64_t first,
                          std::int64_t rows, std::int64_t end, std::int64_t start, std::int64_t count, T* into) {
    using L = Lanes<T>;
    for (std::int64_t c = 0; c < count; c += L::panel) {
        for (std::int64_t g = 0; g < rows; g += group) {
            const T* x[group];
            T squared[group];
            for (std::int64_t r = 0; r < group; ++r) {
                x[r] = p.x + std::min(first + g + r, end - 1) * p.d;
                squared[r] = x_squared[g + r];
            }
            T* squares = into + g * breadth + c;
            const T* points = packed.by_points + (start + c) * p.d;
            if (!panel_squares<T>(x, squared, points, packed.squared + start + c, p.d, squares)) continue;
            for (std::int64_t r = 0; r < std::min(group, rows - g); ++r)
                near_squares_again(p, packed, first + g + r, squared[r], start + c, squares + r * breadth);
        }
    }
}

// sums[R][C vectors] += weights, R by `count`, times a panel of coordinates of `count` points.
template <int R, int C, typename T>
static DRIFT_INLINE void add_panel(const T* weights, std::int64_t next_row, std::int64_t next, const T* points,
                                   std::int64_t count, T* sums, std::int64_t stride) {
    using L = Lanes<T>;
    typename L::Vector total[R][C] = {};
    for (std::int64_t j = 0; j < count; ++j) {
        typename L::Vector y[C];
#pragma GCC unroll 4
        for (int c = 0; c < C; ++c) y[c] = L::load(points + (j * C + c) * L::count);
#pragma GCC unroll 6
        for (int r = 0; r < R; ++r) {
            const typename L::Vector w = weights[r * next_row + j * next] - typename L::Vector{};
#pragma GCC unroll 4
            for (int c = 0; c < C; ++c) total[r][c] += w * y[c];
        }
    }
#pragma GCC unroll 6
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
        for (int c = 0; c < C; ++c) {
            T* into = sums + r * stride + c * L::count;
            L::store(into, L::load(into) + total[r][c]);
        }
}

// The same for a panel of any width: `weights` of row r and point j lies at r * next_row + j * next.
template <int R, typename T>
static DRIFT_INLINE void add_products(const T* weights, std::int64_t next_row, std::int64_t next, const T* points,
                                      std::int64_t width, std::int64_t count, T* sums, std::int64_t stride) {
    switch (width / Lanes<T>::count) {
        case 1: add_panel<R, 1>(weights, next_row, next, points, count, sums, stride); break;
        case 2: add_panel<R, 2>(weights, next_row, next, points, count, sums, stride); break;
        case 3: add_panel<R, 3>(weights, next_row, next, points, count, sums, stride); break;
        default: add_panel<R, 4>(weights, next_row, next, points, count, sums, stride);
    }
}

// Weights of one row over a tile at one bandwidth, relative to exp(top); returns their sum.
template <typename T>
static T row_weights(const Problem<T>& p, double factor, const T* squares, const T* roots, T least, const T* log_weights,
                     T top, std::int64_t count, T* weights) {
    for (std::int64_t t = 0; t < p.term_count; ++t) {
        const Term& term = p.terms[t];
        with_kind<T>(term.kind, [&](auto kind) {
            constexpr Kind K = decltype(kind)::value;
            const Seen<T> at = seen_from<K>(term, factor, uses_square(K) ? least : std::sqrt(least), top);
            weigh<K>(uses_square(K) ? squares : roots, at, T(term.weight), log_weights, t > 0, weights, count);
        });
    }
    return sum(weights, count);
}

// The rows from `begin` to `end`.
template <typename T>
static void kernel_mean_by_products(const Problem<T>& p, T* workspace, T* scratch, std::int64_t begin, std::int64_t end) {
    using L = Lanes<T>;
    constexpr T nothing = -std::numeric_limits<T>::infinity();
    const Packed<T> packed(p, workspace);
    const Scratch<T> own(scratch);
    alignas(64) T roots[breadth];
    T x_squared[block_rows + group];

    for (std::int64_t first = begin; first < end; first += block_rows) {
        const std::int64_t rows = std::min(block_rows, end - first);
        for (std::int64_t r = 0; r < rounded_up(rows, group); ++r) {
            const T* x = p.x + std::min(first + r, end - 1) * p.d;
            x_squared[r] = squared_norm(x, p.d);
        }
        std::fill_n(own.sums, p.factor_count * block_rows * packed.d, T(0));
        for (std::int64_t f = 0; f < p.factor_count; ++f) {
            std::fill_n(p.log_mass + f * p.n + first, rows, nothing);
            std::fill_n(p.mass + f * p.n + first, rows, T(0));
        }
        for (std::int64_t start = 0; start < p.m; start += breadth) {
            const std::int64_t count = std::min(breadth, packed.m - start);
            block_squares(p, packed, x_squared, first, rows, end, start, count, own.squares);
            const T* log_weights = packed.log_weights ? packed.log_weights + start : nullptr;
            for (std::int64_t f = 0; f < p.factor_count; ++f) {
                T* sums = own.sums + f * block_rows * packed.d;
                for (std::int64_t r = 0; r < rows; ++r) {
                    T* squares = own.squares + r * breadth;
                    const std::int64_t column = first + r - start;
                    if (p.exclude_diagonal && column >= 0 && column < count)
                        squares[column] = std::numeric_limits<T>::infinity();
                    T* weights = own.weights + r * breadth;
                    const T least = smallest(squares, count), least_root = std::sqrt(least);
                    if (least == std::numeric_limits<T>::infinity()) {  // nothing but the query itself
                        std::fill_n(weights, count, T(0));
                        continue;
                    }
#pragma omp simd
                    for (std::int64_t j = 0; j < count; ++j) roots[j] = std::sqrt(squares[j]);
                    T top = nothing;
                    for (std::int64_t t = 0; t < p.term_count; ++t) {
                        with_kind<T>(p.terms[t].kind, [&](auto kind) {
                            constexpr Kind K = decltype(kind)::value;
                            const T *gaps = uses_square(K) ? squares : roots, gap = uses_square(K) ? least : least_root;
                            const T scale = scale_at<T>(p.terms[t], p.factors[f]);
                            const T here = largest_exponent<K>(gaps, gap, scale, T(p.terms[t].alpha), log_weights, count);
                            top = here > top ? here : top;
                        });
                    }
                    T &running_top = p.log_mass[f * p.n + first + r], &mass = p.mass[f * p.n + first + r];
                    if (!(top > running_top)) {
                        top = running_top;
                    } else {
                        if (mass != 0) {
                            const T shrink = std::exp(running_top - top);
                            mass *= shrink;
                            for (std::int64_t k = 0; k < (p.shift ? packed.d : 0); ++k) sums[r * packed.d + k] *= shrink;
                        }
                        running_top = top;
                    }
                    mass += row_weights(p, p.factors[f], squares, roots, least, log_weights, top, count, weights);
                }
                if (!p.shift) continue;
                for (std::int64_t k = 0; k < packed.d; k += L::panel) {
                    const std::int64_t width = std::min(L::panel, packed.d - k);
                    const T* points = packed.by_axes + k * packed.m + start * width;
                    for (std::int64_t g = 0; g < rows; g += group) {
                        const T* weights = own.weights + g * breadth;
                        add_products<group>(weights, breadth, 1, points, width, count, sums + g * packed.d + k, packed.d);
                    }
                }
            }
        }
        for (std::int64_t f = 0; f < p.factor_count; ++f) {
            for (std::int64_t i = first; i < first + rows; ++i) {
                const T mass = p.mass[f * p.n + i];
                finish_mass(p, f, i);
                if (!p.shift) continue;
                const T* sums = own.sums + (f * block_rows + i - first) * packed.d;
                T* shift = p.shift + (f * p.n + i) * p.d;
                for (std::int64_t k = 0; k < p.d; ++k) shift[k] = sums[k] / mass - p.x[i * p.d + k];
            }
        }
    }
}

}  // namespace
}  // namespace drift
