// The plain C interface: no torch, no Python. Pointers are to contiguous memory that the caller owns.
#include <algorithm>
#include <cstdint>
#include <thread>
#include <vector>

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

// Rows in equal runs, one run a thread: OpenMP's where it is there (torch's own threads), plain threads elsewhere.
template <typename Run>
void share_out(std::int64_t n, int threads, Run&& run) {
    const std::int64_t parts = std::max<std::int64_t>(1, std::min<std::int64_t>(threads, n));
    const auto part = [&](std::int64_t k) { run(n * k / parts, n * (k + 1) / parts); };
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

}  // namespace

#pragma GCC visibility push(default)
extern "C" {

int drift_interface_version() { return 1; }

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

void drift_kernel_mean_f32(const drift::Problem<float>* problem, int threads) {
    share_out(problem->n, threads, [=](auto begin, auto end) { chosen.loops->kernel_mean_f32(*problem, begin, end); });
}
void drift_kernel_mean_f64(const drift::Problem<double>* problem, int threads) {
    share_out(problem->n, threads, [=](auto begin, auto end) { chosen.loops->kernel_mean_f64(*problem, begin, end); });
}
void drift_weigh_block_f32(const drift::Block<float>* block, int threads) {
    share_out(block->rows, threads, [=](auto begin, auto end) { chosen.loops->weigh_block_f32(*block, begin, end); });
}
void drift_weigh_block_f64(const drift::Block<double>* block, int threads) {
    share_out(block->rows, threads, [=](auto begin, auto end) { chosen.loops->weigh_block_f64(*block, begin, end); });
}

// Queries against `tile` points done by the bare arithmetic of the loop; returns how many pairs that was.
std::int64_t drift_arithmetic_f32(std::int64_t queries, int threads) {
    share_out(queries, threads, [](auto begin, auto end) {
        volatile double kept = chosen.loops->arithmetic_f32(end - begin);
        (void)kept;
    });
    return queries * drift::tile;
}
}
#pragma GCC visibility pop
