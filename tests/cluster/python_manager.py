"""python-socketio's managers, with a choice of what they write: 5.7.2 writes pickle."""
import base64
import json
import pickle

import socketio


def without_binary(value, attachments):
    if isinstance(value, (bytes, bytearray)):
        attachments.append(base64.b64encode(value).decode())
        return {'_placeholder': True, 'num': len(attachments) - 1}
    if isinstance(value, (list, tuple)):
        return [without_binary(each, attachments) for each in value]
    if isinstance(value, dict):
        return {key: without_binary(each, attachments) for key, each in value.items()}
    return value


def with_binary(value, attachments):
    if isinstance(value, list):
        return [with_binary(each, attachments) for each in value]
    if isinstance(value, dict):
        if value.get('_placeholder'):
            return base64.b64decode(attachments[value['num']])
        return {key: with_binary(each, attachments) for key, each in value.items()}
    return value


def to_json(message):
    """What 5.15.1 and later write: an emit's arguments as a list, binary beside them in base64."""
    if message['method'] == 'emit':
        data = message['data']
        attachments = []
        arguments = without_binary(data if isinstance(data, tuple) else [data], attachments)
        message = {**message, 'binary': bool(attachments),
                   'data': [arguments] + attachments if attachments else arguments}
    return json.dumps(message)


def from_json(text):
    """What 5.15.1 and later read out of that, for the rest of 5.7.2."""
    message = json.loads(text)
    if message['method'] == 'emit':
        data = message['data']
        if message['binary']:
            data = with_binary(data[0], data[1:])
        message['data'] = data[0] if len(data) == 1 else tuple(data) or None
    return message


class RedisManager(socketio.RedisManager):
    as_json = False

    def _publish(self, data):
        return self.redis.publish(self.channel,
                                  to_json(data) if self.as_json else pickle.dumps(data))

    def _listen(self):
        for payload in super()._listen():
            yield from_json(payload) if self.as_json else payload


class KombuManager(socketio.KombuManager):
    as_json = False

    def _publish(self, data):
        connection = self._connection()
        publish = connection.ensure(self.producer, self.producer.publish)
        publish(to_json(data) if self.as_json else pickle.dumps(data))

    def _listen(self):
        for payload in super()._listen():
            yield from_json(payload) if self.as_json else payload


def make_manager(url, channel, dialect, write_only=False):
    """The manager that a URL of createManager() stands for."""
    kombu = not url.startswith('redis')
    url = url[len('kombu+'):] if url.startswith('kombu+') else url
    manager = (KombuManager if kombu else RedisManager)(url, channel, write_only)
    manager.as_json = dialect == 'json'
    return manager


def packed(arguments):
    """python-socketio's form of any number of arguments."""
    if len(arguments) == 1:
        return arguments[0]
    return tuple(arguments) if arguments else None


def with_bytes(members):
    """JSON's object hook for requests: {"base64": TEXT} stands for bytes."""
    return base64.b64decode(members['base64']) if 'base64' in members else members


def emit(manager, request):
    """Emits what a driver asks for: an object as in ClusterServer.cpp, as JSON."""
    request = json.loads(request, object_hook=with_bytes)
    manager.emit(request['event'], packed(request['args']), namespace='/',
                 room=request.get('room'), skip_sid=request.get('skip'))
