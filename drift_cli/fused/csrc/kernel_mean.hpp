// The one hot loop, by differences of coordinates: for every query x_i, over all points y_j,
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

struct Term {
    std::int32_t kind;
    double scale;   // s above, at bandwidth factor 1
    double alpha;   // rational only
    double weight;  // of the mixture, relative
};

template <typename T>
struct Problem {
    const T* x;            // [n][d]
    const T* y;            // [m][d]
    const T* coordinates;  // [d][m]: the same points axis by axis, where they are taken directly
    const T* log_weights;  // [m] or null
    std::int64_t n, m, d;
    const Term* terms;
    std::int64_t term_count;
    const double* factors;  // [factor_count]: multiply every term's bandwidth
    std::int64_t factor_count;
    std::int32_t exclude_diagonal;
    T* shift;     // [factor_count][n][d], or null where only the masses are wanted
    T* log_mass;  // [factor_count][n]
    T* mass;      // [factor_count][n]: the same without the row's largest exponent
};

// -exponent(r) of one kind, from r^2 (gaussian, rational) or r (the others).
template <Kind kind, typename T>
static DRIFT_INLINE T exponent_of(T r_or_squared, T scale, T alpha) {
    if constexpr (kind == rational) return -alpha * Math<T>::log(T(1) + r_or_squared * scale);
    return -(r_or_squared * scale);
}

template <Kind kind, typename T>
static DRIFT_INLINE T prefactor_of(T r, T scale) {
    const T far = T(1e6), u = r * scale < far ? r * scale : far;  // so far away that the exponential is all that counts
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

// |x - y_j|^2 of one query to a tile of points and, where wanted, |x - y_j|. Returns the smallest square.
template <typename T, int D>
static inline T distances(const Problem<T>& p, const T* x, std::int64_t start, std::int64_t count, T* squares, T* roots) {
    const T* const y = p.coordinates + start;
    const std::int64_t m = p.m;
    if constexpr (D == 0) {
        const T first = x[0];
#pragma omp simd
        for (std::int64_t j = 0; j < count; ++j) squares[j] = (first - y[j]) * (first - y[j]);
        std::int64_t k = 1;
        for (; k + 3 < p.d; k += 4) {  // four coordinates a visit
            const T *a = y + k * m, *b = a + m, *c = b + m, *e = c + m;
            const T xa = x[k], xb = x[k + 1], xc = x[k + 2], xe = x[k + 3];
#pragma omp simd
            for (std::int64_t j = 0; j < count; ++j) {
                const T ga = xa - a[j], gb = xb - b[j], gc = xc - c[j], ge = xe - e[j];
                squares[j] += (ga * ga + gb * gb) + (gc * gc + ge * ge);
            }
        }
        for (; k < p.d; ++k) {
            const T* a = y + k * m;
            const T xa = x[k];
#pragma omp simd
            for (std::int64_t j = 0; j < count; ++j) squares[j] += (xa - a[j]) * (xa - a[j]);
        }
    }
    const T x0 = x[0], x1 = D > 1 ? x[1] : 0, x2 = D > 2 ? x[2] : 0;
    const auto square = [=](std::int64_t j) {
        if constexpr (D == 0) return squares[j];
        T total = (x0 - y[j]) * (x0 - y[j]);
        if constexpr (D > 1) total += (x1 - y[m + j]) * (x1 - y[m + j]);
        if constexpr (D > 2) total += (x2 - y[2 * m + j]) * (x2 - y[2 * m + j]);
        return total;
    };
    T least = std::numeric_limits<T>::infinity();
    if (roots) {
#pragma omp simd reduction(min : least)
        for (std::int64_t j = 0; j < count; ++j) {
            const T s = square(j);
            squares[j] = s;
            roots[j] = std::sqrt(s);
            least = s < least ? s : least;
        }
    } else {
#pragma omp simd reduction(min : least)
        for (std::int64_t j = 0; j < count; ++j) {
            const T s = square(j);
            squares[j] = s;
            least = s < least ? s : least;
        }
    }
    return least;
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

// The exponent of the nearest point, rounded: a product left to be fused with what follows it would be another number
// than the one that was compared, by more than any exponential stands where it is large.
template <Kind kind, typename T>
static inline T nearest_exponent(T least, T scale, T alpha) {
    volatile T rounded = exponent_of<kind>(least, scale, alpha);
    return rounded;
}

// The largest exponent of one term over a tile. `gaps` are r^2 or r, as the kind wants; every kind decreases with them.
template <Kind kind, typename T>
static inline T largest_exponent(const T* gaps, T least, T scale, T alpha, const T* log_weights, std::int64_t count) {
    if (!log_weights) return nearest_exponent<kind>(least, scale, alpha);
    T top = -std::numeric_limits<T>::infinity();
#pragma omp simd reduction(max : top)
    for (std::int64_t j = 0; j < count; ++j) {
        const T here = exponent_of<kind>(gaps[j], scale, alpha) + log_weights[j];
        top = here > top ? here : top;
    }
    return top;
}

// One term over a tile, its exponents counted from the tile's largest: `offset` is exponent(least) - top, at most 0.
// Differences of gaps keep the digits that differences of exponents lose where the points are far away.
template <typename T>
struct Seen {
    T least, scale, alpha, offset;
};

template <Kind kind, typename T>
static inline Seen<T> seen_from(const Term& term, double factor, T least, T top) {
    const T scale = scale_at<T>(term, factor), alpha = T(term.alpha);
    return {least, scale, alpha, nearest_exponent<kind>(least, scale, alpha) - top};
}

template <Kind kind, bool weighted, typename T>
static DRIFT_INLINE T weight_of(T gap, T log_weight, const Seen<T>& at) {
    T exponent;
    if constexpr (kind == rational)
        exponent = at.offset - at.alpha * Math<T>::log((T(1) + gap * at.scale) / (T(1) + at.least * at.scale));
    else
        exponent = at.offset - (gap - at.least) * at.scale;
    if constexpr (weighted) exponent += log_weight;
    if constexpr (weighted || kind == rational) exponent = exponent > T(0) ? T(0) : exponent;  // by rounding alone
    return prefactor_of<kind>(gap, at.scale) * Math<T>::exp(exponent);
}

// One term's weights over a tile, added to (or put in place of) what is there.
template <Kind kind, typename T>
static inline void weigh(const T* gaps, const Seen<T> at, T share, const T* log_weights, bool add, T* weights,
                         std::int64_t count) {
    const auto each = [=](auto weighted) {
#pragma omp simd
        for (std::int64_t j = 0; j < count; ++j) {
            const T kept = add ? weights[j] : 0;
            weights[j] = kept + share * weight_of<kind, weighted>(gaps[j], weighted ? log_weights[j] : T(0), at);
        }
    };
    log_weights ? each(std::true_type{}) : each(std::false_type{});
}

// The same for a kernel of one term, whose weights are summed as they arise: `shift` takes the first `summed` coordinates.
template <Kind kind, int summed, bool weighted, typename T>
static inline void weigh_and_sum(const Problem<T>& p, const T* x, std::int64_t start, const T* gaps, const Seen<T> at,
                                 std::int64_t count, T& mass, T* shift) {
    const T *y0 = p.coordinates + start, *y1 = y0 + p.m, *y2 = y1 + p.m;
    const T* log_weights = p.log_weights + (weighted ? start : 0);
    const T x0 = x[0], x1 = summed > 1 ? x[1] : 0, x2 = summed > 2 ? x[2] : 0;
    T total = 0, s0 = 0, s1 = 0, s2 = 0;
#pragma omp simd reduction(+ : total, s0, s1, s2)
    for (std::int64_t j = 0; j < count; ++j) {
        const T w = weight_of<kind, weighted>(gaps[j], weighted ? log_weights[j] : T(0), at);
        total += w;
        if constexpr (summed > 0) s0 += w * (y0[j] - x0);
        if constexpr (summed > 1) s1 += w * (y1[j] - x1);
        if constexpr (summed > 2) s2 += w * (y2[j] - x2);
    }
    mass += total;
    if constexpr (summed > 0) shift[0] += s0;
    if constexpr (summed > 1) shift[1] += s1;
    if constexpr (summed > 2) shift[2] += s2;
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

// log m from the largest exponent and the rest; a query without a finite distance has none.
template <typename T>
static inline void finish_mass(const Problem<T>& p, std::int64_t f, std::int64_t i) {
    const T mass = p.mass[f * p.n + i];
    T& log_mass = p.log_mass[f * p.n + i];
    log_mass = mass > 0 ? log_mass + std::log(mass) : std::numeric_limits<T>::quiet_NaN();
}

// One query against all points, every bandwidth.
template <typename T, int D>
static void row(const Problem<T>& p, std::int64_t i) {
    alignas(64) T squares[tile], roots[tile], weights[tile];
    constexpr T nothing = -std::numeric_limits<T>::infinity();
    const std::int64_t d = D > 0 ? D : p.d;
    const T* x = p.x + i * d;
    bool needs_root = false;
    for (std::int64_t t = 0; t < p.term_count; ++t) needs_root |= !uses_square(static_cast<Kind>(p.terms[t].kind));
    const std::int64_t summed = p.shift ? d : 0;         // coordinates whose weighted gaps are wanted
    // A kernel of one term: its weights are summed as they arise.
    const bool at_once = p.term_count == 1 && p.terms[0].weight == 1 && (D > 0 || !p.shift);

    for (std::int64_t f = 0; f < p.factor_count; ++f) {
        T* shift = p.shift + (f * p.n + i) * d;
        for (std::int64_t k = 0; k < summed; ++k) shift[k] = 0;
        p.log_mass[f * p.n + i] = nothing;
        p.mass[f * p.n + i] = 0;
    }
    for (std::int64_t start = 0; start < p.m; start += tile) {
        const std::int64_t count = std::min(tile, p.m - start);
        T least = distances<T, D>(p, x, start, count, squares, needs_root ? roots : nullptr);
        const std::int64_t own = i - start;
        if (p.exclude_diagonal && own >= 0 && own < count) {  // infinitely far: its weight is the smallest there is
            squares[own] = roots[own] = std::numeric_limits<T>::infinity();
            least = squares[0];
#pragma omp simd reduction(min : least)
            for (std::int64_t j = 0; j < count; ++j) least = squares[j] < least ? squares[j] : least;
        }
        if (least == std::numeric_limits<T>::infinity()) continue;  // nothing but the query itself
        const T least_root = std::sqrt(least);
        const T* log_weights = p.log_weights ? p.log_weights + start : nullptr;

        for (std::int64_t f = 0; f < p.factor_count; ++f) {
            T top = nothing;
            for (std::int64_t t = 0; t < p.term_count; ++t) {
                const Term& term = p.terms[t];
                const T scale = scale_at<T>(term, p.factors[f]);
                with_kind<T>(term.kind, [&](auto kind) {
                    constexpr Kind K = decltype(kind)::value;
                    const T *gaps = uses_square(K) ? squares : roots, smallest = uses_square(K) ? least : least_root;
                    const T here = largest_exponent<K>(gaps, smallest, scale, T(term.alpha), log_weights, count);
                    top = here > top ? here : top;
                });
            }
            T &running_top = p.log_mass[f * p.n + i], &mass = p.mass[f * p.n + i];
            T* shift = p.shift + (f * p.n + i) * d;
            if (!(top > running_top)) {
                top = running_top;
            } else {
                if (mass != 0) {
                    const T shrink = std::exp(running_top - top);
                    mass *= shrink;
                    for (std::int64_t k = 0; k < summed; ++k) shift[k] *= shrink;
                }
                running_top = top;
            }
            for (std::int64_t t = 0; t < p.term_count; ++t) {
                const Term& term = p.terms[t];
                with_kind<T>(term.kind, [&](auto kind) {
                    constexpr Kind K = decltype(kind)::value;
                    const T* gaps = uses_square(K) ? squares : roots;
                    const Seen<T> at = seen_from<K>(term, p.factors[f], uses_square(K) ? least : least_root, top);
                    const auto sums = [&](auto coordinates, auto weighted) {
                        weigh_and_sum<K, coordinates, weighted>(p, x, start, gaps, at, count, mass, shift);
                    };
                    using None = std::integral_constant<int, 0>;
                    using All = std::integral_constant<int, D>;
                    if (!at_once)
                        weigh<K>(gaps, at, T(term.weight), log_weights, t > 0, weights, count);
                    else if (log_weights)
                        p.shift ? sums(All{}, std::true_type{}) : sums(None{}, std::true_type{});
                    else
                        p.shift ? sums(All{}, std::false_type{}) : sums(None{}, std::false_type{});
                });
            }
            if (at_once) continue;
            mass += sum(weights, count);
            for (std::int64_t k = 0; k < summed; ++k) shift[k] += weighted_gaps(weights, p.coordinates + k * p.m + start, x[k], count);
        }
    }
    for (std::int64_t f = 0; f < p.factor_count; ++f) {
        T* shift = p.shift + (f * p.n + i) * d;
        for (std::int64_t k = 0; k < summed; ++k) shift[k] /= p.mass[f * p.n + i];
        finish_mass(p, f, i);
    }
}

template <typename T>
static void transpose(const Problem<T>& p, T* coordinates) {
    for (std::int64_t k = 0; k < p.d; ++k)
        for (std::int64_t j = 0; j < p.m; ++j) coordinates[k * p.m + j] = p.y[j * p.d + k];
}

template <typename T, int D>
static void rows(const Problem<T>& p, std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) row<T, D>(p, i);
}

// The rows from `begin` to `end`: each row's sums are its own, so the result does not depend on how rows are shared out.
template <typename T>
static void kernel_mean_direct(const Problem<T>& p, std::int64_t begin, std::int64_t end) {
    switch (p.d) {
        case 1: rows<T, 1>(p, begin, end); break;
        case 2: rows<T, 2>(p, begin, end); break;
        case 3: rows<T, 3>(p, begin, end); break;
        default: rows<T, 0>(p, begin, end); break;
    }
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
