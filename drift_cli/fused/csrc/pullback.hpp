// First derivatives of the loop's means (the formulas are in ../pullback.py), by differences of coordinates.
//
// The values log m_i and M_i of the forward pass are known, so every pair is met once, in any order:
//
//     w_ij = e^{l_j} k(x_i, y_j) / m_i,        t_ij = g_i.(y_j - x_i - M_i) + mu_i,
//     p_ij = e^{l_j} (-k'/r)(x_i, y_j) / m_i * t_ij,
//     x_i gets sum_j p_ij (y_j - x_i) - g_i,   y_j gets sum_i w_ij g_i - p_ij (y_j - x_i),   l_j gets sum_i w_ij t_ij.
//
// What goes to the points is summed apart for each of several runs of rows, whose number the shapes decide, and the runs
// are added in their order: so the bits do not depend on how many threads there are.
#pragma once

#include "products.hpp"

namespace drift {
namespace {

template <typename T>
struct Gradients {
    const T* shift;     // [factor_count][n][d]: what arrives at the means M
    const T* log_mass;  // [factor_count][n]: and at log m
    T* x;               // [n][d], or null where it is not wanted, as the others
    T* y;               // [m][d]
    T* log_weights;     // [m]
    bool at_points() const { return y || log_weights; }
};

// Runs of rows that are summed apart, a matter of the shapes alone.
template <typename T>
static std::int64_t runs_of_rows(const Problem<T>& p) {
    constexpr std::int64_t most = 64, least_rows = 64, most_numbers = std::int64_t(1) << 26;
    const std::int64_t by_memory = std::max<std::int64_t>(2, most_numbers / (p.m * (p.d + 2)));
    return std::max<std::int64_t>(1, std::min({most, p.n / least_rows, by_memory}));
}

// -k'(r)/r over the exponential of one kind; where the points coincide nothing moves.
template <Kind kind, typename T>
static DRIFT_INLINE T slope_of(T square, T root, T scale, T alpha) {
    if constexpr (kind == gaussian) return T(2) * scale;
    if constexpr (kind == laplace) return root > T(0) ? scale / root : T(0);
    if constexpr (kind == matern32) return scale * scale;
    if constexpr (kind == rational) return T(2) * alpha * scale / (T(1) + square * scale);
    const T far = T(1e6), u = root * scale < far ? root * scale : far;  // as in prefactor_of
    return scale * scale * T(1.0 / 3.0) * (T(1) + u);
}

// One term's weights and slopes over a tile, added to (or put in place of) what is there. `offset` is the logarithm of
// the term's share less that of the row's mass, so that no exponent is above 0 but by rounding.
template <Kind kind, typename T>
static inline void weigh_with_slopes(const T* squares, const T* roots, T scale, T alpha, T offset, const T* log_weights,
                                     bool add, std::int64_t count, T* weights, T* slopes) {
    const auto each = [=](auto weighted) {
#pragma omp simd
        for (std::int64_t j = 0; j < count; ++j) {
            T exponent = exponent_of<kind>(uses_square(kind) ? squares[j] : roots[j], scale, alpha) + offset;
            if constexpr (weighted) exponent += log_weights[j];
            const T e = Math<T>::exp(exponent > T(0) ? T(0) : exponent);
            const T weight = prefactor_of<kind>(roots[j], scale) * e;
            const T slope = slope_of<kind>(squares[j], roots[j], scale, alpha) * e;
            weights[j] = add ? weights[j] + weight : weight;
            slopes[j] = add ? slopes[j] + slope : slope;
        }
    };
    log_weights ? each(std::true_type{}) : each(std::false_type{});
}

// w_ij and its slopes for row i over `count` points from `start` on; `whole` is where the vectors over them end.
template <typename T>
static void row_weights_with_slopes(const Problem<T>& p, std::int64_t f, std::int64_t i, const T* squares, const T* roots,
                                    const T* log_weights, std::int64_t start, std::int64_t count, std::int64_t whole,
                                    T* weights, T* slopes) {
    for (std::int64_t t = 0; t < p.term_count; ++t) {
        const Term& term = p.terms[t];
        const T offset = static_cast<T>(std::log(term.weight)) - p.log_mass[f * p.n + i];
        with_kind<T>(term.kind, [&](auto kind) {
            constexpr Kind K = decltype(kind)::value;
            weigh_with_slopes<K>(squares, roots, scale_at<T>(term, p.factors[f]), T(term.alpha), offset, log_weights, t > 0,
                                 count, weights, slopes);
        });
    }
    for (std::int64_t j = count; j < whole; ++j) weights[j] = slopes[j] = T(0);
    const std::int64_t own = i - start;
    if (p.exclude_diagonal && own >= 0 && own < count) weights[own] = slopes[own] = T(0);
}

template <typename T>
static DRIFT_INLINE T lane_sum(typename Lanes<T>::Vector v) {
    T total = v[0];
    for (int l = 1; l < Lanes<T>::count; ++l) total += v[l];
    return total;
}

// mu_i - g_i.M_i
template <typename T>
static inline T row_constant(const Problem<T>& p, const Gradients<T>& arriving, std::int64_t f, std::int64_t i) {
    const T *g = arriving.shift + (f * p.n + i) * p.d, *mean = p.shift + (f * p.n + i) * p.d;
    T total = arriving.log_mass[f * p.n + i];
    for (std::int64_t k = 0; k < p.d; ++k) total -= g[k] * mean[k];
    return total;
}

// A row against a tile whose weights and slopes are known: into `x` [D], and into `points` [D + 1][p.m] from `start` on,
// whose last row is that of the log weights.
template <typename T, int D, bool at_points>
static inline void pull_tile(const Problem<T>& p, const T* own, const T* g, T constant, const T* weights, const T* slopes,
                             std::int64_t start, std::int64_t whole, T* x, T* points) {
    using L = Lanes<T>;
    using V = typename L::Vector;
    V sums[D] = {};
    for (std::int64_t j = 0; j < whole; j += L::count) {
        V gaps[D], t = V{} + constant;
#pragma GCC unroll 6
        for (int k = 0; k < D; ++k) {
            gaps[k] = L::load(p.coordinates + k * p.m + start + j) - own[k];
            t += gaps[k] * g[k];
        }
        const V weight = L::load(weights + j), pull = L::load(slopes + j) * t;
#pragma GCC unroll 6
        for (int k = 0; k < D; ++k) {
            const V moment = pull * gaps[k];
            sums[k] += moment;
            if constexpr (at_points) {
                T* into = points + k * p.m + start + j;
                L::store(into, L::load(into) + (weight * g[k] - moment));
            }
        }
        if constexpr (at_points) {
            T* into = points + D * p.m + start + j;
            L::store(into, L::load(into) + weight * t);
        }
    }
    for (int k = 0; k < D; ++k) x[k] += lane_sum<T>(sums[k]);
}

// The rows from `begin` to `end`, `m` points; p.m is the stride of the coordinates, a multiple of the vectors.
template <typename T, int D>
static void pull_rows(const Problem<T>& p, const Gradients<T>& arriving, std::int64_t m, T* points, std::int64_t begin,
                      std::int64_t end) {
    alignas(64) T squares[tile], roots[tile], weights[tile], slopes[tile];
    for (std::int64_t start = 0; start < m; start += tile) {
        const std::int64_t count = std::min(tile, m - start), whole = rounded_up(count, Lanes<T>::count);
        const T* log_weights = p.log_weights ? p.log_weights + start : nullptr;
        for (std::int64_t i = begin; i < end; ++i) {
            const T* own = p.x + i * D;
            distances<T, D <= 3 ? D : 0>(p, own, start, count, squares, roots);
            T moved[D] = {};
            for (std::int64_t f = 0; f < p.factor_count; ++f) {
                const T *g = arriving.shift + (f * p.n + i) * D, constant = row_constant(p, arriving, f, i);
                row_weights_with_slopes(p, f, i, squares, roots, log_weights, start, count, whole, weights, slopes);
                if (points)
                    pull_tile<T, D, true>(p, own, g, constant, weights, slopes, start, whole, moved, points);
                else
                    pull_tile<T, D, false>(p, own, g, constant, weights, slopes, start, whole, moved, points);
                if (start == 0)
                    for (int k = 0; k < D; ++k) moved[k] -= g[k];
            }
            if (!arriving.x) continue;
            T* x = arriving.x + i * D;
            for (int k = 0; k < D; ++k) x[k] = start == 0 ? moved[k] : x[k] + moved[k];
        }
    }
}

template <typename T>
static void pullback_direct(const Problem<T>& p, const Gradients<T>& arriving, std::int64_t m, T* points,
                            std::int64_t begin, std::int64_t end) {
    switch (p.d) {
        case 1: return pull_rows<T, 1>(p, arriving, m, points, begin, end);
        case 2: return pull_rows<T, 2>(p, arriving, m, points, begin, end);
        case 3: return pull_rows<T, 3>(p, arriving, m, points, begin, end);
        case 4: return pull_rows<T, 4>(p, arriving, m, points, begin, end);
        case 5: return pull_rows<T, 5>(p, arriving, m, points, begin, end);
        default: return pull_rows<T, 6>(p, arriving, m, points, begin, end);
    }
}

// What thread-shared memory the products' derivatives of one run of rows at the points take: [m][d], then two rows [m].
template <typename T>
struct PointSums {
    T *moments, *pulls, *scores;
    static std::int64_t numbers(const Packed<T>& packed) { return packed.m * (packed.d + 2); }
    PointSums(const Packed<T>& packed, T* at)
        : moments(at), pulls(at + packed.m * packed.d), scores(at + packed.m * (packed.d + 1)) {}
};

// What one thread works in: a block of rows against a tile of points, and the block's own vectors as products read them.
template <typename T>
struct PullScratch {
    T *squares, *dots, *weights, *pulls, *sums, *g, *x;
    static std::int64_t numbers(const Problem<T>& p) {
        return block_rows * (4 * breadth + 3 * rounded_up(p.d, Lanes<T>::count));
    }
    PullScratch(T* at, std::int64_t d)
        : squares(at), dots(at + block_rows * breadth), weights(dots + block_rows * breadth),
          pulls(weights + block_rows * breadth), sums(pulls + block_rows * breadth), g(sums + block_rows * d),
          x(g + block_rows * d) {}
};

// Vectors of a block of rows, a panel of coordinates at a time: [d / panel][rows][panel].
template <typename T>
static void pack_rows(const T* vectors, std::int64_t rows, std::int64_t d, std::int64_t rounded, T* into) {
    for (std::int64_t k = 0; k < rounded; k += Lanes<T>::panel) {
        const std::int64_t width = std::min(Lanes<T>::panel, rounded - k);
        for (std::int64_t r = 0; r < rows; ++r)
            for (std::int64_t l = 0; l < width; ++l)
                into[k * rows + r * width + l] = k + l < d ? vectors[r * d + k + l] : T(0);
    }
}

// g_i.y_j of a block of rows against a tile of points.
template <typename T>
static void block_dots(const Packed<T>& packed, const T* g, std::int64_t rows, std::int64_t d, std::int64_t start,
                       std::int64_t count, T* dots) {
    using L = Lanes<T>;
    typename L::Vector products[group][panel_vectors];
    for (std::int64_t c = 0; c < count; c += L::panel)
        for (std::int64_t first = 0; first < rows; first += group) {
            const T* own[group];
            for (std::int64_t r = 0; r < group; ++r) own[r] = g + std::min(first + r, rows - 1) * d;
            panel_products<T>(own, packed.by_points + (start + c) * d, d, products);
            for (int r = 0; r < group; ++r)
                for (int v = 0; v < panel_vectors; ++v)
                    L::store(dots + (first + r) * breadth + c + v * L::count, products[r][v]);
        }
}

// The rows from `begin` to `end` in many dimensions, all sets centred: sums of p_ij y_j, of w_ij g_i and of p_ij x_i are
// matrix products, as are the distances and g_i.y_j.
template <typename T>
static void pullback_by_products(const Problem<T>& p, const Gradients<T>& arriving, T* workspace, T* scratch, T* points,
                                 std::int64_t begin, std::int64_t end) {
    constexpr std::int64_t of_points = 4;  // a group of points: it divides every panel
    const Packed<T> packed(p, workspace);
    const PullScratch<T> own(scratch, packed.d);
    const PointSums<T> at(packed, points);
    alignas(64) T roots[breadth], slopes[breadth];
    T x_squared[block_rows + group], pulls[block_rows];

    for (std::int64_t first = begin; first < end; first += block_rows) {
        const std::int64_t rows = std::min(block_rows, end - first);
        for (std::int64_t r = 0; r < rounded_up(rows, group); ++r)
            x_squared[r] = squared_norm(p.x + std::min(first + r, end - 1) * p.d, p.d);
        if (points) pack_rows(p.x + first * p.d, rows, p.d, packed.d, own.x);
        for (std::int64_t f = 0; f < p.factor_count; ++f) {
            const T* g = arriving.shift + (f * p.n + first) * p.d;
            if (points) pack_rows(g, rows, p.d, packed.d, own.g);
            std::fill_n(own.sums, block_rows * packed.d, T(0));
            std::fill_n(pulls, block_rows, T(0));
            for (std::int64_t start = 0; start < p.m; start += breadth) {
                const std::int64_t count = std::min(breadth, packed.m - start);
                const T* log_weights = packed.log_weights ? packed.log_weights + start : nullptr;
                block_squares(p, packed, x_squared, first, rows, end, start, count, own.squares);
                block_dots(packed, g, rows, p.d, start, count, own.dots);
                for (std::int64_t r = 0; r < rows; ++r) {
                    const std::int64_t i = first + r;
                    const T *squares = own.squares + r * breadth, *dots = own.dots + r * breadth;
                    T *weights = own.weights + r * breadth, *pull = own.pulls + r * breadth, total = 0;
#pragma omp simd
                    for (std::int64_t j = 0; j < count; ++j) roots[j] = std::sqrt(squares[j]);
                    row_weights_with_slopes(p, f, i, squares, roots, log_weights, start, std::min(count, p.m - start),
                                            count, weights, slopes);
                    T constant = row_constant(p, arriving, f, i);
                    for (std::int64_t k = 0; k < p.d; ++k) constant -= g[r * p.d + k] * p.x[i * p.d + k];
#pragma omp simd reduction(+ : total)
                    for (std::int64_t j = 0; j < count; ++j) {
                        const T t = dots[j] + constant;
                        pull[j] = squares[j] > T(0) ? slopes[j] * t : T(0);
                        total += pull[j];
                    }
                    pulls[r] += total;
                    if (!points) continue;
                    T *into = at.pulls + start, *scores = at.scores + start;
#pragma omp simd
                    for (std::int64_t j = 0; j < count; ++j) {
                        into[j] += pull[j];
                        scores[j] += weights[j] * (dots[j] + constant);
                    }
                }
                for (std::int64_t k = 0; k < packed.d; k += Lanes<T>::panel) {
                    const std::int64_t width = std::min(Lanes<T>::panel, packed.d - k);
                    const T* by_axes = packed.by_axes + k * packed.m + start * width;
                    for (std::int64_t r = 0; arriving.x && r < rows; r += group)
                        add_products<group>(own.pulls + r * breadth, breadth, 1, by_axes, width, count,
                                            own.sums + r * packed.d + k, packed.d);
                    for (std::int64_t j = 0; arriving.y && j < count; j += of_points) {
                        T* into = at.moments + (start + j) * packed.d + k;
                        add_products<of_points>(own.weights + j, 1, breadth, own.g + k * rows, width, rows, into, packed.d);
                        add_products<of_points>(own.pulls + j, 1, breadth, own.x + k * rows, width, rows, into, packed.d);
                    }
                }
            }
            if (!arriving.x) continue;
            for (std::int64_t r = 0; r < rows; ++r) {
                T* x = arriving.x + (first + r) * p.d;
                for (std::int64_t k = 0; k < p.d; ++k) {
                    const T moved = own.sums[r * packed.d + k] - pulls[r] * p.x[(first + r) * p.d + k] - g[r * p.d + k];
                    x[k] = f == 0 ? moved : x[k] + moved;
                }
            }
        }
    }
}

// The runs' sums over the points from `begin` to `end`, in their order, each `numbers` long: by differences.
template <typename T>
static void gather_direct(const Problem<T>& p, const Gradients<T>& arriving, const T* points, std::int64_t runs,
                          std::int64_t numbers, std::int64_t begin, std::int64_t end) {
    for (std::int64_t j = begin; j < end; ++j)
        for (std::int64_t k = 0; k <= p.d; ++k) {
            T* into = k < p.d ? (arriving.y ? arriving.y + j * p.d + k : nullptr)
                              : (arriving.log_weights ? arriving.log_weights + j : nullptr);
            if (!into) continue;
            T total = 0;
            for (std::int64_t r = 0; r < runs; ++r) total += points[r * numbers + k * p.m + j];
            *into = total;
        }
}

// The same of the products: y_j gets its moments less y_j times its pulls.
template <typename T>
static void gather_products(const Problem<T>& p, const Gradients<T>& arriving, T* workspace, const T* points,
                            std::int64_t runs, std::int64_t numbers, std::int64_t begin, std::int64_t end) {
    const Packed<T> packed(p, workspace);
    for (std::int64_t j = begin; j < end; ++j) {
        T pulls = 0, scores = 0;
        for (std::int64_t r = 0; r < runs; ++r) {
            const PointSums<T> at(packed, const_cast<T*>(points) + r * numbers);
            pulls += at.pulls[j];
            scores += at.scores[j];
        }
        if (arriving.log_weights) arriving.log_weights[j] = scores;
        for (std::int64_t k = 0; arriving.y && k < p.d; ++k) {
            T total = 0;
            for (std::int64_t r = 0; r < runs; ++r) total += points[r * numbers + j * packed.d + k];
            arriving.y[j * p.d + k] = total - pulls * p.y[j * p.d + k];
        }
    }
}

template <typename T>
static std::int64_t pull_scratch_numbers(const Problem<T>& p) {
    return PullScratch<T>::numbers(p);
}

template <typename T>
static std::int64_t point_sums_numbers(const Problem<T>& p) {
    return rounded_up(p.m, Lanes<T>::panel) * (rounded_up(p.d, Lanes<T>::count) + 2);
}

}  // namespace
}  // namespace drift
