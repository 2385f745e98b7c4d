// Processes that only emit: poco-socketio-emit, python-socketio's write-only managers and a Celery
// task, and the clients of our servers and of python-socketio's.
//
//     node workers.js --server CLUSTER_SERVER --broker CLUSTER_BROKER --emit POCO_SOCKETIO_EMIT
'use strict';
const assert = require('assert');
const { spawn } = require('child_process');
const { once } = require('events');
const readline = require('readline');
const { parseArgs } = require('util');
const { Runner } = require('../support/js/runner.js');
const { python, runSetups } = require('./cluster.js');

const { values: options } = parseArgs({
    options: {
        server: { type: 'string' },
        broker: { type: 'string' },
        emit: { type: 'string' },
        setup: { type: 'string', default: '' },
    },
});

// servers: as in servers.js. emitters: those below, with the dialect that they write.
const setups = [
    { broker: 'redis', servers: ['json', 'pickle'],
        emitters: ['program json', 'program pickle', 'worker json', 'worker pickle', 'celery'] },
    { broker: 'redis', servers: ['pickle', 'python pickle'],
        emitters: ['program pickle', 'worker pickle'] },
    { broker: 'redis', servers: ['json', 'python json'], emitters: ['program json', 'worker json'] },
    { broker: 'redis', servers: ['legacy-json'], emitters: ['program legacy-json'] },
    { broker: 'kombu+redis', servers: ['pickle', 'python pickle'],
        emitters: ['program pickle', 'worker pickle'] },
    { broker: 'amqp', servers: ['pickle', 'python pickle'],
        emitters: ['program pickle', 'worker pickle'] },
    { broker: 'amqp', servers: ['json', 'python json'], emitters: ['program json', 'worker json'] },
];

const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

function start([program, ...args], settings) {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'], ...settings });
    running.add(child);
    child.exited = once(child, 'exit').then(([code, signal]) => {
        running.delete(child);
        return signal || code;
    });
    return child;
}

// What all emitters can do besides.
class Emitter {
    constructor() {
        this.nsp = '/';
        this.sendsBinary = true;
    }

    async stop() {}
}

// poco-socketio-emit, once for each event.
class Program extends Emitter {
    constructor(url, channel, dialect) {
        super();
        this.sendsBinary = false;
        this.command = [options.emit, '--url', url, '--channel', channel, '--dialect', dialect];
    }

    async emit(event, args, { room = [], skip = [] } = {}) {
        const list = (option, names) => [names].flat().flatMap((name) => [option, name]);
        const child = start([...this.command, ...list('--room', room), ...list('--skip', skip), event,
            ...args.map((each) => JSON.stringify(each))]);
        assert.strictEqual(await child.exited, 0);
    }
}

// A process that emits what it reads, line by line.
class Worker extends Emitter {
    constructor(command, settings) {
        super();
        this.child = start(command, settings);
        this.lines = readline.createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
    }

    async emit(event, args, request = {}) {
        const shown = (_, value) => (value && value.type === 'Buffer'
            ? { base64: Buffer.from(value.data).toString('base64') } : value);
        this.child.stdin.write(`${JSON.stringify({ event, args, ...request }, shown)}\n`);
        assert.strictEqual((await this.lines.next()).value, 'done');
    }

    async stop() {
        this.child.stdin.end();
        assert.strictEqual(await this.child.exited, 0);
    }
}

// A Celery worker, and a process that gives it tasks.
class Celery extends Worker {
    constructor(url, channel) {
        const settings = { cwd: __dirname, env: { ...process.env, REDIS_URL: url, CHANNEL: channel } };
        super(python('celery_emit.py'), settings);
        this.worker = start(['/usr/bin/python3', '-B', '-Wignore', '-m', 'celery', '-q', '-A', 'celery_emit', 'worker',
            '-P', 'solo', '--loglevel', 'error', '--without-gossip', '--without-mingle'],
        settings);
        this.worker.stdout.resume();
    }

    async stop() {
        await super.stop();
        this.worker.kill('SIGTERM');
        assert.strictEqual(await this.worker.exited, 0);
    }
}

const emitters = {
    program: (...where) => new Program(...where),
    worker: (...where) => new Worker(python('emit_worker.py', ...where)),
    celery: (url, channel) => new Celery(url, channel),
};

// Each is run for each emitter, with
//     emitter   it
//     cluster   the Cluster, which has two clients on each server
const cases = {
    async 'emits to everybody'({ cluster, emitter }) {
        for (const args of [[], ['über 🎉'], [{ a: [1.5, null] }]]) {
            await emitter.emit('news', args);
            await cluster.news(emitter, cluster.members, [args]);
        }
    },

    async 'emits several arguments and lists'({ cluster, emitter, legacy }) {
        await emitter.emit('news', ['a', 1, [2, 3]]);
        await emitter.emit('news', [[1, 'two']]);
        // This dialect has one form for both.
        const first = legacy ? [['a', 1, [2, 3]]] : ['a', 1, [2, 3]];
        await cluster.news(emitter, cluster.members, [first, [[1, 'two']]]);
    },

    async 'emits binary'({ cluster, emitter }) {
        if (!emitter.sendsBinary) return;
        const args = [{ deep: [Buffer.from([0, 1, 255])] }, Buffer.from('text')];
        await emitter.emit('news', args);
        await cluster.news(emitter, cluster.members, [args]);
    },

    async 'emits to a room'({ cluster, emitter }) {
        const inside = cluster.members.filter((_, i) => i % 2 === 1);
        for (const member of inside) await member.ask('enter', member.sid, 'den');
        await emitter.emit('news', ['den'], { room: 'den' });
        await cluster.news(emitter, inside, [['den']]);
        await emitter.emit('news', ['one of both'], { room: ['den', cluster.members[0].sid] });
        await cluster.news(emitter, [cluster.members[0], ...inside], [['one of both']]);
        for (const member of inside) await member.ask('exit', member.sid, 'den');
    },

    async 'emits to a client'({ cluster, emitter }) {
        for (const member of cluster.members) {
            await emitter.emit('news', ['you'], { room: member.sid });
            await cluster.news(emitter, [member], [['you']]);
        }
    },

    async 'skips clients'({ cluster, emitter }) {
        const [first, ...rest] = cluster.members;
        await emitter.emit('news', ['not the first'], { skip: first.sid });
        await cluster.news(emitter, rest, [['not the first']]);
        await emitter.emit('news', ['the first'], { skip: rest.map(({ sid }) => sid) });
        await cluster.news(emitter, [first], [['the first']]);
    },
};

const runner = new Runner({ deadlineMs: 30000 });

async function runSetup({ setup, name, url, channel, cluster }) {
    const joined = await runner.test(`${name}: the servers listen`, async () => {
        await cluster.start();
        const askers = [];
        for (const i of setup.servers.keys()) {
            askers.push(await cluster.join(i));
            await cluster.join(i, { mode: 'polling' });
        }
        await cluster.joined(askers);
    });
    for (const each of joined ? setup.emitters : []) {
        const [kind, dialect] = each.split(' ');
        const emitter = emitters[kind](url, channel, dialect);
        for (const [what, run] of Object.entries(cases))
            await runner.test(`${name}: ${each} ${what}`,
                () => run({ cluster, emitter, legacy: dialect === 'legacy-json' }));
        await emitter.stop().catch((error) => runner.fail(`${name}: ${each}`, error));
    }
}

runner.end(() => runSetups(options, setups, runner, runSetup));
