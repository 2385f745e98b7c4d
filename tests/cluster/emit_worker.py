#!/usr/bin/python3
"""A process that only emits, with python-socketio: for each line of its input, a request of
python_manager.emit(), a line `done`.

    emit_worker.py URL CHANNEL json|pickle
"""
import sys

from python_manager import emit, make_manager

manager = make_manager(*sys.argv[1:4], write_only=True)
for line in sys.stdin:
    emit(manager, line)
    print('done')
