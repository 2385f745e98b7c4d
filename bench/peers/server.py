"""Debian's python3-socketio with its default settings: usage
`python3 server.py [--manager REDIS_OR_AMQP_URL] PORT`.

On eventlet: the threading mode has WebSocket only through the package simple-websocket, which
Debian 12 does not have.
"""
import logging
import sys
import time

import eventlet
import eventlet.wsgi
import socketio

manager = None
if sys.argv[1] == '--manager':
    eventlet.monkey_patch()  # for the broker's client
    url = sys.argv[2]
    kind = socketio.RedisManager if url.startswith('redis') else socketio.KombuManager
    manager = kind(url)
sio = socketio.Server(async_mode='eventlet', client_manager=manager)


class Emitter:
    """Emits `m` at a steady rate to the rooms c0, c1... in turn: the time, a number and a text."""

    running = False
    task = None
    emitted = 0

    def start(self, rate, rooms):
        self.running = True
        self.task = sio.start_background_task(self.run, rate, rooms)

    def stop(self):
        self.running = False
        self.task.join()
        return self.emitted

    def run(self, rate, rooms):
        begin = time.monotonic_ns()
        self.emitted = 0
        while self.running:
            sio.sleep(0.001)
            due = (time.monotonic_ns() - begin) * rate // 10**9
            if due - self.emitted > rate // 10:  # too slow by 100 ms: those are left out
                begin += (due - self.emitted) * 10**9 // rate
                due = self.emitted
            while self.emitted < due:
                sio.emit('m', (time.monotonic_ns(), self.emitted,
                               '0123456789abcdef0123456789abcdef'),
                         room=f'c{self.emitted % rooms}')
                self.emitted += 1


emitter = Emitter()


@sio.event
def echo(sid, value):
    return value


@sio.event
def bcast(sid, value):
    sio.emit('b', value)


@sio.event
def block(sid, milliseconds):
    time.sleep(milliseconds / 1000)
    return milliseconds


@sio.event
def join(sid, room):
    sio.enter_room(sid, room)
    return room


@sio.event
def start(sid, rate, rooms):
    emitter.start(rate, rooms)


@sio.event
def stop(sid):
    return emitter.stop()


if __name__ == '__main__':
    listener = eventlet.listen(('127.0.0.1', int(sys.argv[-1])), backlog=1024)
    # eventlet's own limit is 1,024 requests at a time, and a WebSocket counts as one.
    eventlet.wsgi.server(listener, socketio.WSGIApp(sio), max_size=25000, log_output=False,
                         log=logging.getLogger('wsgi'))
