#!/usr/bin/env python3
"""Tables (results.md) and a chart (results.svg) from what bench/run measured.

usage: bench/report.py build/bench/results.json

A figure is the median of the runs; the spread is the range between the least and the greatest, in percent of the
median.  A ratio is Linux's median over Auk's: above 1, Auk is faster or smaller.  For each
operation Linux has the CPU model that serves it best.
"""
import json
import math
import pathlib
import statistics
import sys
from xml.sax.saxutils import escape

KIB_64_OPS = ("pipe_copy", "file_read", "file_write")
TITLES = {
    "getpid": "getpid", "read": "read, 1 byte of /dev/zero", "write": "write, 1 byte to /dev/null",
    "fstat": "fstat", "stat": "stat", "open_close": "open and close", "fault_anon": "page fault, anonymous",
    "fault_file": "page touched, mapped file", "fault_cow": "page fault, copy-on-write",
    "pipe_trip": "pipe round trip", "switch": "context switch (token in a pipe)",
    "yield": "context switch (sched_yield)", "signal": "signal", "fork_exit": "fork + exit",
    "fork_exec": "fork + exec", "sh_c": "sh -c", "pipe_copy": "pipe, 64 KiB",
    "file_read": "read of the page cache, 64 KiB", "file_write": "write to the page cache, 64 KiB",
}
COLUMNS = (("instructions", "instructions"), ("1", "time, 1 CPU"), ("2", "time, 2 CPUs"))
COLOURS = {"instructions": "#8a8f98", "1": "#2f6fab", "2": "#e0912f"}


def spread(samples):
    middle = statistics.median(samples)
    return 0 if not middle else 100 * (max(samples) - min(samples)) / middle


def best_model(by_cpu):
    """operation -> the samples of the CPU model with the lower median."""
    best = {}
    for samples in by_cpu.values():
        for name, values in samples.items():
            if name not in best or statistics.median(values) < statistics.median(best[name]):
                best[name] = values
    return best


def sides(by_kernel):
    """Auk's samples and Linux's."""
    auk = best_model(by_kernel.get("auk", {}))
    linux = best_model({(k, c): s for k, cpus in by_kernel.items() if k != "auk" for c, s in cpus.items()})
    return auk, linux


def column(results, key):
    return sides(results["instructions"] if key == "instructions" else results["operations"].get(key, {}))


def ratio(auk, linux, name):
    if name not in auk or name not in linux:
        return None
    return statistics.median(linux[name]) / statistics.median(auk[name])


def geometric_mean(values):
    values = [v for v in values if v]
    return math.exp(sum(map(math.log, values)) / len(values)) if values else None


def show(value, form="{:.2f}"):
    return "–" if value is None else form.format(value)


def time_text(nanoseconds):
    return f"{nanoseconds / 1000:.2f}" if nanoseconds < 1e5 else f"{nanoseconds / 1000:,.0f}"


def cell(samples, name, count):
    if name not in samples:
        return "–"
    middle = statistics.median(samples[name])
    if count:
        return f"{middle:,.0f}"
    text = f"{time_text(middle)} ±{spread(samples[name]) / 2:.0f} %"
    return text + (f" ({65.536e6 / middle:,.0f} MB/s)" if name in KIB_64_OPS else "")


def operations_table(results, key, title):
    auk, linux = column(results, key)
    unit = "instructions" if key == "instructions" else "µs"
    lines = [f"## {title}", "", f"| operation | Auk, {unit} | Linux, {unit} | ratio |", "|---|--:|--:|--:|"]
    ratios = []
    for name in [n for n in TITLES if n in auk or n in linux]:
        ratios.append(ratio(auk, linux, name))
        count = key == "instructions"
        lines.append(f"| {TITLES[name]} | {cell(auk, name, count)} | {cell(linux, name, count)} "
                     f"| {show(ratios[-1])} |")
    lines.append(f"| **geometric mean** | | | **{show(geometric_mean(ratios))}** |")
    return lines + [""]


def span(samples, of, since=None):
    return [a - (b if since else 0) for a, b in zip(samples[of], samples[since or of])]


BOOT_SPANS = (("QEMU and firmware", "entry", None), ("entry to first instruction", "user", "entry"),
              ("that to the prompt", "prompt", "user"), ("start to prompt", "prompt", None))


def boot_table(results):
    lines = ["## Boot, in milliseconds", "", "| machine | kernel | " + " | ".join(s[0] for s in BOOT_SPANS)
             + " | entry to first instruction, ratio |", "|---|---|" + "--:|" * (len(BOOT_SPANS) + 1)]
    for machine, kernels in results["boot"].items():
        middle = {k: statistics.median(span(s, "user", "entry")) for k, s in kernels.items()}
        for kernel, samples in kernels.items():
            spans = [span(samples, of, since) for _, of, since in BOOT_SPANS]
            cells = [f"{1e3 * statistics.median(s):,.0f} ±{spread(s) / 2:.0f} %" for s in spans]
            over = middle[kernel] / middle["auk"] if "auk" in middle else None
            lines.append(f"| {machine} | {kernel} | {' | '.join(cells)} | {show(over)} |")
    return lines + [""]


def space_table(results):
    lines = ["## Memory and size, in MiB", "", f"| kernel | gone of {results['memory_mib']} after boot "
             "(not available) | not free | image in memory | image file | as Debian packs it |",
             "|---|--:|--:|--:|--:|--:|"]
    for kernel, size in results["size"].items():
        memory = results["memory"].get(kernel, {})
        gone = [show(statistics.median(memory[k]) if k in memory else None, "{:.1f}")
                for k in ("not_available", "not_free")]
        image = [show(size[k] / 2**20 if k in size else None, "{:.1f}") for k in ("memory", "file", "packed")]
        lines.append(f"| {kernel} | {' | '.join(gone + image)} |")
    return lines + [""]


def markdown(results):
    lines = ["# Auk beside Debian's Linux kernel", "",
             f"{results['qemu']}, {results['accel']}, {results['runs']} runs on {results['cpus']} CPUs of the "
             f"host, {results['date']}. Medians; ± is half of the range. A ratio is Linux over Auk: above 1, Auk "
             "is faster or smaller. Linux has mitigations off, the uncompressed image, and for each "
             "operation the better of two CPU models.", ""]
    lines += boot_table(results) + space_table(results)
    for key, title in COLUMNS:
        name = "Operations: " + title if key != "instructions" else "Operations: guest instructions (exact)"
        lines += operations_table(results, key, name)
    if results["hung"]:
        lines += ["Boots repeated because the guest hung: "
                  + ", ".join(f"{k} {n}" for k, n in results["hung"].items()) + ".", ""]
    lines += [f"Failed: {what}" for what in results["failed"]]
    return "\n".join(lines) + "\n"


class Svg:
    def __init__(self, width):
        self.width = width
        self.parts = []

    def text(self, x, y, text, anchor="start", weight="normal", colour="#222"):
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}" '
                          f'fill="{colour}">{escape(text)}</text>')

    def bar(self, x, y, width, height, colour):
        self.parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0.5):.1f}" height="{height}" '
                          f'fill="{colour}"/>')

    def rule(self, x, y0, y1, colour="#ddd"):
        self.parts.append(f'<path d="M{x:.1f} {y0:.1f}V{y1:.1f}" stroke="{colour}"/>')

    def write(self, path, height):
        head = (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {height:.0f}" '
                f'width="{self.width}" height="{height:.0f}" font-family="sans-serif" font-size="12">')
        back = f'<rect width="{self.width}" height="{height:.0f}" fill="#fff"/>'
        path.write_text("\n".join([head, back, *self.parts, "</svg>", ""]))


LEFT, RIGHT, WIDTH = 230, 60, 860


def boot_chart(svg, y, results):
    svg.text(12, y, "Boot: QEMU's start to the shell's prompt, ms", weight="bold")
    rows = [(f"{kernel}, {machine}", samples) for machine, kernels in results["boot"].items()
            for kernel, samples in kernels.items()]
    if not rows:
        return y + 24
    parts = (("QEMU and firmware", "entry", None, "#c4c8ce"), ("kernel", "user", "entry", "#2f6fab"),
             ("first process to prompt", "prompt", "user", "#e0912f"))
    scale = (WIDTH - LEFT - RIGHT) / max(1e3 * statistics.median(s["prompt"]) for _, s in rows)
    x = 330
    for title, _, _, colour in parts:
        svg.bar(x, y - 9, 10, 10, colour)
        svg.text(x + 15, y, title)
        x += 35 + 7 * len(title)
    y += 12
    for label, samples in rows:
        x = LEFT
        svg.text(LEFT - 8, y + 12, label, "end")
        for _, of, since, colour in parts:
            width = scale * 1e3 * statistics.median(span(samples, of, since))
            svg.bar(x, y + 2, width, 13, colour)
            x += width
        svg.text(x + 5, y + 12, f"{1e3 * statistics.median(samples['prompt']):,.0f}")
        y += 18
    return y + 24


def ratio_chart(svg, y, rows, keys):
    """Bars from 1 on a logarithmic scale: to the right Auk needs less, to the left more."""
    svg.text(12, y, "Operations: Linux's cost over Auk's (right of 1, Auk needs less)", weight="bold")
    x = LEFT
    y += 18
    for key, title in keys:
        svg.bar(x, y - 9, 10, 10, COLOURS[key])
        svg.text(x + 15, y, title)
        x += 40 + 7 * len(title)
    logs = [math.log2(r) for _, values in rows for r in values if r]
    low, high = math.floor(min(logs + [-1])), math.ceil(max(logs + [1]))
    scale = (WIDTH - LEFT - RIGHT) / (high - low)
    zero = LEFT - low * scale
    top, row = y + 24, 7 * len(keys) + 8
    for power in range(low, high + 1):
        svg.rule(zero + power * scale, top, top + row * len(rows), "#666" if power == 0 else "#ddd")
        svg.text(zero + power * scale, top - 5, f"{2.0 ** power:g}", "middle")
    y = top
    for label, values in rows:
        svg.text(LEFT - 8, y + row / 2 + 4, label, "end", "bold" if label == "geometric mean" else "normal")
        for index, (key, value) in enumerate(zip((k for k, _ in keys), values)):
            if value:
                end = math.log2(value) * scale
                svg.bar(zero + min(end, 0), y + 4 + 7 * index, abs(end), 6, COLOURS[key])
        y += row
    return y + 24


def chart(results, path):
    svg = Svg(WIDTH)
    y = boot_chart(svg, 24, results)
    keys = [k for k in COLUMNS if column(results, k[0])[0]]
    if keys:
        pairs = [column(results, key) for key, _ in keys]
        rows = [(title, [ratio(*pair, name) for pair in pairs]) for name, title in TITLES.items()]
        rows = [r for r in rows if any(r[1])]
        means = [geometric_mean(values) for values in zip(*(r[1] for r in rows))]
        y = ratio_chart(svg, y, rows + [("geometric mean", means)], keys)
    svg.write(path, y)


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: bench/report.py build/bench/results.json")
    path = pathlib.Path(sys.argv[1])
    results = json.loads(path.read_text())
    text = markdown(results)
    path.with_suffix(".md").write_text(text)
    chart(results, path.with_suffix(".svg"))
    print(text, end="")


if __name__ == "__main__":
    main()
