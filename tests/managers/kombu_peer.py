#!/usr/bin/python3
"""python-socketio's KombuManager on the other side.

    hear URL CHANNEL N              prints "ready", then the N messages it hears, one JSON a line:
                                    type of the payload, properties, message
    say URL CHANNEL json|pickle     emits what the test expects
    spoil URL CHANNEL               declares the exchange as another type
    raw URL CHANNEL N               publishes N equal messages with no number in them
"""
import json
import pickle
import sys

import kombu
import socketio

mode, url, channel = sys.argv[1:4]


class Manager(socketio.KombuManager):
    """5.7.2 writes pickle; 5.15.1 and later give kombu a JSON text in its place."""
    as_json = False

    def _publish(self, data):
        connection = self._connection()
        publish = connection.ensure(self.producer, self.producer.publish)
        publish(json.dumps({**data, 'binary': False}) if self.as_json else pickle.dumps(data))


def shown(body):
    kind = type(body).__name__
    return kind, pickle.loads(body) if isinstance(body, bytes) else json.loads(body)


if mode == 'hear':
    manager = Manager(url, channel)
    with kombu.Connection(url) as connection:
        with connection.SimpleQueue(manager._queue()) as queue:
            print('ready')
            for _ in range(int(sys.argv[4])):
                message = queue.get(block=True, timeout=20)
                message.ack()
                kind, content = shown(message.payload)
                properties = {name: message.properties.get(name)
                              for name in ('delivery_mode', 'priority')}
                print(json.dumps({'kind': kind, 'type': message.content_type,
                                  'encoding': message.content_encoding,
                                  'headers': message.headers,
                                  'properties': properties, 'message': content},
                                 default=lambda b: {'bytes': list(b)}))
elif mode == 'say':
    manager = Manager(url, channel, write_only=True)
    manager.as_json = sys.argv[4] == 'json'
    if manager.as_json:
        manager.emit('said', ['\u00e9', 2], namespace='/')
    else:
        manager.emit('said', ('\u00e9', 2), namespace='/')
elif mode == 'spoil':
    with kombu.Connection(url) as connection:
        kombu.Exchange(channel, type='direct', durable=False)(connection.default_channel).declare()
elif mode == 'raw':
    manager = Manager(url, channel, write_only=True)
    manager.as_json = True
    for _ in range(int(sys.argv[4])):
        manager._publish({'method': 'emit', 'event': 'tick', 'data': [], 'namespace': '/'})
