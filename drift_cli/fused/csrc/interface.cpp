// The plain C interface: no torch, no Python. Pointers are to contiguous memory that the caller owns.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <new>
#include <thread>
#include <vector>
#ifdef DRIFT_X86
#include <xmmintrin.h>
#endif

#include "variant.hpp"

extern const drift::Loops drift_loops_baseline;
#ifdef DRIFT_X86
extern const drift::Loops drift_loops_avx2;
extern const drift::Loops drift_loops_avx512;
#endif

namespace {

struct Choice {
    const drift::Loops* loops;
    const char* name;
};

Choice best() {
#ifdef DRIFT_X86
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512bw"))
        return {&drift_loops_avx512, "AVX-512"};
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return {&drift_loops_avx2, "AVX2"};
#endif
    return {&drift_loops_baseline, "baseline"};
}

Choice chosen = best();

// While the loops run, numbers below the smallest normal one count as zero. They add nothing to sums that are at least
// one, and each costs more than a hundred cycles: under a mixture with narrow terms they were half of the time.
struct WithoutSubnormals {
#ifdef DRIFT_X86
    static constexpr unsigned flush_results = 1u << 15, flush_operands = 1u << 6;
    const unsigned before = _mm_getcsr();
    WithoutSubnormals() { _mm_setcsr(before | flush_results | flush_operands); }
    ~WithoutSubnormals() { _mm_setcsr(before); }
#else
    WithoutSubnormals() {}
#endif
};

// Rows in equal runs, one run a thread: OpenMP's where it is there (torch's own threads), plain threads elsewhere.
template <typename Run>
void share_out(std::int64_t n, int threads, Run&& run) {
    const std::int64_t parts = std::max<std::int64_t>(1, std::min<std::int64_t>(threads, n));
    const auto part = [&](std::int64_t k) {
        const WithoutSubnormals here;
        run(k, n * k / parts, n * (k + 1) / parts);
    };
#ifdef _OPENMP
#pragma omp parallel for schedule(static) num_threads(static_cast<int>(parts))
    for (std::int64_t k = 0; k < parts; ++k) part(k);
#else
    std::vector<std::thread> others;
    for (std::int64_t k = 1; k < parts; ++k) others.emplace_back(part, k);
    part(0);
    for (auto& other : others) other.join();
#endif
}

constexpr std::size_t line = 64;  // bytes of a cache line and of the widest vector

struct Release {
    void operator()(void* memory) const { ::operator delete(memory, std::align_val_t(line)); }
};

template <typename T>
using Memory = std::unique_ptr<T, Release>;

// Room for so many numbers at the start of a cache line; null where there is no memory.
template <typename T>
Memory<T> room(std::int64_t numbers) {
    return Memory<T>(static_cast<T*>(::operator new(sizeof(T) * numbers, std::align_val_t(line), std::nothrow)));
}

// `count` problems of one shape, whose rows are shared out together: small ones fill all threads too. A row's sums are its
// own, so that each problem's bits are those it has alone.
template <typename T>
int kernel_means(const drift::Problem<T>* given, std::int64_t count, const drift::LoopsOf<T>& loops, bool by_products,
                 int threads) {
    constexpr std::int64_t numbers = line / sizeof(T);
    drift::Problem<T> first = given[0];
    const auto whole_lines = [](std::int64_t wanted) { return (wanted / numbers + 1) * numbers; };
    const std::int64_t each_points = whole_lines(by_products ? loops.packed_numbers(first) : first.m * first.d);
    const std::int64_t each = by_products ? whole_lines(loops.scratch_numbers(first)) : 0;
    // One problem's points are prepared once for all threads; of several, each thread prepares those of its own rows.
    const bool alone = count == 1;
    const Memory<T> points = room<T>(each_points * (alone ? 1 : std::max(threads, 1)));
    const Memory<T> scratch = room<T>(each * std::max(threads, 1));
    if (!points || !scratch) return 1;
    const auto prepare = [&](drift::Problem<T>& problem, T* into) {
        problem.coordinates = into;
        by_products ? loops.pack(problem, into) : loops.transpose(problem, into);
    };
    if (alone) prepare(first, points.get());
    share_out(count * first.n, threads, [&](auto part, auto begin, auto end) {
        T* own = points.get() + (alone ? 0 : part * each_points);
        for (std::int64_t row = begin; row < end;) {
            const std::int64_t k = row / first.n, before = k * first.n, last = std::min(end, before + first.n);
            drift::Problem<T> problem = alone ? first : given[k];
            if (!alone) prepare(problem, own);
            if (by_products)
                loops.by_products(problem, own, scratch.get() + part * each, row - before, last - before);
            else
                loops.direct(problem, row - before, last - before);
            row = last;
        }
    });
    return 0;
}

// The points axis by axis with a stride of whole vectors, by differences; the packed points, by products.
template <typename T>
int pullback(const drift::Problem<T>& given, const drift::Gradients<T>& arriving, const drift::LoopsOf<T>& loops,
             bool by_products, int threads) {
    constexpr std::int64_t numbers = line / sizeof(T);
    drift::Problem<T> problem = given;
    if (!by_products) problem.m = (given.m / numbers + 1) * numbers;
    const std::int64_t runs = loops.runs_of_rows(given);
    const std::int64_t sums = by_products ? loops.point_sums_numbers(given) : problem.m * (given.d + 1);
    const std::int64_t each = ((by_products ? loops.pull_scratch_numbers(given) : 0) / numbers + 1) * numbers;
    const Memory<T> points = room<T>(arriving.at_points() ? runs * sums : 1);
    const Memory<T> scratch = room<T>(each * std::max(threads, 1));
    const Memory<T> packed = room<T>(by_products ? loops.packed_numbers(given) : problem.m * given.d);
    if (!points || !scratch || !packed) return 1;
    if (by_products) {
        loops.pack(problem, packed.get());
    } else {
        std::fill_n(packed.get(), problem.m * given.d, T(0));
        for (std::int64_t k = 0; k < given.d; ++k)
            for (std::int64_t j = 0; j < given.m; ++j) packed.get()[k * problem.m + j] = given.y[j * given.d + k];
        problem.coordinates = packed.get();
    }
    share_out(runs, threads, [&](auto part, auto first, auto last) {
        for (std::int64_t r = first; r < last; ++r) {
            const std::int64_t begin = given.n * r / runs, end = given.n * (r + 1) / runs;
            T* own = arriving.at_points() ? points.get() + r * sums : nullptr;
            if (own) std::fill_n(own, sums, T(0));
            if (by_products)
                loops.pullback_by_products(problem, arriving, packed.get(), scratch.get() + part * each, own, begin, end);
            else
                loops.pullback_direct(problem, arriving, given.m, own, begin, end);
        }
    });
    if (!arriving.at_points()) return 0;
    share_out(given.m, threads, [&](auto, auto begin, auto end) {
        if (by_products)
            loops.gather_products(problem, arriving, packed.get(), points.get(), runs, sums, begin, end);
        else
            loops.gather_direct(problem, arriving, points.get(), runs, sums, begin, end);
    });
    return 0;
}

}  // namespace

#pragma GCC visibility push(default)
extern "C" {

int drift_interface_version() { return 5; }

const char* drift_instruction_set() { return chosen.name; }

// For tests: run the loops of a given instruction set; 0 where this machine lacks it.
int drift_use(const char* name) {
    const Choice fastest = best();
    for (const char* set : {"AVX-512", "AVX2", "baseline"}) {
        const bool wanted = __builtin_strcmp(name, set) == 0;
        if (!wanted) continue;
#ifdef DRIFT_X86
        const bool has_512 = fastest.loops == &drift_loops_avx512;
        if (set[3] == '-') return has_512 ? (chosen = {&drift_loops_avx512, set}, 1) : 0;
        if (set[3] == '2') return has_512 || fastest.loops == &drift_loops_avx2 ? (chosen = {&drift_loops_avx2, set}, 1) : 0;
#endif
        if (set[0] == 'b') return chosen = {&drift_loops_baseline, set}, 1;
    }
    return 0;
}

// All return 0, or 1 where there is no memory for the packed points. `count` problems of one n, m, d and kernel.
int drift_kernel_means_f32(const drift::Problem<float>* problems, std::int64_t count, int by_products, int threads) {
    return kernel_means(problems, count, chosen.loops->f32, by_products != 0, threads);
}
int drift_kernel_means_f64(const drift::Problem<double>* problems, std::int64_t count, int by_products, int threads) {
    return kernel_means(problems, count, chosen.loops->f64, by_products != 0, threads);
}

// The derivatives, from the forward pass' values in `problem`; the same.
int drift_pullback_f32(const drift::Problem<float>* problem, const drift::Gradients<float>* arriving, int by_products,
                       int threads) {
    return pullback(*problem, *arriving, chosen.loops->f32, by_products != 0, threads);
}
int drift_pullback_f64(const drift::Problem<double>* problem, const drift::Gradients<double>* arriving, int by_products,
                       int threads) {
    return pullback(*problem, *arriving, chosen.loops->f64, by_products != 0, threads);
}

// Queries against `tile` points done by the bare arithmetic of the loop; returns how many pairs that was.
std::int64_t drift_arithmetic_f32(std::int64_t queries, int threads) {
    share_out(queries, threads, [](auto, auto begin, auto end) {
        volatile double kept = chosen.loops->arithmetic_f32(end - begin);
        (void)kept;
    });
    return queries * drift::tile;
}
}
#pragma GCC visibility pop
