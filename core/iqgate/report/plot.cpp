#include "iqgate/report/plot.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cctype>

#include <algorithm>
#include <array>
#include <map>

extern char** environ;

namespace iqgate::report {
namespace {

struct Label {
  const char *title, *x, *y;
};

// Superscripts as characters: gnuplot's own are misplaced by print engines.
const Label* label_of(const std::string& name) {
  static const std::map<std::string, Label> labels{
      {"mtf", {"Modulation transfer function", "spatial frequency (1/mm)", "MTF"}},
      {"ttf", {"Task transfer function", "spatial frequency (1/mm)", "TTF"}},
      {"ttf_xy", {"Task transfer function, in plane", "spatial frequency (1/mm)", "TTF"}},
      {"ttf_z", {"Task transfer function, axial", "spatial frequency (1/mm)", "TTF"}},
      {"esf", {"Edge spread function", "distance (mm)", "value"}},
      {"ct_number_linearity", {"CT number linearity", "nominal CT number (HU)", "measured"}},
      {"slice_sensitivity_profile", {"Slice sensitivity profile", "distance along the slices (mm)", "relative"}},
      {"rmtf", {"Relative modulation of bars (no MTF)", "spatial frequency (1/mm)", "relative"}},
      {"neq", {"Noise-equivalent quanta, signal of 1000 HU", "spatial frequency (1/mm)", "NEQ"}},
      {"nps_radial", {"Noise power spectrum, radial mean", "spatial frequency (1/mm)", "NPS"}},
      {"nps_ring", {"Noise power spectrum of a ring", "spatial frequency (1/mm)", "NPS"}},
      {"nps_axial", {"Noise power spectrum, axial", "axial frequency (1/mm)", "NPS"}}};
  const auto found = labels.find(name);
  return found == labels.end() ? nullptr : &found->second;
}

// Runs gnuplot with the script on its input; its output comes back. No shell, no temporary file.
std::string run_gnuplot(const std::string& script) {
  int in[2], out[2];
  if (pipe2(in, O_CLOEXEC) != 0) return {};
  if (pipe2(out, O_CLOEXEC) != 0) {
    close(in[0]), close(in[1]);
    return {};
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in[0], 0);
  posix_spawn_file_actions_adddup2(&actions, out[1], 1);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  const char* argv[] = {"gnuplot", "-d", nullptr};
  pid_t pid = 0;
  const int failed = posix_spawnp(&pid, "gnuplot", &actions, nullptr, const_cast<char**>(argv), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(in[0]);
  close(out[1]);
  std::string svg;
  if (failed == 0) {
    // A gnuplot that dies must not end us: writes go on only while it reads.
    struct sigaction ignore {
    }, old{};
    ignore.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &ignore, &old);
    fcntl(in[1], F_SETFL, O_NONBLOCK);
    std::size_t written = 0;
    bool input_open = true;
    for (;;) {
      pollfd fds[2] = {{out[0], POLLIN, 0}, {input_open ? in[1] : -1, POLLOUT, 0}};
      if (poll(fds, 2, 20000) <= 0) {
        kill(pid, SIGKILL);
        svg.clear();
        break;
      }
      if (input_open && (fds[1].revents & (POLLOUT | POLLERR | POLLHUP))) {
        const ssize_t n = write(in[1], script.data() + written, script.size() - written);
        if (n > 0) written += static_cast<std::size_t>(n);
        if (n < 0 || written == script.size()) close(in[1]), input_open = false;
      }
      if (fds[0].revents & (POLLIN | POLLHUP)) {
        std::array<char, 65536> buffer;
        const ssize_t n = read(out[0], buffer.data(), buffer.size());
        if (n <= 0) break;
        svg.append(buffer.data(), static_cast<std::size_t>(n));
      }
    }
    if (input_open) close(in[1]);
    int status = 0;
    waitpid(pid, &status, 0);
    sigaction(SIGPIPE, &old, nullptr);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) svg.clear();
  } else {
    close(in[1]);
  }
  close(out[0]);
  return svg;
}

std::string column(const json::Value* list, std::size_t k) { return json::number_text(*(*list->array())[k].number()); }

// The script for one curve; empty for one that is not drawn.
std::string script_of(const json::Value& curve) {
  const json::Value *name = curve.find("name"), *x = curve.find("x"), *y = curve.find("y");
  if (!name || !name->string() || !x || !y) return {};
  const Label* label = label_of(*name->string());
  const json::Value *xs = x->find("values"), *ys = y->find("values");
  if (!label || !xs || !ys || !xs->array() || !ys->array() || xs->array()->size() != ys->array()->size() ||
      xs->array()->size() < 2)
    return {};
  const json::Value *low = curve.find("ci95_lo"), *high = curve.find("ci95_hi");
  const auto numbers = [&](const json::Value* list) {
    return list && list->array() && list->array()->size() == xs->array()->size() &&
           std::all_of(list->array()->begin(), list->array()->end(), [](const json::Value& v) { return v.number(); });
  };
  const bool band = numbers(low) && numbers(high);
  std::string unit;
  if (const json::Value* given = y->find("unit"); given && given->string() && *given->string() != "1")
    for (const char c : *given->string()) {
      if (c == '2' || c == '3') unit += c == '2' ? "²" : "³";
      else if (std::isalnum(static_cast<unsigned char>(c)) || c == ' ' || c == '/' || c == '(' || c == ')') unit += c;
    }
  const std::string y_label = label->y + (unit.empty() ? "" : " (" + unit + ")");
  const bool transfer = std::string(label->y) == "MTF" || std::string(label->y) == "TTF";
  std::string script =
      "set terminal svg size 560,330 noenhanced font 'sans-serif,12' background 'white'\nset key off\nset grid lc rgb "
      "'#dddddd'\nset border 3\nset tics nomirror out\n";
  script +=
      std::string("set title '") + label->title + "'\nset xlabel '" + label->x + "'\nset ylabel '" + y_label + "'\n";
  const bool points = *name->string() == "ct_number_linearity";
  if (*name->string() != "esf" && *name->string() != "slice_sensitivity_profile" && !points)
    script += "set yrange [0:*]\n";
  if (transfer)
    script +=
        "set arrow from graph 0,first 0.5 to graph 1,first 0.5 nohead lc rgb '#999999' dt 2\nset "
        "arrow from graph 0,first 0.1 to graph 1,first 0.1 nohead lc rgb '#999999' dt 2\n";
  script += "$d << END\n";
  for (std::size_t k = 0; k < xs->array()->size(); ++k) {
    if (!(*xs->array())[k].number() || !(*ys->array())[k].number()) return {};
    script += column(xs, k) + " " + column(ys, k);
    if (band) script += " " + column(low, k) + " " + column(high, k);
    script += "\n";
  }
  script += "END\nplot ";
  if (points)
    return script + "x with lines lc rgb '#999999' dt 2, $d using 1:2 with points pt 7 ps 0.7 lc rgb '#1f4e8c'\n";
  if (band) script += "$d using 1:3:4 with filledcurves lc rgb '#c9d9ee', ";
  return script + "$d using 1:2 with lines lw 1.6 lc rgb '#1f4e8c'\n";
}

}  // namespace

std::vector<std::string> curve_svgs(const std::vector<const json::Value*>& curves) {
  std::vector<std::string> svgs(curves.size());
  std::string script;
  std::vector<std::size_t> drawn;
  for (std::size_t k = 0; k < curves.size(); ++k) {
    const std::string own = script_of(*curves[k]);
    if (own.empty()) continue;
    script += "reset\n" + own + "set output\n";  // the last one ends the picture
    drawn.push_back(k);
  }
  if (drawn.empty()) return svgs;
  std::string all = run_gnuplot(script);
  const std::string start = "<?xml", inherited = "currentColor";
  // Print engines do not know an inherited colour in what is used again (the points): it is always our own.
  for (std::size_t at = all.find(inherited); at != std::string::npos; at = all.find(inherited, at))
    all.replace(at, inherited.size(), "#1f4e8c");
  std::vector<std::size_t> starts;
  for (std::size_t at = all.find(start); at != std::string::npos; at = all.find(start, at + 1)) starts.push_back(at);
  if (starts.size() != drawn.size()) return svgs;
  for (std::size_t k = 0; k < drawn.size(); ++k)
    svgs[drawn[k]] = all.substr(starts[k], (k + 1 < drawn.size() ? starts[k + 1] : all.size()) - starts[k]);
  return svgs;
}

}  // namespace iqgate::report
