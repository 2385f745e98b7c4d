"""A Celery task that emits, as an application has it, with Debian's python3-socketio as it is. The
variables REDIS_URL and CHANNEL say where.

    celery -A celery_emit worker     runs the task
    celery_emit.py                   has it run: as emit_worker.py
"""
import os
import sys

import celery
import socketio

import python_manager

url = os.environ['REDIS_URL']
app = celery.Celery('cluster', broker=url, backend=url)
manager = socketio.RedisManager(url, os.environ['CHANNEL'], write_only=True)


@app.task(name='emit')
def emit(request):
    python_manager.emit(manager, request)


if __name__ == '__main__':
    for line in sys.stdin:
        emit.delay(line).get(timeout=20)
        print('done')
