"""Debian's python3-socketio with its default settings: usage `python3 server.py PORT`.

On eventlet: the threading mode has WebSocket only through the package simple-websocket, which
Debian 12 does not have.
"""
import logging
import sys

import eventlet
import eventlet.wsgi
import socketio

sio = socketio.Server(async_mode='eventlet')


@sio.event
def echo(sid, value):
    return value


@sio.event
def bcast(sid, value):
    sio.emit('b', value)


if __name__ == '__main__':
    listener = eventlet.listen(('127.0.0.1', int(sys.argv[1])), backlog=1024)
    # eventlet's own limit is 1,024 requests at a time, and a WebSocket counts as one.
    eventlet.wsgi.server(listener, socketio.WSGIApp(sio), max_size=25000, log_output=False,
                         log=logging.getLogger('wsgi'))
