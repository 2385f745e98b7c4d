#!/usr/bin/python3
"""ClusterServer.cpp with python-socketio: the same command line, the same events, but for those of
which its 5.7.2 knows nothing (enter and exit of other servers' clients, counters).
"""
import eventlet
eventlet.monkey_patch()

import argparse

import eventlet.wsgi
import socketio

from python_manager import make_manager, packed

DONE = 'done'


def serve(sio, nsp):
    def on(event):
        return sio.on(event, namespace=nsp)

    @on('emit')
    def emit(asking, request):
        arguments = request['args']
        callback = None
        if request.get('ask'):
            def callback(*answer):
                sio.emit('answer', answer, to=asking, namespace=nsp, ignore_queue=True)
        sio.emit(request['event'], packed(arguments), room=request.get('room'),
                 skip_sid=request.get('skip'), namespace=nsp, callback=callback,
                 ignore_queue=bool(request.get('local')))
        return DONE

    @on('call')
    def call(_, request):
        try:
            answer = sio.call(request['event'], packed(request['args']), to=request['sid'],
                              namespace=nsp, timeout=request.get('timeout', 20000) / 1000)
            return list(answer) if isinstance(answer, tuple) else answer
        except socketio.exceptions.TimeoutError:
            return {'error': 'timeout'}

    @on('enter')
    def enter(_, sid, room):
        sio.enter_room(sid, room, namespace=nsp)
        return DONE

    @on('exit')
    def leave(_, sid, room):
        sio.leave_room(sid, room, namespace=nsp)
        return DONE

    @on('close')
    def close(_, room):
        sio.close_room(room, namespace=nsp)
        return DONE

    @on('disconnect client')
    def disconnect(_, sid):
        sio.disconnect(sid, namespace=nsp)
        return DONE

    @on('rooms')
    def rooms(asking):
        return sorted(sio.rooms(asking, namespace=nsp))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--manager', required=True)
    parser.add_argument('--channel', default='socketio')
    parser.add_argument('--dialect', choices=['json', 'pickle'], default='pickle')
    parser.add_argument('--port', type=int, default=0)
    options = parser.parse_args()
    manager = make_manager(options.manager, options.channel, options.dialect)
    sio = socketio.Server(client_manager=manager, async_mode='eventlet')
    serve(sio, '/')
    serve(sio, '/chat')
    listener = eventlet.listen(('127.0.0.1', options.port))
    print(f'listening on {listener.getsockname()[1]}', flush=True)
    eventlet.wsgi.server(listener, socketio.WSGIApp(sio), log_output=False)


main()
