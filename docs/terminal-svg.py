#!/usr/bin/env python3
"""Draws what a program wrote to a terminal as an SVG that reads well on light and dark pages.

    script -qec 'stty cols 120 rows 60; COMMAND' out.txt
    python3 docs/terminal-svg.py out.txt > docs/demo.svg
    python3 docs/terminal-svg.py out.txt "==> training" > docs/demo.svg    # from the first line with this text

Lines are drawn as they stood at the end: what a progress bar overwrote is gone. Plain Python, no packages.
"""

import re
import sys
from xml.sax.saxutils import escape

COLUMN, LINE, MARGIN = 8.4, 20, 24
WIDTH = 120  # columns of the terminal: a program that fills a line relies on the next character's wrapping
FONT = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
NAMES = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"]
LIGHT = dict(zip(NAMES, ["#57606a", "#b3261e", "#1a7f37", "#8a6100", "#0a58ca", "#8250df", "#0f6f78", "#24292f"]))
DARK = dict(zip(NAMES, ["#8b949e", "#ff8a80", "#6fdd8b", "#e3b341", "#79b8ff", "#d2a8ff", "#76d7e0", "#e6edf3"]))
TOKEN = re.compile(r"\x1b\[([0-?]*)[ -/]*([@-~])|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b.|[\r\n\b]|[^\x1b\r\n\b]+", re.S)


class Screen:
    """Lines of (character, style); a style is the set of its CSS classes."""

    def __init__(self):
        self.lines, self.row, self.column, self.style = [[]], 0, 0, frozenset()

    def feed(self, text):
        for match in TOKEN.finditer(text):
            token = match.group()
            if match.group(2):
                self.control(match.group(1), match.group(2))
            elif token == "\r":
                self.column = 0
            elif token == "\n":
                self.move(self.row + 1)
                self.column = 0
            elif token == "\b":
                self.column = max(0, self.column - 1)
            elif not token.startswith("\x1b"):
                for character in token.expandtabs(8):
                    self.put(character)

    def move(self, row):
        self.row = max(0, row)
        while len(self.lines) <= self.row:
            self.lines.append([])

    def put(self, character):
        if self.column >= WIDTH:
            self.move(self.row + 1)
            self.column = 0
        line = self.lines[self.row]
        line.extend([(" ", frozenset())] * (self.column + 1 - len(line)))
        line[self.column] = (character, self.style)
        self.column += 1

    def control(self, parameters, final):
        numbers = [int(number) if number.isdigit() else 0 for number in parameters.split(";")]
        count = max(1, numbers[0])
        if final == "m":
            self.dress(numbers)
        elif final in "AF":
            self.move(self.row - count)
        elif final in "BE":
            self.move(self.row + count)
        elif final == "C":
            self.column += count
        elif final == "D":
            self.column = max(0, self.column - count)
        elif final == "G":
            self.column = count - 1
        elif final == "K":
            line = self.lines[self.row]
            del line[0 if numbers[0] == 2 else self.column :]
        elif final == "J" and numbers[0] == 0:
            del self.lines[self.row][self.column :]
            del self.lines[self.row + 1 :]
        if final in "EF":
            self.column = 0

    def dress(self, numbers):
        style, numbers = set(self.style), list(numbers)
        while numbers:
            number = numbers.pop(0)
            if number == 0:
                style.clear()
            elif number == 1:
                style.add("bold")
            elif number == 2:
                style.add("dim")
            elif number == 22:
                style -= {"bold", "dim"}
            elif 30 <= number <= 37 or 90 <= number <= 97:
                style = style - set(NAMES) | {NAMES[number % 10]}
            elif number == 39:
                style -= set(NAMES)
            elif number in (38, 48):
                palette = numbers[:2] if numbers[:1] == [5] else []
                del numbers[: 2 if palette else 4]
                if number == 38 and palette and palette[1] < 16:
                    style = style - set(NAMES) | {NAMES[palette[1] % 8]}
        self.style = frozenset(style)


def runs(line):
    """Neighbouring characters of one style, cut at gaps, which some renderers close: (column, text, style)."""
    start = 0
    for end in range(1, len(line) + 1):
        if end == len(line) or line[end][1] != line[start][1]:
            text = "".join(character for character, _ in line[start:end])
            for piece in re.finditer(r"\S+(?: \S+)*", text):
                yield start + piece.start(), piece.group(), line[start][1]
            start = end


def draw(lines):
    width = max(map(len, lines), default=0) * COLUMN + 2 * MARGIN
    height = len(lines) * LINE + 2 * MARGIN
    colours = lambda palette: " ".join(f".{name} {{ fill: {colour}; }}" for name, colour in palette.items())
    yield f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}">'
    yield f"""<style>
text {{ font: 14px {FONT}; fill: #24292f; }}
rect {{ fill: #f6f8fa; stroke: #d0d7de; }}
.bold {{ font-weight: 600; }} .dim {{ opacity: 0.7; }}
{colours(LIGHT)}
@media (prefers-color-scheme: dark) {{
text {{ fill: #e6edf3; }} rect {{ fill: #0d1117; stroke: #30363d; }}
{colours(DARK)}
}}
</style>"""
    yield f'<rect x="0.5" y="0.5" width="{width - 1:.0f}" height="{height - 1:.0f}" rx="8"/>'
    for row, line in enumerate(lines):
        for column, text, style in runs(line):
            name = f' class="{" ".join(sorted(style))}"' if style else ""
            x, y = MARGIN + column * COLUMN, MARGIN + (row + 0.75) * LINE
            # The length keeps columns in line whatever font the reader has.
            length = f' textLength="{len(text) * COLUMN:.1f}"' if len(text) > 1 else ""
            yield f'<text x="{x:.1f}" y="{y:.1f}"{length}{name}>{escape(text)}</text>'
    yield "</svg>"


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    with open(sys.argv[1], encoding="utf-8", errors="replace", newline="") as file:
        text = file.read()
    text = re.sub(r"\AScript started on [^\n]*\n|\n?Script done on [^\n]*\n?\Z", "", text)
    screen = Screen()
    screen.feed(text)
    lines = ["".join(character for character, _ in line).rstrip() and line for line in screen.lines]
    start = sys.argv[2] if len(sys.argv) == 3 else ""
    while lines and (not lines[0] or start not in "".join(character for character, _ in lines[0])):
        lines.pop(0)
    while lines and not lines[-1]:
        lines.pop()
    print("\n".join(draw(lines)))


if __name__ == "__main__":
    main()
