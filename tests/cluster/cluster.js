// Brokers, servers joined by them, and official clients that ask those to do things.
'use strict';
const assert = require('assert');
const path = require('path');
const { connect } = require('../interop/clients.js');
const { ServerProcess } = require('../support/js/server-process.js');
const { eventually } = require('../support/js/waiting.js');

const python = (script, ...args) =>
    ['/usr/bin/python3', '-Bu', path.join(__dirname, script), ...args];

// One of our servers by the dialect that it writes, or `python DIALECT`.
function serverCommand(program, server, url, channel) {
    const [kind, dialect] = server.startsWith('python ') ? server.split(' ') : ['ours', server];
    return [...(kind === 'python' ? python('peer_server.py') : [program]),
        '--manager', url, '--channel', channel, '--dialect', dialect];
}

// Brokers of the driver's own, each started when it is first asked for.
class Brokers {
    constructor(program) {
        this.program = program;
        this.started = new Map();
    }

    // scheme: that of createManager(). Gives the URL.
    async url(scheme) {
        const kind = scheme === 'amqp' ? 'rabbitmq' : 'redis';
        if (!this.started.has(kind)) {
            const broker = new ServerProcess([this.program, kind]);
            this.started.set(kind, { broker, ready: broker.start({ deadlineMs: 60000 }) });
        }
        const { broker, ready } = this.started.get(kind);
        await ready;
        return scheme === 'amqp' ? `amqp://guest:guest@127.0.0.1:${broker.port}//`
            : `${scheme}://127.0.0.1:${broker.port}/0`;
    }

    async stop() {
        for (const { broker } of this.started.values()) assert.strictEqual(await broker.stop(), 0);
    }
}

// A client of one server of a cluster.
class Member {
    constructor(version, mode, url, options) {
        this.client = connect(version, mode, url, options);
        this.name = `client ${version} over ${mode}`;
        const { socket } = this.client;
        for (const event of ['fence', 'news', 'answer'])
            socket.on(event, (...args) => this.client.take(event, args));
        socket.on('question', (...args) => {
            const acknowledge = args.pop();
            this.client.take('question', args);
            if (this.answers) acknowledge(...this.answers);
        });
        this.packets = [];
        socket.io.engine.on('data', (data) => this.keep(data));
    }

    // Every packet, its attachments in hexadecimal behind it.
    keep(data) {
        if (typeof data === 'string') this.packets.push(data);
        else this.packets.push(`${this.packets.pop()} ${Buffer.from(data).toString('hex')}`);
    }

    // The packets of an event since the last call, without the ids of their acknowledgements.
    takePackets(event) {
        const packets = this.packets.filter((packet) => packet.includes(`["${event}"`));
        this.packets = [];
        return packets.map((packet) => packet.replace(/^(\d(?:\d+-)?(?:\/chat,)?)\d*\[/, '$1['));
    }

    async open() {
        await this.client.next('connect');
        this.sid = this.client.socket.id;
        return this;
    }

    // Asks the server to do something, and waits until it has.
    async ask(event, ...args) {
        assert.deepStrictEqual(await this.client.call(event, ...args), ['done'], event);
    }

    emit(event, args, request = {}) {
        return this.ask('emit', { event, args, ...request });
    }

    next(event) {
        return this.client.next(event);
    }

    close() {
        this.client.close();
    }
}

// Several servers on one channel.
class Cluster {
    // servers: the commands of the servers.
    constructor(servers) {
        this.servers = servers.map((command) => new ServerProcess(command));
        this.members = [];
        this.fences = 0;
    }

    async start() {
        await Promise.all(this.servers.map((server) => server.start()));
    }

    // A client of the server with that number, or at `url`.
    async join(server, { version = '4.8', mode = 'websocket', nsp = '/', url, ...options } = {}) {
        const member = new Member(version, mode, url || this.servers[server].url, { nsp, ...options });
        this.members.push(member);
        member.server = server;
        member.nsp = nsp;
        return member.open();
    }

    // Waits until what each server emits reaches the clients of all.
    async joined(askers) {
        const seen = this.members.map(() => new Set());
        this.members.forEach((member, i) =>
            member.client.socket.on('probe', (from) => seen[i].add(from)));
        await eventually(async () => {
            await Promise.all(askers.map((asker, i) => asker.emit('probe', [i])));
            return seen.every((from) => from.size === askers.length);
        }, 'every server hears every other');
    }

    // Waits until all that `asker` had its server emit before has arrived wherever it should.
    async fence(asker, members = this.members) {
        const number = ++this.fences;
        await asker.emit('fence', [number]);
        for (const member of members) {
            if (member.nsp !== asker.nsp) continue;
            for (;;) if ((await member.next('fence'))[0] === number) break;
        }
    }

    // The news that have arrived at exactly these members; nothing at the others.
    async news(asker, members, expected) {
        await this.fence(asker);
        for (const member of this.members) {
            const got = [];
            while (member.client.pending('news')) got.push(await member.next('news'));
            assert.deepStrictEqual(got, members.includes(member) ? expected : [],
                `${member.name} of server ${member.server}`);
        }
    }

    leave(member) {
        this.members.splice(this.members.indexOf(member), 1);
        member.close();
    }

    async stop() {
        this.members.forEach((member) => member.close());
        const status = await Promise.all(this.servers.map((server) => server.stop()));
        status.forEach((each, i) => {
            // python-socketio's server knows no orderly end.
            const python = this.servers[i].command[0].includes('python');
            assert.strictEqual(each, python ? 'SIGTERM' : 0, 'a server ended badly');
        });
    }
}

// run({ setup, name, url, channel, cluster }) for each of the setups whose name contains `wanted`.
// A setup has `broker`, the scheme of createManager(), and `servers`, as serverCommand() knows them.
// The servers of its cluster are for run() to start, and are stopped behind it.
async function runSetups({ server, broker, setup: wanted }, setups, runner, run) {
    const named = setups
        .map((setup) => ({ setup, name: `${setup.broker} with ${setup.servers.join(', ')}` }))
        .filter(({ name }) => name.includes(wanted));
    const brokers = new Brokers(broker);
    // RabbitMQ takes its time to start.
    if (named.some(({ setup }) => setup.broker === 'amqp')) brokers.url('amqp').catch(() => {});
    try {
        for (const [i, { setup, name }] of named.entries()) {
            const begin = Date.now(), channel = `channel ${i}`;
            const url = await brokers.url(setup.broker);
            const cluster = new Cluster(
                setup.servers.map((each) => serverCommand(server, each, url, channel)));
            await run({ setup, name, url, channel, cluster });
            await cluster.stop().catch((error) => runner.fail(name, error));
            console.error(`${name}: ${Date.now() - begin} ms`);
        }
    } finally {
        await brokers.stop();
    }
}

module.exports = { Brokers, Cluster, python, runSetups, serverCommand };
