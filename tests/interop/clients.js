// The official JavaScript clients of every generation behind one small interface.
'use strict';

const generations = {
    '1.3.5': { eio: '3', auth: 'query' },
    '1.7.4': { eio: '3', auth: 'query' },
    '2.5.0': { eio: '3', auth: 'query' },
    '3.1.3': { eio: '4', auth: 'auth' },
    '4.8': { eio: '4', auth: 'auth' },
};

const transports = {
    polling: ['polling'],
    websocket: ['websocket'],
    upgrade: ['polling', 'websocket'],
};

// Binary arguments arrive as Buffer, ArrayBuffer or a view, by generation: make them all Buffers.
function plain(value) {
    if (value instanceof ArrayBuffer) return Buffer.from(value);
    if (ArrayBuffer.isView(value))
        return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    if (Array.isArray(value)) return value.map(plain);
    if (value && typeof value === 'object' && !(value instanceof Error))
        return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, plain(v)]));
    return value;
}

// One socket of one client. Everything that arrives is kept in order, so that a case may ask for
// an event after it came.
class Client {
    constructor(version, socket) {
        this.version = version;
        this.socket = socket;
        this.arrived = new Map();
        this.waiting = new Map();
        for (const event of ['connect', 'disconnect', 'welcome', 'echo', 'room message', 'to all',
            'answered', 'binary', 'nested', 'number', 'left'])
            socket.on(event, (...args) => this.take(event, args));
        const refused = generations[version].auth === 'query' ? 'error' : 'connect_error';
        socket.on(refused, (error) => this.take('refused', [error]));
    }

    take(event, args) {
        const waiting = this.waiting.get(event);
        if (waiting && waiting.length) waiting.shift()(args);
        else if (this.arrived.has(event)) this.arrived.get(event).push(args);
        else this.arrived.set(event, [args]);
    }

    // The arguments of the next `event` that no earlier call was given.
    next(event) {
        const arrived = this.arrived.get(event);
        if (arrived && arrived.length) return Promise.resolve(arrived.shift().map(plain));
        return new Promise((resolve) => {
            if (!this.waiting.has(event)) this.waiting.set(event, []);
            this.waiting.get(event).push((args) => resolve(args.map(plain)));
        });
    }

    // How many of `event` have come that nobody asked for.
    pending(event) {
        return (this.arrived.get(event) || []).length;
    }

    emit(event, ...args) {
        this.socket.emit(event, ...args);
    }

    // Emits and gives the arguments of the acknowledgement.
    call(event, ...args) {
        return new Promise((resolve) => {
            this.socket.emit(event, ...args, (...answer) => resolve(answer.map(plain)));
        });
    }

    get transport() {
        return this.socket.io.engine.transport.name;
    }

    // A second namespace on the same connection.
    open(nsp, options = {}) {
        const socket = this.socket.io.socket(nsp, credentials(this.version, options));
        return new Client(this.version, socket);
    }

    close() {
        this.socket.io.reconnection(false);
        const engine = this.socket.io.engine;
        this.socket.disconnect();
        if (engine) engine.close();
    }
}

function credentials(version, { token }) {
    if (!token) return {};
    if (generations[version].auth === 'query') return { query: `token=${token}` };
    return { auth: { token } };
}

// Opens a client of `version` with one of the three ways to use the transports.
function connect(version, mode, url, options = {}) {
    const library = require(`sio-${version}`);
    return new Client(version, library.connect(url + (options.nsp || ''), {
        forceNew: true,
        transports: transports[mode],
        timeout: 5000,
        reconnectionDelay: 50,
        reconnectionDelayMax: 200,
        ...(options.ca && { ca: options.ca }),
        ...(options.headers && { extraHeaders: options.headers }),
        ...credentials(version, options),
    }));
}

module.exports = { connect, generations, transports };
