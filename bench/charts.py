#!/usr/bin/python3
"""Draws bench/results.json as bars: usage `charts.py [RESULTS.json [FOLDER]]`.

One chart a file, in FOLDER (bench/charts). No background, and colours that can be read on white and
on black alike.
"""
import json
import pathlib
import sys
from xml.sax.saxutils import escape

HERE = pathlib.Path(__file__).parent
SERVERS = {'ours': ('poco-socketio', '#2f81f7'), 'node': ('npm socket.io', '#c27c0e'),
           'python': ('python-socketio', '#8a6fc9')}
TEXT = '#737c86'
WIDTH, LABELS, FIGURES, BAR, GAP = 860, 240, 190, 15, 16

CHARTS = [
    # file, title, (figure, unit, divisor), the rows that begin with these, one scale for all
    ('cpu', 'CPU per message', ('cpuMicroseconds', 'µs', 1),
     ['echo-100-1', 'echo-100-16', 'echo-1000-1', 'broadcast-1', 'broadcast-8', 'poll', 'connect'],
     False),
    ('p99', 'Latency: 99 of 100 messages are answered within', ('p99Microseconds', 'ms', 1000),
     ['echo-100-1', 'echo-1000-1', 'blocked', 'broadcast-1', 'poll'], False),
    ('memory', 'Memory per idle client', ('bytesPerClient', 'KB', 1024),
     ['idle-10000', 'idle-19000'], False),
    ('payloads', 'CPU per echo by size', ('cpuMicroseconds', 'µs', 1),
     ['payload-64B-text', 'payload-1KB-text', 'payload-64KB-text', 'payload-1MB-text',
      'payload-64B-binary', 'payload-1KB-binary', 'payload-64KB-binary', 'payload-1MB-binary'],
     False),
    ('clients', 'CPU per echo by number of clients', ('cpuMicroseconds', 'µs', 1),
     ['clients-1', 'clients-10', 'clients-100', 'clients-1000', 'clients-5000', 'clients-10000',
      'clients-19000'], True),
]


def number(value):
    """Three digits that count: 8.92, 31.3, 1,051."""
    return f'{value:.2f}' if value < 10 else f'{value:.1f}' if value < 100 else f'{value:,.0f}'


def text(x, y, words, size=13, anchor='start', weight='normal', colour=TEXT):
    return (f'<text x="{x:.0f}" y="{y:.0f}" font-size="{size}" text-anchor="{anchor}" '
            f'font-weight="{weight}" fill="{colour}">{escape(words)}</text>')


def draw(title, figure, rows, common):
    """The SVG of `rows`: a list of (title, {server: value})."""
    unit = figure[1]
    shown = [name for name in SERVERS if any(name in values for _, values in rows)]
    room = WIDTH - LABELS - FIGURES
    largest = max(value for _, values in rows for value in values.values())
    out, y = [], 26
    out.append(text(0, y, f'{title}, {unit}', 17, weight='bold'))
    out.append(text(WIDTH, y, 'shorter is better; ' + ('one scale' if common else
                                                       'each measure has its own scale'),
                    12, 'end'))
    y, x = y + 26, LABELS
    for name in shown:
        out.append(f'<rect x="{x}" y="{y - 11}" width="12" height="12" rx="2" '
                   f'fill="{SERVERS[name][1]}"/>')
        out.append(text(x + 18, y, SERVERS[name][0]))
        x += 150
    y += 16
    for row, values in rows:
        scale = room / (largest if common else max(values.values()))
        out.append(text(LABELS - 12, y + len(values) * BAR / 2 + 4, row, 13, 'end'))
        for name in SERVERS:
            if name not in values:
                continue
            value = values[name]
            ratio = value / values['node'] if name != 'node' and 'node' in values else 0
            label = number(value) + (f' ({number(ratio)} × npm)' if ratio else '')
            out.append(f'<rect x="{LABELS}" y="{y}" width="{max(value * scale, 1):.1f}" '
                       f'height="{BAR - 2}" rx="2" fill="{SERVERS[name][1]}"/>')
            out.append(text(LABELS + value * scale + 7, y + BAR - 4, label, 12,
                            weight='bold' if name == 'ours' else 'normal'))
            y += BAR
        y += GAP
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" width="{WIDTH}" '
            f'height="{y}" role="img" font-family="system-ui, -apple-system, Segoe UI, '
            f'DejaVu Sans, sans-serif"><title>{escape(title)}</title>\n'
            + '\n'.join(out) + '\n</svg>\n')


def main(arguments):
    source = pathlib.Path(arguments[0] if arguments else HERE / 'results.json')
    folder = pathlib.Path(arguments[1] if len(arguments) > 1 else HERE / 'charts')
    results = json.loads(source.read_text())['results']
    folder.mkdir(exist_ok=True)
    for name, title, figure, wanted, common in CHARTS:
        rows = []
        for row in wanted:
            values = {result['server']: result[figure[0]] / figure[2] for result in results
                      if result['row'] == row and result['server'] in SERVERS
                      and result[figure[0]] > 0}
            if values:
                label = next(result['title'] for result in results if result['row'] == row)
                rows.append((label, values))
        if rows:
            (folder / f'{name}.svg').write_text(draw(title, figure, rows, common))


if __name__ == '__main__':
    main(sys.argv[1:])
