#pragma once
/// What a mutated source is written with (make_mutants.py): each mutant is off unless IQGATE_MUTANT holds its number,
/// so one build holds them all. IQGATE_MUTANT=trace notes in IQGATE_MUTANT_TRACE which of them a run reaches.
#include <fcntl.h>
#include <unistd.h>
#include <algorithm>
#include <concepts>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <type_traits>
#include <utility>

namespace iqm {

constexpr int most = 4096;

inline int active() {
  static const int number = [] {
    const char* text = std::getenv("IQGATE_MUTANT");
    return !text ? -1 : std::strcmp(text, "trace") == 0 ? -2 : std::atoi(text);
  }();
  return number;
}

inline void note(int id, char kind) {
  static bool seen[most];
  if (seen[id]) return;
  seen[id] = true;
  const char* path = std::getenv("IQGATE_MUTANT_TRACE");
  const int file = path ? ::open(path, O_WRONLY | O_CREAT | O_APPEND, 0644) : -1;
  if (file < 0) return;
  char line[32];
  const int length = std::snprintf(line, sizeof line, "%c%d\n", kind, id);
  if (::write(file, line, std::size_t(length)) != length) std::abort();
  ::close(file);
}

/// Is mutant `id` the one that this process runs with? Never in constant expressions.
constexpr bool on(int id) {
  if (std::is_constant_evaluated()) return false;
  const int a = active();
  if (a == -2) note(id, 'r');
  return a == id;
}

/// A place that turned out to have no mutant: its types have no such operation.
inline void none(int id) {
  if (active() == -2) note(id, 'v');
}

template <int id>
struct Point {};
template <int id>
inline constexpr Point<id> at{};
/// The same for comparisons whose end is moved in or out: `a < edge<7> < b` becomes `a <= b`.
template <int id>
struct Edge {};
template <int id>
inline constexpr Edge<id> edge{};

template <class T, class Place>
struct Left {
  T&& value;
};

// `a + b` is written `a + at<7> + b`: the same precedence, and what is done is chosen when it runs.
#define IQM_OPERATOR(op, other, Place)                                            \
  template <class T, int id>                                                      \
  constexpr Left<T, Place<id>> operator op(T&& a, Place<id>) {                    \
    return {std::forward<T>(a)};                                                  \
  }                                                                               \
  template <class T, int id, class U>                                             \
  constexpr auto operator op(Left<T, Place<id>> a, U&& b) {                       \
    using Same = decltype(std::forward<T>(a.value) op std::forward<U>(b));        \
    if constexpr (requires {                                                      \
                    { a.value other b } -> std::same_as<Same>;                    \
                  }) {                                                            \
      if (on(id)) return Same(std::forward<T>(a.value) other std::forward<U>(b)); \
    } else if constexpr (requires {                                               \
                           { -(a.value op b) } -> std::same_as<Same>;             \
                         }) {                                                     \
      if (on(id)) return Same(-(std::forward<T>(a.value) op std::forward<U>(b))); \
    } else if (!std::is_constant_evaluated()) {                                   \
      none(id);                                                                   \
    }                                                                             \
    return Same(std::forward<T>(a.value) op std::forward<U>(b));                  \
  }
IQM_OPERATOR(+, -, Point)
IQM_OPERATOR(-, +, Point)
IQM_OPERATOR(*, /, Point)
IQM_OPERATOR(/, *, Point)
IQM_OPERATOR(<, >=, Point)
IQM_OPERATOR(<=, >, Point)
IQM_OPERATOR(>, <=, Point)
IQM_OPERATOR(>=, <, Point)
IQM_OPERATOR(==, !=, Point)
IQM_OPERATOR(!=, ==, Point)
IQM_OPERATOR(<, <=, Edge)
IQM_OPERATOR(<=, <, Edge)
IQM_OPERATOR(>, >=, Edge)
IQM_OPERATOR(>=, >, Edge)
#undef IQM_OPERATOR

/// A number made five per cent larger: more than any tolerance of a metric; or left out.
template <int id, class T>
constexpr T scaled(T v) {
  return on(id) ? T(v * T(1.05)) : v;
}
template <int id, class T>
constexpr T dropped(T v) {
  return on(id) ? T(0) : v;
}
/// Another axis.
template <int id>
constexpr int axis(int i) {
  return on(id) ? (i == 0 ? 1 : i - 1) : i;
}
/// The larger for the smaller, and the other way round.
template <int id, class A, class B>
constexpr auto larger(const A& a, const B& b) {
  return on(id) ? std::min(a, b) : std::max(a, b);
}
template <int id, class A, class B>
constexpr auto smaller(const A& a, const B& b) {
  return on(id) ? std::max(a, b) : std::min(a, b);
}

}  // namespace iqm
