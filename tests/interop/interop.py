"""Debian's python3-socketio client against one server, over each transport.

    /usr/bin/python3 interop.py --server PROGRAM    the server under test, see InteropServer.cpp
    /usr/bin/python3 interop.py --server PROGRAM --tls   the same over https and wss
    /usr/bin/python3 interop.py --reference         the official server, to check this driver

--transport MODE and --case TEXT narrow the run. Ends with the line
"N passed, N failed[, N skipped]".
"""
import argparse
import atexit
import os
import queue
import re
import select
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import traceback

import requests
import socketio

CASE_DEADLINE = 15.0
WAIT = 5.0
TRANSPORTS = {'polling': ['polling'], 'websocket': ['websocket'], 'upgrade': None}

BYTES = bytes(range(256))
NESTED = {'name': 'nested', 'parts': [b'\1\2\3', {'deep': b''}, 'text', [BYTES]], 'none': None}


class SerialSocket(ssl.SSLSocket):
    """The client reads on one thread and writes on another. OpenSSL's objects are for one thread at
    a time, and CPython 3.11 lets both in: now and then a read sees an end that never came."""

    lock = threading.Lock()

    def read(self, *args):
        # Waits outside of the lock, for bytes of records that are on their way as a whole.
        if not self.pending() and not select.select([self], [], [], self.gettimeout())[0]:
            raise TimeoutError('timed out')
        with self.lock:
            return super().read(*args)

    def send(self, *args):
        with self.lock:
            return super().send(*args)


ssl.SSLContext.sslsocket_class = SerialSocket


class ServerProcess:
    """A server program run as a child, see tests/support/js/server-process.js."""

    def __init__(self, command):
        self.command = command
        self.port = 0
        self.child = None
        atexit.register(self.kill)

    def start(self):
        self.child = subprocess.Popen(self.command + ['--port', str(self.port)],
                                      stdout=subprocess.PIPE, text=True)
        line = self.child.stdout.readline()
        found = re.fullmatch(r'listening on (\d+)\n', line)
        if not found:
            raise RuntimeError(f'{self.command[0]} does not listen: {line!r}')
        self.port = int(found.group(1))

    def stop(self):
        """Asks the program to end and gives its exit status."""
        self.child.send_signal(signal.SIGTERM)
        try:
            return self.child.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()
            return 'killed'

    def kill(self):
        if self.child and self.child.poll() is None:
            self.child.kill()
            self.child.wait()


class Client:
    """One connection; everything that arrives is kept in order, by namespace and event."""

    EVENTS = ('welcome', 'echo', 'room message', 'to all', 'answered', 'binary', 'nested', 'number',
              'left')
    OWN_EVENTS = ('connect', 'disconnect', 'connect_error')

    def __init__(self, url, mode, ca=None, namespaces=('/',), auth=None):
        session = None
        if ca:
            session = requests.Session()
            session.trust_env = False  # REQUESTS_CA_BUNDLE would win
            session.verify = ca  # for the WebSocket, too
        self.sio = socketio.Client(reconnection_delay=0.05, reconnection_delay_max=0.2,
                                   randomization_factor=0, http_session=session)
        # Made here: two threads that ask a defaultdict for a new key may get a queue each.
        self.arrived = {(nsp, event): queue.Queue() for nsp in namespaces
                        for event in self.EVENTS + self.OWN_EVENTS}
        self.question = None
        for nsp in namespaces:
            for event in self.EVENTS + self.OWN_EVENTS:
                self.sio.on(event, self._keeper(nsp, event), namespace=nsp)
            self.sio.on('question', self._answer, namespace=nsp)
        self.options = {'url': url, 'transports': TRANSPORTS[mode], 'auth': auth,
                        'namespaces': list(namespaces)}

    def _keeper(self, nsp, event):
        return lambda *args: self.arrived[nsp, event].put(list(args))

    def _answer(self, *args):
        return self.question(*args)

    def open(self, wait=WAIT):
        self.sio.connect(**self.options, wait_timeout=wait)
        return self

    def next(self, event, nsp='/'):
        """The arguments of the next `event` that no earlier call was given."""
        try:
            return self.arrived[nsp, event].get(timeout=WAIT)
        except queue.Empty:
            raise AssertionError(f'{event} did not come') from None

    def pending(self, event, nsp='/'):
        return self.arrived[nsp, event].qsize()

    def emit(self, event, *args, nsp='/'):
        self.sio.emit(event, args, namespace=nsp)

    def call(self, event, *args, nsp='/'):
        """Emits and gives the arguments of the acknowledgement as a list."""
        answer = queue.Queue()
        self.sio.emit(event, args, namespace=nsp, callback=lambda *a: answer.put(list(a)))
        try:
            return answer.get(timeout=WAIT)
        except queue.Empty:
            raise AssertionError(f'{event} was not acknowledged') from None

    def close(self):
        self.sio.reconnection = False
        eio = self.sio.eio
        threads = [eio.read_loop_task, eio.write_loop_task]
        eio.disconnect(abort=True)
        # Over TLS one that is late would write its close frame to a descriptor that it has closed,
        # and that belongs to the next client by then.
        for thread in threads:
            if thread:
                thread.join(WAIT)


class Context:
    def __init__(self, server, mode, ca=None):
        self.server = server
        self.mode = mode
        self.ca = ca
        self.clients = []

    def client(self, **options):
        """A client that is closed when the case ends; not yet connected."""
        scheme = 'https' if self.ca else 'http'
        client = Client(f'{scheme}://127.0.0.1:{self.server.port}', self.mode, self.ca, **options)
        self.clients.append(client)
        return client

    def connect(self, **options):
        return self.client(**options).open()


def equal(actual, expected):
    assert actual == expected, f'{actual!r:.300} is not {expected!r:.300}'


def reason_of(sid, witness):
    """The reason with which the server saw the socket `sid` go; others may go meanwhile."""
    while True:
        (left,) = witness.next('left')
        if left['sid'] == sid:
            return left['reason']


def connects_and_has_the_id_the_server_gave_it(c):
    client = c.connect()
    (welcome,) = client.next('welcome')
    equal(welcome['nsp'], '/')
    equal(welcome['eio'], '4')
    equal(client.sio.get_sid(), welcome['sid'])


def uses_the_transport_it_asked_for(c):
    client = c.connect()
    wanted = 'polling' if c.mode == 'polling' else 'websocket'
    equal(client.sio.transport(), wanted)
    equal(client.call('transport'), [wanted])


def loses_doubles_and_reorders_nothing(c):
    client = c.connect()
    for i in range(300):
        client.emit('echo', i)
    for i in range(300):
        equal(client.next('echo'), [i])
    equal(client.pending('echo'), 0)


def passes_its_credentials(c):
    client = c.connect(auth={'token': 'letmein'})
    equal(client.next('welcome')[0]['token'], 'letmein')


def exchanges_text(c):
    client = c.connect()
    texts = ['', 'hello', 'über — 漢字 🎉 \U0010ffff', '"quoted" \\ / \b\f\n\r\t\0', '\u2028\u2029',
             '4["a"]', '\\n', 'x' * 100000, '🎉' * 5000]
    for text in texts:
        client.emit('echo', text)
    for text in texts:
        equal(client.next('echo'), [text])


def exchanges_every_kind_of_plain_value(c):
    client = c.connect()
    values = [0, -1, 1.5, 1e21, 5e-324, 9007199254740991, True, False, None, [], {}, [[], [[1]]],
              {'a': {'b': [{'c': None}]}, '': 'empty key', 'ключ': 1}]
    client.emit('echo', *values)
    equal(client.next('echo'), values)
    client.emit('echo')
    equal(client.next('echo'), [])


def receives_binary(c):
    client = c.connect()
    client.emit('send binary')
    equal(client.next('binary'), [BYTES])


def receives_nested_binary(c):
    client = c.connect()
    client.emit('send nested')
    equal(client.next('nested'), [NESTED])


def is_acknowledged(c):
    client = c.connect()
    equal(client.call('return', 'one', {'two': 2}, [3]), ['one', {'two': 2}, [3]])
    equal(client.call('return'), [])
    for i in range(50):
        equal(client.call('return', i), [i])


def is_acknowledged_with_binary(c):
    client = c.connect()
    equal(client.call('ask nested'), [NESTED])


def acknowledges(c):
    client = c.connect()
    client.question = lambda question: (question + '!', {'n': 1})
    client.emit('ask', 'well')
    equal(client.next('answered'), ['well!', {'n': 1}])
    equal(client.call('call', 'and'), ['and!', {'n': 1}])


def sends_binary(c):
    client = c.connect()
    client.emit('echo', BYTES)
    equal(client.next('echo'), [BYTES])
    large = b'\xa5' * 200000
    client.emit('echo', 'between', large, b'\0')
    equal(client.next('echo'), ['between', large, b'\0'])


def sends_nested_binary(c):
    client = c.connect()
    client.emit('echo', NESTED)
    equal(client.next('echo'), [NESTED])
    equal(client.call('return', NESTED), [NESTED])


def acknowledges_with_binary(c):
    client = c.connect()
    client.question = lambda question: (BYTES, NESTED)
    client.emit('ask', 'well')
    equal(client.next('answered'), [BYTES, NESTED])


def receives_a_burst_in_order(c):
    client = c.connect()
    client.emit('burst', 200)
    for i in range(200):
        equal(client.next('number'), [i])


def joins_and_leaves_rooms(c):
    one, two, three = c.connect(), c.connect(), c.connect()
    equal(one.call('join', 'den'), ['joined'])
    equal(two.call('join', 'den'), ['joined'])
    sid = two.sio.get_sid()
    equal(two.call('rooms'), [sorted(['den', sid])])
    one.call('to room', 'den', 'hello')
    equal(two.next('room message'), ['hello'])
    three.call('to room', 'den', 'from outside')
    equal(one.next('room message'), ['from outside'])
    equal(two.next('room message'), ['from outside'])
    equal(two.call('leave', 'den'), ['left'])
    equal(two.call('rooms'), [[sid]])
    one.call('to room', 'den', 'anyone?')
    one.emit('to all', 'end')
    for client in (one, two, three):
        equal(client.next('to all'), ['end'])
        equal(client.pending('room message'), 0)


def keeps_namespaces_apart(c):
    client = c.connect(namespaces=('/', '/chat'), auth={'token': 'chatter'})
    (welcome,) = client.next('welcome', nsp='/chat')
    equal(welcome['nsp'], '/chat')
    equal(welcome['token'], 'chatter')
    equal(client.sio.get_sid('/chat'), welcome['sid'])
    assert client.sio.get_sid() != welcome['sid']
    client.emit('to all', 'for the chat', nsp='/chat')
    equal(client.next('to all', nsp='/chat'), ['for the chat'])
    client.emit('to all', 'for the main one')
    equal(client.next('to all'), ['for the main one'])
    equal(client.call('return', 1, nsp='/chat'), [1])
    equal(client.pending('to all') + client.pending('to all', nsp='/chat'), 0)


def refused(c, **options):
    client = c.client(**options)
    try:
        client.open(wait=1)  # after a refusal this client waits to the end
    except socketio.exceptions.ConnectionError:
        return client.next('connect_error', nsp=options['namespaces'][0])
    raise AssertionError('the server let it in')


def is_refused_with_a_message_and_data(c):
    (error,) = refused(c, namespaces=('/secret',), auth={'token': 'wrong'})
    equal(error, {'message': 'bad token', 'data': {'code': 7, 'hint': 'say letmein'}})
    client = c.connect(namespaces=('/secret',), auth={'token': 'letmein'})
    equal(client.next('welcome', nsp='/secret')[0]['nsp'], '/secret')


def is_refused_with_a_message_alone(c):
    equal(refused(c, namespaces=('/closed',)), [{'message': 'closed today'}])


def is_told_that_a_namespace_does_not_exist(c):
    equal(refused(c, namespaces=('/nowhere',)), [{'message': 'Invalid namespace'}])


def disconnects(c):
    client, witness = c.connect(), c.connect()
    sid = client.sio.get_sid()
    client.sio.disconnect()
    client.next('disconnect')
    # Whether this client's DISCONNECT packet still leaves before it closes is left to chance.
    reason = reason_of(sid, witness)
    assert reason in ('client namespace disconnect', 'transport close'), reason


def is_disconnected_by_the_server(c):
    client, witness = c.connect(), c.connect()
    sid = client.sio.get_sid()
    client.emit('kick')
    client.next('disconnect')
    equal(reason_of(sid, witness), 'server namespace disconnect')


def is_disconnected_by_the_server_from_one_namespace_of_two(c):
    client = c.connect(namespaces=('/', '/chat'))
    client.emit('kick', nsp='/chat')
    client.next('disconnect', nsp='/chat')
    equal(client.call('return', 'still here'), ['still here'])


def reconnects_after_the_server_was_killed(c):
    # Not after an orderly end: this client takes a CLOSE packet as a wish that it stay away.
    client = c.connect()
    (before,) = client.next('welcome')
    client.next('connect')
    c.server.kill()
    client.next('disconnect')
    c.server.start()
    client.next('connect')
    (after,) = client.next('welcome')
    assert after['sid'] != before['sid']
    equal(client.call('return', 'back'), ['back'])


CASES = [
    connects_and_has_the_id_the_server_gave_it, uses_the_transport_it_asked_for,
    loses_doubles_and_reorders_nothing, passes_its_credentials, exchanges_text,
    exchanges_every_kind_of_plain_value, receives_binary, receives_nested_binary, is_acknowledged,
    is_acknowledged_with_binary, acknowledges, sends_binary, sends_nested_binary,
    acknowledges_with_binary, receives_a_burst_in_order, joins_and_leaves_rooms,
    keeps_namespaces_apart, is_refused_with_a_message_and_data, is_refused_with_a_message_alone,
    is_told_that_a_namespace_does_not_exist, disconnects, is_disconnected_by_the_server,
    is_disconnected_by_the_server_from_one_namespace_of_two,
    reconnects_after_the_server_was_killed,
]

# This client refuses a poll answer of more than 16 packets, which the official server sends.
NOT_WITH_THE_REFERENCE = {
    'polling': [loses_doubles_and_reorders_nothing, receives_a_burst_in_order],
}


def run_case(case, context):
    """Runs one case on a thread of its own, so that its deadline holds whatever it waits for."""
    outcome = queue.Queue()

    def body():
        try:
            case(context)
            outcome.put(None)
        except BaseException:  # a client library may raise anything
            outcome.put(traceback.format_exc())

    threading.Thread(target=body, daemon=True).start()
    try:
        return outcome.get(timeout=CASE_DEADLINE)
    except queue.Empty:
        return 'the deadline passed'
    finally:
        for client in context.clients:
            client.close()


def make_certificate(folder):
    """A certificate of this run's own and its key, as interop-server wants them."""
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
                    'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=localhost',
                    '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', folder + '/key.pem',
                    '-out', folder + '/cert.pem'], check=True, stderr=subprocess.DEVNULL)
    return folder + '/cert.pem'


def is_refused_without_the_certificate(c):
    client = Client(f'https://127.0.0.1:{c.server.port}', c.mode)
    c.clients.append(client)
    try:
        client.open(wait=1)
    except socketio.exceptions.ConnectionError:
        return
    raise AssertionError('it believed a certificate that nobody vouches for')


def main():
    parser = argparse.ArgumentParser()
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument('--server')
    target.add_argument('--reference', action='store_true')
    parser.add_argument('--tls', action='store_true')
    parser.add_argument('--transport', choices=TRANSPORTS)
    parser.add_argument('--case', default='')
    options = parser.parse_args()
    here = os.path.dirname(os.path.abspath(__file__))
    command = [options.server] if options.server else ['node', here + '/reference-server.js']

    ca = folder = None
    cases = CASES
    if options.tls:
        folder = tempfile.mkdtemp(prefix='interop-tls-')
        ca = make_certificate(folder)
        command += ['--tls', folder]
        cases = CASES + [is_refused_without_the_certificate]

    passed = failed = skipped = 0
    for mode in TRANSPORTS:
        if options.transport not in (None, mode):
            continue
        server = ServerProcess(command)
        server.start()
        for case in cases:
            name = case.__name__.replace('_', ' ')
            if options.case not in name:
                continue
            if options.reference and case in NOT_WITH_THE_REFERENCE.get(mode, []):
                skipped += 1
                continue
            error = run_case(case, Context(server, mode, ca))
            if error is None:
                passed += 1
            else:
                failed += 1
                print(f'FAILED python client over {mode} {name}\n{error}', file=sys.stderr)
        status = server.stop()
        if status != 0:
            failed += 1
            print(f'FAILED the server of {mode} ended with {status}', file=sys.stderr)
    if folder:
        shutil.rmtree(folder)
    tail = f', {skipped} skipped' if skipped else ''
    print(f'{passed} passed, {failed} failed{tail}', flush=True)
    os._exit(1 if failed or not passed else 0)  # the clients' threads must not hold it up


if __name__ == '__main__':
    main()
