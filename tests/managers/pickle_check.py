#!/usr/bin/python3
"""Pickles of the real Python, read and written by the C++ code.

usage: pickle_check.py <pickle_convert>

Every value is pickled with protocols 2 to 5, also by the Python implementation of the pickler, and
compared with what pickle_convert read and with what it wrote. What is no plain data must be refused.
"""
import collections
import datetime
import io
import json
import math
import pickle
import random
import subprocess
import sys

SHARED = ['shared', {'k': [1]}]
GOOD = [
    None, True, False, 0, 1, 255, 256, 65535, 65536, -1, -128, -2**31, 2**31 - 1, 2**31, -2**63,
    2**63 - 1, 0.0, 1.5, -2.25, 1e300, 5e-324, '', 'x', '\xe9', '\U0001f600', '\ud800',
    'a' * 255, 'a' * 256, 'a' * 70_000, '\0', b'', b'x', bytes(range(256)), b'y' * 70_000,
    [], [1], [1, 2, 3], list(range(3_000)), (), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), {},
    {'a': 1}, {str(i): i for i in range(3_000)}, [SHARED, SHARED], {'x': SHARED, 'y': SHARED},
    [['a', ('b', {'c': [b'd', 'a']})]],
    {'method': 'emit', 'event': 'evt', 'data': ('\xe9', 2, [b'zz']), 'namespace': '/',
     'room': 'sid1', 'skip_sid': None, 'callback': ('sid1', '/', 1), 'host_id': '0' * 32},
]
BAD = [
    collections.OrderedDict(a=1), {1, 2}, frozenset([1]), datetime.date(2020, 1, 1), print, 1j,
    [math.nan], {(1, 2): 3}, {None: 1}, 2**64, -2**63 - 1, io.StringIO, Exception('x'), range(3),
]


def random_value(rng, depth):
    kind = rng.randrange(9 if depth else 6)
    if kind == 0:
        return rng.choice([None, True, False])
    if kind == 1:
        return rng.randrange(-2**63, 2**63) >> rng.randrange(64)
    if kind == 2:
        return rng.uniform(-1e6, 1e6)
    if kind == 3:
        return ''.join(chr(rng.randrange(1, 0x500)) for _ in range(rng.randrange(20)))
    if kind in (4, 5):
        return bytes(rng.randrange(256) for _ in range(rng.randrange(20)))
    items = [random_value(rng, depth - 1) for _ in range(rng.randrange(6))]
    if kind == 6:
        return items
    if kind == 7:
        return tuple(items)
    return {'k%d' % i: item for i, item in enumerate(items)}


def shown(value):
    """As pickle_convert shows it."""
    if isinstance(value, (bytes, bytearray)):
        return {'b': value.hex()}
    if isinstance(value, (list, tuple)):
        return [shown(each) for each in value]
    if isinstance(value, dict):
        return {key: shown(each) for key, each in value.items()}
    return value


def has_bytes(value):
    if isinstance(value, (list, tuple)):
        return any(map(has_bytes, value))
    if isinstance(value, dict):
        return any(map(has_bytes, value.values()))
    return isinstance(value, bytes)


def python_pickler(value, protocol):
    out = io.BytesIO()
    pickle._Pickler(out, protocol).dump(value)
    return out.getvalue()


def main():
    rng = random.Random(4)
    good = GOOD + [random_value(rng, 4) for _ in range(500)]
    child = subprocess.Popen([sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(data):
        child.stdin.write(data.hex() + '\n')
        child.stdin.flush()
        return child.stdout.readline().split(maxsplit=1)

    failed = checks = 0
    for value in good:
        for protocol in (2, 3, 4, 5):
            if protocol == 2 and has_bytes(value):
                continue  # protocol 2 calls a function for them
            for dump in (pickle.dumps, python_pickler):
                answer = ask(dump(value, protocol))
                checks += 1
                ok = answer[0] != 'no'
                if ok:
                    read = json.loads(bytes.fromhex(answer[0]))
                    ok = read == shown(value) and \
                        shown(pickle.loads(bytes.fromhex(answer[1]))) == shown(value)
                if not ok:
                    failed += 1
                    print('wrong:', repr(value)[:200], protocol, str(answer)[:300], file=sys.stderr)
    mutable = bytearray(b'xyz')
    if ask(pickle.dumps(mutable, 5))[0] == 'no':
        failed += 1
        print('bytearray of protocol 5 is refused', file=sys.stderr)
    for value in BAD + [mutable]:
        for protocol in (2, 3, 4):
            checks += 1
            if ask(pickle.dumps(value, protocol))[0] != 'no':
                failed += 1
                print('accepted:', repr(value), protocol, file=sys.stderr)
    child.stdin.close()
    if child.wait() != 0 or checks < 3_000:
        failed += 1
    print(f'{checks - failed} passed, {failed} failed')
    sys.exit(1 if failed else 0)


main()
