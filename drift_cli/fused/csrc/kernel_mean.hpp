// The one hot loop: for every query x_i, over all points y_j,
//
//     log m_i = log sum_j e^{l_j} k(x_i, y_j),      shift_i = sum_j e^{l_j} k(x_i, y_j) (y_j - x_i) / m_i,
//
// for several bandwidths in one pass over the pairs. A row visits the points a tile at a time: distances of the tile,
// then for each bandwidth the largest exponent so far, then the weights and their sums, rescaled when the largest
// exponent grows. Nothing larger than a tile is stored, and no exponential is taken of anything above 0.
//
// A kernel is a sum of terms  weight * prefactor(r) * exp(-exponent(r)):
//
//     gaussian  exp(-r^2 s)            s = 1 / (2 sigma^2)
//     laplace   exp(-r s)              s = 1 / tau
//     matern32  (1 + u) exp(-u)        u = r s, s = sqrt(3) / l
//     matern52  (1 + u + u^2/3) exp(-u)  u = r s, s = sqrt(5) / l
//     rational  exp(-alpha log(1 + r^2 s))   s = 1 / (2 alpha l^2)
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "simd_math.hpp"

namespace drift {

enum Kind : std::int32_t { gaussian = 0, laplace = 1, matern32 = 2, matern52 = 3, rational = 4 };

constexpr std::int64_t tile = 512;       // points at a time: a few arrays of this length fit the first-level cache
constexpr std::int64_t most_terms = 16;    // of one mixture
constexpr std::int64_t most_factors = 64;  // bandwidths in one pass

struct Term {
    std::int32_t kind;
    double scale;   // s above, at bandwidth factor 1
    double alpha;   // rational only
    double weight;  // of the mixture, relative
};

template <typename T>
struct Problem {
    const T* x;            // [n][d]
    const T* y;            // [d][m]: one row per coordinate
    const T* log_weights;  // [m] or null
    std::int64_t n, m, d;
    const Term* terms;
    std::int64_t term_count;
    const double* factors;  // [factor_count]: multiply every term's bandwidth
    std::int64_t factor_count;
    std::int32_t exclude_diagonal;
    T* shift;     // [factor_count][n][d], or null where only the masses are wanted
    T* log_mass;  // [factor_count][n]
};

// -exponent(r) of one kind, from r^2 (gaussian, rational) or r (the others).
template <Kind kind, typename T>
static inline T exponent_of(T r_or_squared, T scale, T alpha) {
    if constexpr (kind == rational) return -alpha * Math<T>::log(T(1) + r_or_squared * scale);
    return -(r_or_squared * scale);
}

template <Kind kind, typename T>
static inline T prefactor_of(T r, T scale) {
    const T u = r * scale;
    if constexpr (kind == matern32) return T(1) + u;
    if constexpr (kind == matern52) return T(1) + u + u * u * T(1.0 / 3.0);
    return T(1);
}

constexpr bool uses_square(Kind kind) { return kind == gaussian || kind == rational; }

template <typename T>
static inline T scale_at(const Term& term, double factor) {
    const double scale = term.scale / (uses_square(static_cast<Kind>(term.kind)) ? factor * factor : factor);
    return static_cast<T>(scale);
}

// Running sums of one row at one bandwidth, relative to the largest exponent so far.
template <typename T>
struct Sums {
    T top;
    T mass;
};

// Squared distances of one query to a tile of points, coordinate by coordinate.
template <typename T, int D>
static inline void squared_distances(const Problem<T>& p, const T* x, std::int64_t start, std::int64_t count, T* out) {
    const std::int64_t d = D > 0 ? D : p.d;
    const T* first = p.y + start;
    const T x0 = x[0];
#pragma omp simd
    for (std::int64_t j = 0; j < count; ++j) {
        const T gap = x0 - first[j];
        out[j] = gap * gap;
    }
    for (std::int64_t k = 1; k < d; ++k) {
        const T* row = p.y + k * p.m + start;
        const T xk = x[k];
#pragma omp simd
        for (std::int64_t j = 0; j < count; ++j) {
            const T gap = xk - row[j];
            out[j] += gap * gap;
        }
    }
}

template <typename T>
static inline T largest(const T* values, std::int64_t count) {
    T top = values[0];
#pragma omp simd reduction(max : top)
    for (std::int64_t j = 0; j < count; ++j) top = values[j] > top ? values[j] : top;
    return top;
}

// weights[j] = prefactor * exp(exponents[j] - top), added to (or put in place of) what is there.
template <Kind kind, typename T>
static inline void weigh(const T* exponents, const T* r, T scale, T top, T weight, bool add, T* weights, std::int64_t count) {
    if (add) {
#pragma omp simd
        for (std::int64_t j = 0; j < count; ++j)
            weights[j] += weight * prefactor_of<kind>(r[j], scale) * Math<T>::exp(exponents[j] - top);
    } else {
#pragma omp simd
        for (std::int64_t j = 0; j < count; ++j)
            weights[j] = weight * prefactor_of<kind>(r[j], scale) * Math<T>::exp(exponents[j] - top);
    }
}

template <Kind kind, typename T>
static inline void exponents_of(const T* r_or_squared, T scale, T alpha, const T* log_weights, T* out, std::int64_t count) {
    if (log_weights) {
#pragma omp simd
        for (std::int64_t j = 0; j < count; ++j)
            out[j] = exponent_of<kind>(r_or_squared[j], scale, alpha) + log_weights[j];
    } else {
#pragma omp simd
        for (std::int64_t j = 0; j < count; ++j) out[j] = exponent_of<kind>(r_or_squared[j], scale, alpha);
    }
}

template <typename T>
static inline T sum(const T* values, std::int64_t count) {
    T total = 0;
#pragma omp simd reduction(+ : total)
    for (std::int64_t j = 0; j < count; ++j) total += values[j];
    return total;
}

// sum_j w_j (y_j - x): of differences, so that it does not depend on how far the points are from the origin.
template <typename T>
static inline T weighted_gaps(const T* weights, const T* y, T x, std::int64_t count) {
    T total = 0;
#pragma omp simd reduction(+ : total)
    for (std::int64_t j = 0; j < count; ++j) total += weights[j] * (y[j] - x);
    return total;
}

template <typename T, typename Body>
static inline void with_kind(std::int32_t kind, Body&& body) {
    switch (kind) {
        case gaussian: body(std::integral_constant<Kind, gaussian>{}); break;
        case laplace: body(std::integral_constant<Kind, laplace>{}); break;
        case matern32: body(std::integral_constant<Kind, matern32>{}); break;
        case matern52: body(std::integral_constant<Kind, matern52>{}); break;
        default: body(std::integral_constant<Kind, rational>{}); break;
    }
}

// One query against all points, every bandwidth.
template <typename T, int D>
static void row(const Problem<T>& p, std::int64_t i) {
    alignas(64) T squared[tile], r[tile], exponents[most_terms][tile], weights[tile];
    const std::int64_t d = D > 0 ? D : p.d;
    const T* x = p.x + i * d;
    bool needs_root = false;
    for (std::int64_t t = 0; t < p.term_count; ++t) needs_root |= !uses_square(static_cast<Kind>(p.terms[t].kind));

    const std::int64_t summed = p.shift ? d : 0;  // coordinates whose weighted gaps are wanted
    for (std::int64_t f = 0; f < p.factor_count; ++f) {
        T* shift = p.shift + (f * p.n + i) * d;
        for (std::int64_t k = 0; k < summed; ++k) shift[k] = 0;
        p.log_mass[f * p.n + i] = -std::numeric_limits<T>::infinity();
    }
    T masses[most_factors];
    for (std::int64_t f = 0; f < p.factor_count; ++f) masses[f] = 0;

    for (std::int64_t start = 0; start < p.m; start += tile) {
        const std::int64_t count = std::min(tile, p.m - start);
        squared_distances<T, D>(p, x, start, count, squared);
        if (needs_root) {
#pragma omp simd
            for (std::int64_t j = 0; j < count; ++j) r[j] = std::sqrt(squared[j]);
        }
        const T* log_weights = p.log_weights ? p.log_weights + start : nullptr;
        const std::int64_t own = p.exclude_diagonal ? i - start : -1;

        for (std::int64_t f = 0; f < p.factor_count; ++f) {
            T top = -std::numeric_limits<T>::infinity();
            for (std::int64_t t = 0; t < p.term_count; ++t) {
                const Term& term = p.terms[t];
                const T scale = scale_at<T>(term, p.factors[f]);
                with_kind<T>(term.kind, [&](auto kind) {
                    constexpr Kind K = decltype(kind)::value;
                    exponents_of<K>(uses_square(K) ? squared : r, scale, T(term.alpha), log_weights, exponents[t], count);
                });
                if (own >= 0 && own < count) exponents[t][own] = -std::numeric_limits<T>::infinity();
                const T here = largest(exponents[t], count);
                top = here > top ? here : top;
            }
            T& running_top = p.log_mass[f * p.n + i];
            T* shift = p.shift + (f * p.n + i) * d;
            if (!(top > running_top)) {
                top = running_top;
            } else {
                if (masses[f] != 0) {
                    const T shrink = std::exp(running_top - top);
                    masses[f] *= shrink;
                    for (std::int64_t k = 0; k < summed; ++k) shift[k] *= shrink;
                }
                running_top = top;
            }
            if (top == -std::numeric_limits<T>::infinity()) continue;  // nothing but the query itself so far
            for (std::int64_t t = 0; t < p.term_count; ++t) {
                const Term& term = p.terms[t];
                const T scale = scale_at<T>(term, p.factors[f]);
                with_kind<T>(term.kind, [&](auto kind) {
                    constexpr Kind K = decltype(kind)::value;
                    weigh<K>(exponents[t], r, scale, top, T(term.weight), t > 0, weights, count);
                });
            }
            if (own >= 0 && own < count) weights[own] = 0;
            masses[f] += sum(weights, count);
            for (std::int64_t k = 0; k < summed; ++k) shift[k] += weighted_gaps(weights, p.y + k * p.m + start, x[k], count);
        }
    }
    for (std::int64_t f = 0; f < p.factor_count; ++f) {
        T* shift = p.shift + (f * p.n + i) * d;
        for (std::int64_t k = 0; k < summed; ++k) shift[k] /= masses[f];
        p.log_mass[f * p.n + i] += std::log(masses[f]);
    }
}

template <typename T, int D>
static void rows(const Problem<T>& p, std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) row<T, D>(p, i);
}

// The rows from `begin` to `end`: each row's sums are its own, so the result does not depend on how rows are shared out.
template <typename T>
static void kernel_mean(const Problem<T>& p, std::int64_t begin, std::int64_t end) {
    switch (p.d) {
        case 1: rows<T, 1>(p, begin, end); break;
        case 2: rows<T, 2>(p, begin, end); break;
        case 3: rows<T, 3>(p, begin, end); break;
        default: rows<T, 0>(p, begin, end); break;
    }
}

// For many coordinates, where matrix products carry the cost: a block of inner products x_i . y_j becomes weights.
template <typename T>
struct Block {
    T* products;           // [rows][m]: inner products on entry, weights relative to the row's largest on return
    const T* x_squared;    // [rows]
    const T* y_squared;    // [m]
    const T* log_weights;  // [m] or null
    std::int64_t rows, m;
    const Term* terms;
    std::int64_t term_count;
    double factor;
    std::int64_t excluded;  // column left out of row 0; of row i it is excluded + i; negative: none
    T* mass;                // [rows]: sum of the row's weights
    T* log_mass;            // [rows]
};

template <typename T>
static void block_row(const Block<T>& b, std::int64_t i) {
    alignas(64) T r[tile], exponents[most_terms][tile];
    T* row = b.products + i * b.m;
    const T own_squared = b.x_squared[i];
    const std::int64_t own = b.excluded >= 0 ? b.excluded + i : -1;

    // First the largest exponent of the row, leaving squared distances in place; then the weights.
    T top = -std::numeric_limits<T>::infinity();
    for (std::int64_t start = 0; start < b.m; start += tile) {
        const std::int64_t count = std::min(tile, b.m - start);
        T* squared = row + start;
#pragma omp simd
        for (std::int64_t j = 0; j < count; ++j) {
            const T s = own_squared + b.y_squared[start + j] - 2 * squared[j];
            squared[j] = s < 0 ? 0 : s;
        }
        if (own >= start && own < start + count) squared[own - start] = std::numeric_limits<T>::infinity();
        if (b.log_weights || b.term_count > 1) {
            const T* log_weights = b.log_weights ? b.log_weights + start : nullptr;
#pragma omp simd
            for (std::int64_t j = 0; j < count; ++j) r[j] = std::sqrt(squared[j]);
            for (std::int64_t t = 0; t < b.term_count; ++t) {
                with_kind<T>(b.terms[t].kind, [&](auto kind) {
                    constexpr Kind K = decltype(kind)::value;
                    const T scale = scale_at<T>(b.terms[t], b.factor);
                    exponents_of<K>(uses_square(K) ? squared : r, scale, T(b.terms[t].alpha), log_weights, exponents[0], count);
                });
                const T here = largest(exponents[0], count);
                top = here > top ? here : top;
            }
        } else {  // one term without weights: the nearest point has the largest exponent
            T nearest = squared[0];
#pragma omp simd reduction(min : nearest)
            for (std::int64_t j = 0; j < count; ++j) nearest = squared[j] < nearest ? squared[j] : nearest;
            with_kind<T>(b.terms[0].kind, [&](auto kind) {
                constexpr Kind K = decltype(kind)::value;
                const T at = uses_square(K) ? nearest : std::sqrt(nearest);
                const T here = exponent_of<K>(at, scale_at<T>(b.terms[0], b.factor), T(b.terms[0].alpha));
                top = here > top ? here : top;
            });
        }
    }
    T mass = 0;
    for (std::int64_t start = 0; start < b.m; start += tile) {
        const std::int64_t count = std::min(tile, b.m - start);
        T* squared = row + start;
        const T* log_weights = b.log_weights ? b.log_weights + start : nullptr;
#pragma omp simd
        for (std::int64_t j = 0; j < count; ++j) r[j] = std::sqrt(squared[j]);
        for (std::int64_t t = 0; t < b.term_count; ++t) {
            with_kind<T>(b.terms[t].kind, [&](auto kind) {
                constexpr Kind K = decltype(kind)::value;
                const T scale = scale_at<T>(b.terms[t], b.factor);
                exponents_of<K>(uses_square(K) ? squared : r, scale, T(b.terms[t].alpha), log_weights, exponents[t], count);
            });
        }
        for (std::int64_t t = 0; t < b.term_count; ++t) {
            with_kind<T>(b.terms[t].kind, [&](auto kind) {
                constexpr Kind K = decltype(kind)::value;
                weigh<K>(exponents[t], r, scale_at<T>(b.terms[t], b.factor), top, T(b.terms[t].weight), t > 0, squared, count);
            });
        }
        if (own >= start && own < start + count) squared[own - start] = 0;
        mass += sum(squared, count);
    }
    b.mass[i] = mass;
    b.log_mass[i] = top + std::log(mass);
}

template <typename T>
static void weigh_block(const Block<T>& b, std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) block_row(b, i);
}

// The arithmetic of the loop and nothing else, to measure how fast this machine could do it: one pass over a few points
// that stay in registers and the first-level cache, the largest exponent known beforehand, two coordinates, Laplace.
// `repeats` queries against `tile` points each; returns a sum, so that nothing is optimised away.
template <typename T>
static double arithmetic(std::int64_t repeats) {
    alignas(64) T a[tile], b[tile];
    for (std::int64_t j = 0; j < tile; ++j) {
        a[j] = T(j % 17) / 17;
        b[j] = T(j % 13) / 13;
    }
    double total = 0;
    for (std::int64_t i = 0; i < repeats; ++i) {
        const T x = T(i % 101) / 101, y = T(i % 103) / 103;
        T mass = 0, first = 0, second = 0;
#pragma omp simd reduction(+ : mass, first, second)
        for (std::int64_t j = 0; j < tile; ++j) {
            const T u = a[j] - x, v = b[j] - y;
            const T w = Math<T>::exp(-std::sqrt(u * u + v * v));
            mass += w;
            first += w * u;
            second += w * v;
        }
        total += double(first + second) / double(mass);
    }
    return total;
}

}  // namespace drift
