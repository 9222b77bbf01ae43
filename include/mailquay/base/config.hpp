#pragma once

/// What the build decides: version, the inline namespace that keeps header-only and compiled code apart, linkage.
///
/// Every header opens its namespace as `namespace mailquay::inline MAILQUAY_ABI {`. The two forms of the library live in
/// different inline namespaces, so that a program that mixes them fails to link instead of misbehaving.

// Before any header of Asio: what Asio sees of the standard library, and with it how it allocates, must not depend on which
// header a source file happens to include first.
#include <version>

#define MAILQUAY_VERSION_MAJOR 0
#define MAILQUAY_VERSION_MINOR 1
#define MAILQUAY_VERSION_PATCH 0
#define MAILQUAY_VERSION "0.1.0"

#ifdef MAILQUAY_HEADER_ONLY
#define MAILQUAY_ABI v0_1_h
#define MAILQUAY_API
#define MAILQUAY_DECL inline
#else
#define MAILQUAY_ABI v0_1_c
#if defined(__GNUC__)
#define MAILQUAY_API __attribute__((visibility("default")))
#else
#define MAILQUAY_API
#endif
#define MAILQUAY_DECL MAILQUAY_API
#endif

/// @{ Functions that keep out of the way, and out of the registers, of those that all messages pass: few come to a rare one.
#if defined(__GNUC__) && defined(MAILQUAY_HEADER_ONLY)
#define MAILQUAY_RARE __attribute__((cold))
#define MAILQUAY_APART
#elif defined(__GNUC__)
#define MAILQUAY_RARE __attribute__((cold, noinline))
#define MAILQUAY_APART __attribute__((noinline))
#else
#define MAILQUAY_RARE
#define MAILQUAY_APART
#endif
/// @}

/// In optimised builds, a function that becomes part of its callers: of a few instructions, or one of a kind that every message passes.
#if defined(__GNUC__) && defined(__OPTIMIZE__)
#define MAILQUAY_INLINE __attribute__((always_inline))
#else
#define MAILQUAY_INLINE
#endif

namespace mailquay::inline MAILQUAY_ABI {}
