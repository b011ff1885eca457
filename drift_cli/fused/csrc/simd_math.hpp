// exp and log as plain arithmetic, so that the compiler vectorises the loops that call them.
// Accurate to about one unit in the last place on the arguments the kernels use; NaN goes through.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

// A call left standing inside a loop keeps the loop from being vectorised, and the compiler tires of inlining.
#define DRIFT_INLINE inline __attribute__((always_inline))

// Unnamed, so that each instruction set keeps its own copy and the linker cannot merge them.
namespace {

template <typename To, typename From>
static DRIFT_INLINE To bits_of(From value) {
    return __builtin_bit_cast(To, value);
}

template <typename T>
struct Math;

template <>
struct Math<float> {
    static constexpr float lowest = -87.0f;  // e^-87 is the last comfortably normal number

    // e^x for x <= 0; below `lowest` it is e^lowest, which adds nothing to a sum that is at least 1.
    static DRIFT_INLINE float exp(float x) {
        x = x < lowest ? lowest : x;
        const float shift = 12582912.0f;  // 1.5 * 2^23: adding it rounds to a whole number
        const float t = x * 1.44269504088896341f + shift;
        const float n = t - shift;
        float r = x - n * 0.693145751953125f;  // ln 2 in two parts
        r = r - n * 1.42860682030941723e-6f;
        float p = 1.9875691500e-4f;
        p = p * r + 1.3981999507e-3f;
        p = p * r + 8.3334519073e-3f;
        p = p * r + 4.1665795894e-2f;
        p = p * r + 1.6666665459e-1f;
        p = p * r + 5.0000001201e-1f;
        p = p * r * r + r + 1.0f;
        // Unsigned, whose arithmetic wraps: n into the exponent of p. (A NaN has no low bits here, and stays NaN.)
        const std::uint32_t exponent = (bits_of<std::uint32_t>(t) - bits_of<std::uint32_t>(shift)) << 23;
        return bits_of<float>(bits_of<std::uint32_t>(p) + exponent);
    }

    // ln x for normal x >= 1.
    static DRIFT_INLINE float log(float x) {
        const std::int32_t bits = bits_of<std::int32_t>(x);
        const std::int32_t e = (bits - 0x3f3504f3) >> 23;  // x = 2^e * m with m in [1/sqrt2, sqrt2)
        const float m = bits_of<float>(static_cast<std::uint32_t>(bits) - (static_cast<std::uint32_t>(e) << 23));
        const float f = m - 1.0f;
        const float z = f * f;
        float p = 7.0376836292e-2f;
        p = p * f - 1.1514610310e-1f;
        p = p * f + 1.1676998740e-1f;
        p = p * f - 1.2420140846e-1f;
        p = p * f + 1.4249322787e-1f;
        p = p * f - 1.6668057665e-1f;
        p = p * f + 2.0000714765e-1f;
        p = p * f - 2.4999993993e-1f;
        p = p * f + 3.3333331174e-1f;
        float y = p * f * z + static_cast<float>(e) * -2.12194440e-4f - 0.5f * z;
        const float found = f + y + static_cast<float>(e) * 0.693359375f;
        return x <= std::numeric_limits<float>::max() ? found : x;  // infinity and NaN stay what they are
    }
};

template <>
struct Math<double> {
    static constexpr double lowest = -700.0;

    static DRIFT_INLINE double exp(double x) {
        x = x < lowest ? lowest : x;
        const double shift = 6755399441055744.0;  // 1.5 * 2^52
        const double t = x * 1.4426950408889634074 + shift;
        const double n = t - shift;
        double r = x - n * 6.93147180369123816490e-01;
        r = r - n * 1.90821492927058770002e-10;
        // Taylor to degree 13: |r| <= ln(2)/2 leaves 4e-18.
        double p = 1.0 / 6227020800.0;
        p = p * r + 1.0 / 479001600.0;
        p = p * r + 1.0 / 39916800.0;
        p = p * r + 1.0 / 3628800.0;
        p = p * r + 1.0 / 362880.0;
        p = p * r + 1.0 / 40320.0;
        p = p * r + 1.0 / 5040.0;
        p = p * r + 1.0 / 720.0;
        p = p * r + 1.0 / 120.0;
        p = p * r + 1.0 / 24.0;
        p = p * r + 1.0 / 6.0;
        p = p * r + 0.5;
        p = p * r * r + r + 1.0;
        const std::uint64_t exponent = (bits_of<std::uint64_t>(t) - bits_of<std::uint64_t>(shift)) << 52;
        return bits_of<double>(bits_of<std::uint64_t>(p) + exponent);
    }

    // ln x = 2 artanh(f / (2 + f)) after taking out the power of two.
    static DRIFT_INLINE double log(double x) {
        const std::int64_t bits = bits_of<std::int64_t>(x);
        const std::int64_t e = (bits - 0x3fe6a09e667f3bcdLL) >> 52;
        const double m = bits_of<double>(static_cast<std::uint64_t>(bits) - (static_cast<std::uint64_t>(e) << 52));
        const double f = m - 1.0;
        const double s = f / (2.0 + f);
        const double w = s * s;
        // 2 (s + s^3/3 + s^5/5 + ...): |s| <= 0.1716 leaves 1e-18 after s^21.
        double p = 1.0 / 21.0;
        p = p * w + 1.0 / 19.0;
        p = p * w + 1.0 / 17.0;
        p = p * w + 1.0 / 15.0;
        p = p * w + 1.0 / 13.0;
        p = p * w + 1.0 / 11.0;
        p = p * w + 1.0 / 9.0;
        p = p * w + 1.0 / 7.0;
        p = p * w + 1.0 / 5.0;
        p = p * w + 1.0 / 3.0;
        const double k = static_cast<double>(e);
        const double found = 2.0 * s * w * p + k * 1.90821492927058770002e-10 + 2.0 * s + k * 6.93147180369123816490e-01;
        return x <= std::numeric_limits<double>::max() ? found : x;
    }
};

}  // namespace
